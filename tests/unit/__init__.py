"""Tests that start no program, open no socket, and end within seconds; they mirror the packages."""
