"""Check any wheel: find its stock wheel, check and start it, rebuild it from its provenance."""
