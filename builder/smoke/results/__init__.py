"""What the probes found, recorded, read and explained."""
