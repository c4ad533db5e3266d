"""Smoke tests: a running Jupyter, looked at through its own port only."""
