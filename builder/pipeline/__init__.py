"""The verbs put together: what to fetch, make, check and write, with the doors as arguments."""
