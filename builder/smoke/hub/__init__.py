"""A real JupyterHub: its image, its sites, and its users."""
