"""What TensorBoard speaks: a running server, its routes, event files."""
