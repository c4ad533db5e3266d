"""builder.context: what programs in throwaway environments start with."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from builder.system import command
from tests.support import needs

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_what_was_compiled_stays_for_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also on a machine that keeps its own Pythons from writing bytecode."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    for name in ("PYTHONPYCACHEPREFIX", "PYTHONSAFEPATH"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "imported.py").touch()
    words = [sys.executable, "-c", "import imported"]
    env = needs.context().make_clean_env(tmp_path)
    command.run_command(words, timeout=60, cwd=tmp_path)
    assert not (tmp_path / "__pycache__").exists()
    command.run_command(words, timeout=60, cwd=tmp_path, env=env)
    assert (tmp_path / "__pycache__").is_dir()
