"""Turn TensorBoard releases into patched wheels that show inside Jupyter."""

__version__ = "0.1.0"
