"""Clients of Jupyter: login, kernels, notebooks, TensorBoard in a frame."""
