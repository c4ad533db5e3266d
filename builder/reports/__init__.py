"""Pages and summaries of what the other verbs found."""
