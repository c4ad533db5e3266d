"""Upstream's releases: the catalog, requests, the index, stock wheels, eras."""
