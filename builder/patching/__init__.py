"""Apply series of patches to a stock wheel: its files, its METADATA, its name."""
