"""Talks to Jupyter: login, kernels, notebooks, TensorBoard in a frame."""
