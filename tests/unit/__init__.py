"""Tests that start no program and open no connection; they mirror the packages of builder."""
