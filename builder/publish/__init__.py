"""Publishing: upload a wheel to an index, and prove that it serves what was built."""
