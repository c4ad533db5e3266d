"""Pages and summaries of the other verbs' results."""
