"""Doors to the machine: other programs, the console, settings, environments."""
