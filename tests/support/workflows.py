"""The workflows, read."""

from __future__ import annotations

from functools import cache
from typing import Any

import yaml

from tests.support.releases import ROOT

# The README's words, which are no session of ours before nox is there.
BOOTSTRAP = (
    "python3 -m venv .venv && .venv/bin/pip install 'nox[uv]' && .venv/bin/nox -s build -- 2.2.1"
)


@cache
def read_workflow(name: str) -> dict[str, Any]:
    """One of .github/workflows, as GitHub reads it."""
    document = yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text())
    # YAML 1.1 reads `on` as a truth value.
    return {"on" if key is True else key: value for key, value in document.items()}
