"""Upstream commits onto releases, and their verdicts."""
