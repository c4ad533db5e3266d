"""Chromium, barred from every origin but Jupyter's, and what it shows, asks for and says."""
