"""The workflows, read."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import yaml

from tests.support.releases import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))

# The README's words, which are no session of ours before nox is there.
BOOTSTRAP = (
    "python3 -m venv .venv && .venv/bin/pip install 'nox[uv]' && .venv/bin/nox -s build -- 2.2.1"
)
# What installs beside a token: nothing that is not locked, and nothing that runs a build backend.
LOCKED_INSTALL = re.compile(
    r"python3 -m venv \.venv && \.venv/bin/pip install --require-hashes --no-deps "
    r'--only-binary ":all:" -r (\.github/requirements/\w+\.txt)'
)


@cache
def read_workflow(name: str) -> dict[str, Any]:
    """One of .github/workflows, as GitHub reads it."""
    document = yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text())
    # YAML 1.1 reads `on` as a truth value.
    return {"on" if key is True else key: value for key, value in document.items()}


def list_jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    """All jobs: `workflow/job`, and what it says."""
    for path in WORKFLOWS:
        for name, job in read_workflow(path.stem)["jobs"].items():
            yield f"{path.stem}/{name}", job
