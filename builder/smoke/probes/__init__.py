"""Probes: assertions about a running Jupyter, one module for each layer or topic."""
