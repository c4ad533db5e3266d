"""Cherry-picked commits: what of them a wheel ships, and what they mean for each release. Pure."""
