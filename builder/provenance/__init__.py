"""Where a wheel comes from: statements, claims, attestations, bills of materials."""
