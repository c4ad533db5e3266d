"""Tests with real programs, servers, engines and browsers; they mirror the packages."""
