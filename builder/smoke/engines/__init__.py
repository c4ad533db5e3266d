"""Where Jupyter runs: in containers or as processes, with our wheel in it."""
