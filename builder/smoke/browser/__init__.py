"""Chromium, limited to Jupyter's origin: what it shows, its requests and its console."""
