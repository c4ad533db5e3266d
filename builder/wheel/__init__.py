"""Wheels as values: read, rewritten and written as bytes, never unpacked to disk."""
