"""Engines that run Jupyter with the wheel under test, in containers or as processes."""
