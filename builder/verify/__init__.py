"""`check` for any wheel: its stock wheel found, checked, started, and rebuilt by its provenance."""
