"""TensorBoard's interfaces: a running server, its routes, its event files."""
