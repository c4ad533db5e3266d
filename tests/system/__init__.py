"""Tests with real programs, servers, engines and browsers; they mirror the packages of builder.

A verb's tests lie with the package that does its work: `check` in `verify`, `report` and
`summary` in `reports`. `security` has the tests of the series of that name.
"""
