"""Series of patches and what they make of a stock wheel: files, METADATA, its name."""
