"""Provenance of wheels: statements, claims, attestations, bills of materials."""
