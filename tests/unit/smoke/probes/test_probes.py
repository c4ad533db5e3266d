"""The probes: named in the table, rendered for the docs, and Python where they are a notebook."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest
from packaging.version import Version

from builder.smoke.jupyter import notebook
from builder.smoke.jupyter.notebook import NotebookRun
from builder.smoke.jupyter.notebook_session import build_page_url
from builder.smoke.model import Deployment, Frontend, JupyterSite, VariableEffect, WheelUnderTest
from builder.smoke.probes import forms
from builder.smoke.probes.data import describe_difference
from builder.smoke.probes.forms import VARIABLE_FORMS
from builder.smoke.probes.table import PROBE_TABLE
from builder.system.redact import Secret
from tests.support.releases import RELEASES, ROOT
from tests.support.smoke_page import INSTALLED

if TYPE_CHECKING:
    from pathlib import Path

PROBES = ROOT / "builder" / "smoke" / "probes"
LAYERS = {"kernel", "endpoints", "ports", "forms", "failures", "control"}
MINE = ("kernel", "data", "endpoints", "ports", "forms", "failures")


def probes_of(module: Path) -> set[str]:
    """The probes that a module names, in a call or in a table of its own."""
    tree = ast.parse(module.read_text())
    texts = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant)}
    return {text for text in texts if isinstance(text, str) and text in PROBE_TABLE}


def test_every_probe_is_made() -> None:
    """Each row of these layers is named by a module, and each probe that is named has a row."""
    made = {name for module in MINE for name in probes_of(PROBES / f"{module}.py")}
    assert made == {name for name, row in PROBE_TABLE.items() if row.layer in LAYERS}
    named = "".join((PROBES / f"{module}.py").read_text() for module in MINE)
    assert set(re.findall(r'record\.(?:probe|skip)\(\s*"([^"]+)"', named)) <= made


def test_forms_are_the_tables() -> None:
    """One row for each form, and the rendered table has them all, with what they do."""
    assert [n for n, row in PROBE_TABLE.items() if row.layer == "forms"] == [
        "forms-prepared",
        *VARIABLE_FORMS,
    ]
    rows = forms.list_form_rows()
    assert len(rows) == len(VARIABLE_FORMS)
    assert ("`/proxy/%PORT%/`", "JupyterLab, Notebook at `/`", "works", "404 in the frame") in rows
    assert {effect for row in rows for effect in row[2:]} == set(VariableEffect)


def test_differences_are_told() -> None:
    """A point too few, and one that is not what was written."""
    assert describe_difference([[0, 1.0]], [[0, 1.0], [1, 2.0]]) == "1 points instead of 2"
    long, other = [[7, "a" * 500 + "b"]], [[7, "a" * 500]]
    assert describe_difference(long, other) == f"{'a' * 40}b'] instead of {'a' * 40}']"
    assert (
        describe_difference([[0, 1.0], [1, 2.5]], [[0, 1.0], [1, 2.0]])
        == "[1, 2.5] instead of [1, 2.0]"
    )


@pytest.mark.parametrize("with_tensorflow", [False, True])
@pytest.mark.parametrize("release", RELEASES)
def test_notebooks_are_python(release: str, *, with_tensorflow: bool) -> None:
    """Its cells but the magics compile, the canary is in them, and 1.13 loads the old extension."""
    run = NotebookRun.with_new_canary(WheelUnderTest(None, release, release, with_tensorflow))
    apart, train, load, show = notebook.list_code_cells(run)
    for cell in (apart, train):
        compile(cell, "cell", "exec")
    assert run.canary in train
    assert run.canary in run.shown_tag
    old = Version(release) < Version("1.14")
    assert load == f"%load_ext tensorboard{'.notebook' if old else ''}"
    assert show.startswith("%tensorboard --logdir ")
    assert [cell["source"] for cell in notebook.build_notebook(run)["cells"]] == [
        apart,
        train,
        load,
        show,
    ]


def test_runs_do_not_meet() -> None:
    """Each has a canary, a directory and a page of its own."""
    first, second = NotebookRun.with_new_canary(INSTALLED), NotebookRun.with_new_canary(INSTALLED)
    assert first.canary != second.canary
    assert first.directory != second.directory
    site = JupyterSite(
        Deployment("x", Frontend.CLASSIC, "/a/"), "http://h/a/", Secret("t"), INSTALLED
    )
    assert (
        build_page_url(site, first)
        == f"http://h/a/nbclassic/notebooks/{first.directory}/smoke.ipynb"
    )
