"""Mirrors of the stand-in upstream."""

from __future__ import annotations

from collections.abc import Callable

from builder.git.mirror import Mirror

Open = Callable[..., Mirror]
