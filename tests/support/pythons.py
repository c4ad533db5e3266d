"""Pythons that a finder meets: shims, installations, none at all."""

from __future__ import annotations

import os
import sys
import tempfile
from functools import cache
from pathlib import Path

from builder.errors import PythonNotFoundError
from builder.system.pythons import PythonFinder
from builder.today.cell import PYTHONS
from tests.support import needs

OURS = f"{sys.version_info.major}.{sys.version_info.minor}"
REFUSES = "#!/bin/sh\necho 'pyenv: python: command not found' >&2\nexit 127\n"


def look(finder: PythonFinder, version: str) -> Path | None:
    """Where a CPython is, or None."""
    try:
        return finder.find_python(version)
    except PythonNotFoundError:
        return None


@cache
def another() -> tuple[str, Path]:
    """A CPython that `hidden` hides: its version, and where it is."""
    with tempfile.TemporaryDirectory() as home:
        nowhere = PythonFinder(hidden(Path(home)))
        others = [version for version in reversed(PYTHONS) if look(nowhere, version) is None]
    found = next(((v, path) for v in others if (path := look(needs.pythons(), v))), None)
    return found or needs.lacking(f"there is no CPython besides {OURS} and the system's")


def hidden(home: Path, *path: Path, **more: str) -> dict[str, str]:
    """An environment in which only the directories of `path` have Pythons."""
    return {
        "HOME": str(home),
        "PATH": os.pathsep.join(map(str, path)),
        "UV_PYTHON_INSTALL_DIR": str(home / "uv"),
        "UV_CACHE_DIR": str(home / "uv-cache"),
        "UV_PYTHON_DOWNLOADS": "never",
        **more,
    }


def shims(root: Path, *names: str) -> Path:
    """A directory of pyenv's shims that refuse, as for what is not switched on."""
    (root / "shims").mkdir(parents=True)
    for name in names:
        (root / "shims" / name).write_text(REFUSES)
        (root / "shims" / name).chmod(0o755)
    return root / "shims"
