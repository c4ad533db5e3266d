"""The Bazel backend: TensorBoard's wheel from its source, in a container."""
