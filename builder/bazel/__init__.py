"""The Bazel backend: build TensorBoard's wheel from its source, in a container."""
