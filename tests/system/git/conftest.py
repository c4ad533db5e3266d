"""Mirrors of the stand-in upstream, in a directory of their own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from builder.git.mirror import Mirror, open_mirror
from builder.git.remote import parse_remote
from tests.support import needs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.upstream import OpenMirror


@pytest.fixture
def mirrored(tmp_path: Path) -> OpenMirror:
    """OpenMirror the mirror of an address, in a cache of this test's own."""

    def make(
        address: object, source: object = None, *, offline: bool = False, **environ: str
    ) -> Mirror:
        return open_mirror(
            needs.context({**os.environ, **environ}, store=tmp_path),
            parse_remote(str(address)),
            None if source is None else parse_remote(str(source)),
            offline=offline,
        )

    return make
