"""Read and validate the patch series under `patches/`.

A series is a directory with `series.toml` and the patch files that it lists. `patches/README.md`
specifies the format.
"""

from builder.patching.series.toml import load_all_series, load_series
from builder.patching.series.values import Patch, Series, audit_series

__all__ = ["Patch", "Series", "audit_series", "load_all_series", "load_series"]
