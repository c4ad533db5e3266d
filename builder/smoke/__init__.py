"""Smoke tests of TensorBoard in a running Jupyter, through Jupyter's own port only."""
