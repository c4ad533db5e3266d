"""Fuzz everything that parses what others wrote, for a bounded time: `nox -s fuzz`.

Each target of `tests.fuzz.targets` takes real inputs, mutates them, and lets only the documented
errors out. This is no part of the test suite: it ends when its time is up, not when it is done.
What it has found is a test of its own in `tests/unit`.
"""
