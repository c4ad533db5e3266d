"""Record, read and explain the results of probes."""
