"""What README and docs say is true."""

from __future__ import annotations

import ast
import json
import re
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from builder.checks.table import CHECK_SENTENCES
from builder.smoke.probes import failure_modes
from builder.smoke.probes.table import PROBE_TABLE as TABLE_OF_PROBES
from builder.system.settings import ProjectSettings
from tests.bench import report
from tests.support import smoke_tables
from tests.support.releases import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_every_check_is_documented() -> None:
    """docs/checks.md has the table of builder.checks.table, word for word and in its order."""
    text = (ROOT / "docs" / "checks.md").read_text()
    rows = re.findall(r"^\| ([A-Z]\d{3}) \| (.*) \|$", text, re.MULTILINE)
    assert dict(rows) == CHECK_SENTENCES
    assert f"{len(CHECK_SENTENCES)} codes" in (ROOT / "README.md").read_text()
    assert [code for code, _ in rows] == list(CHECK_SENTENCES)


def test_the_page_of_the_benchmark_has_its_figures() -> None:
    """docs/bench/README.md is what `nox -s bench -- wheel --update-docs` makes of wheel.json."""
    document = json.loads((ROOT / "docs" / "bench" / "wheel.json").read_text())
    assert (ROOT / "docs" / "bench" / "README.md").read_text() == report.render_page(document)


def test_every_probe_and_failure_mode_is_documented() -> None:
    """docs/smoke.md has the tables of tests.support.smoke_tables; no mode is without an answer."""
    assert (ROOT / "docs" / "smoke.md").read_text().endswith(f"\n\n{smoke_tables.render()}")
    for number, mode in failure_modes.FAILURE_MODES.items():
        assert failure_modes.list_catching_probes(number) or mode.elsewhere, number
    named = {number for row in TABLE_OF_PROBES.values() for number in row.modes}
    assert named <= set(failure_modes.FAILURE_MODES)


def test_readme_names_real_sessions_and_files() -> None:
    """Each `nox -s NAME` exists in the noxfile, each linked file in the tree."""
    text = (ROOT / "README.md").read_text()
    tree = ast.parse((ROOT / "noxfile.py").read_text())
    sessions = {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}
    named = set(re.findall(r"nox -s (\w+)", text))
    assert {"build", "tests", "plan"} <= named <= sessions
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def names_in_texts(pattern: str) -> Iterator[tuple[str, str]]:
    """Where a name stands in code, docs or scripts, and the name."""
    places = ("builder", "tests", "docs", "dockerfiles", "patches", ".ci", ".github")
    files = (path for place in places for path in (ROOT / place).rglob("*"))
    for path in (*files, *ROOT.glob("*.*")):
        if path.is_file() and path.suffix in {".py", ".md", ".toml", ".yml", ".sh", ""}:
            text = path.read_text(encoding="utf-8", errors="replace")
            for name in re.findall(pattern, text):
                yield f"{path.relative_to(ROOT)}: {name}", name


def is_real(name: str) -> bool:
    """Whether it is a module, or something in one."""
    module, _, rest = name.rpartition(".")
    try:
        return find_spec(name) is not None or hasattr(import_module(module), rest)
    except ModuleNotFoundError:  # the module is a class, or there is none
        return module not in {"builder", "tests"} and is_real(module)


def test_names_of_modules_in_texts_are_real() -> None:
    """Docstrings, docs, and programs that lie in texts name modules and what is in them."""
    names = dict(names_in_texts(r"(?<![\w./-])(?:builder|tests)(?:\.[A-Za-z_]\w*)+"))
    assert len(names) > 500
    assert not [where for where, name in names.items() if not is_real(name)]
    paths = dict(names_in_texts(r"\b(?:builder|tests)/[\w./]+\.\w+"))
    assert paths
    assert not [where for where, path in paths.items() if not (ROOT / path).exists()]


def test_the_changelog_begins_with_todays_label() -> None:
    """docs/CHANGELOG.md says first what the wheels that are built now have."""
    text = (ROOT / "docs" / "CHANGELOG.md").read_text()
    assert re.findall(r"^## (\S+)", text, re.MULTILINE)[0] == ProjectSettings().local_label
