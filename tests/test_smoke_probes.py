"""The probes of the kernel layers: named in the table, rendered for the docs, and able to fail."""

from __future__ import annotations

import ast
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from packaging.version import Version

from builder.smoke.jupyter import notebook
from builder.smoke.jupyter.http_client import JupyterClient
from builder.smoke.jupyter.notebook import NotebookRun
from builder.smoke.jupyter.notebook_session import NotebookSession, build_page_url
from builder.smoke.jupyter.tensorboard_client import TensorBoardClient
from builder.smoke.model import (
    Deployment,
    Frontend,
    JupyterSite,
    ProbeFailure,
    VariableEffect,
    WheelUnderTest,
)
from builder.smoke.probes import forms
from builder.smoke.probes.data import describe_difference
from builder.smoke.probes.forms import VARIABLE_FORMS
from builder.smoke.probes.table import PROBE_TABLE
from builder.system.redact import Secret
from tests.support.http_servers import running
from tests.support.releases import RELEASES, ROOT
from tests.support.smoke_page import INSTALLED

if TYPE_CHECKING:
    from collections.abc import Iterator
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


class Handler(BaseHTTPRequestHandler):
    """A Jupyter in which some frames show TensorBoard and others do not."""

    def do_GET(self) -> None:
        """Answer."""
        status, body = {
            "/lab/proxy/1/": (200, "<title>TensorBoard</title>"),
            "/lab/proxy/1/data/plugins_listing": (200, '{"scalars": {}}'),
            "/lab/proxy/2": (200, "<title>TensorBoard</title>"),
            "/lab/proxy/3/": (200, "<title>Home</title>"),
            "/lab/proxy/4/": (500, ""),
        }.get(self.path, (404, ""))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def visit() -> Iterator[NotebookSession]:
    """A visit without a kernel, which judging a frame does not need."""
    with running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as root:
        url = f"{root}lab/"
        site = JupyterSite(Deployment("x", Frontend.LAB, "/lab/"), url, Secret("t"), INSTALLED)
        absent: Any = None
        yield NotebookSession(
            site, NotebookRun.with_new_canary(INSTALLED), JupyterClient(url), absent
        )


@pytest.mark.parametrize(
    ("address", "effect"),
    [
        ("{url}proxy/1/", VariableEffect.WORKS),
        ("{url}proxy/2", "the page alone"),  # what it asks for is not beside it
        ("{url}proxy/3/", "200 and no TensorBoard"),
        ("{url}proxy/4/", VariableEffect.NOBODY),
        ("{url}proxy/5/", VariableEffect.NOT_FOUND),
        ("http://127.0.0.1:6006/", VariableEffect.AS_UNSET),
        ("http://localhost:6006/", VariableEffect.AS_UNSET),
        ("http://127.0.0.1:6007/", "another origin"),
        ("https://elsewhere.invalid/", "another origin"),
    ],
)
def test_effects_are_told_apart(visit: NotebookSession, address: str, effect: str) -> None:
    """What a frame shows, for each way in which it may."""
    seen = forms.determine_effect(visit, address.replace("{url}", visit.site.url), 6006)
    assert str(seen).startswith(effect)


def test_differences_are_told() -> None:
    """A point too few, and one that is not what was written."""
    assert describe_difference([[0, 1.0]], [[0, 1.0], [1, 2.0]]) == "1 points instead of 2"
    long, other = [[7, "a" * 500 + "b"]], [[7, "a" * 500]]
    assert describe_difference(long, other) == f"{'a' * 40}b'] instead of {'a' * 40}']"
    assert (
        describe_difference([[0, 1.0], [1, 2.5]], [[0, 1.0], [1, 2.0]])
        == "[1, 2.5] instead of [1, 2.0]"
    )


def test_waiting_states_its_deadline(visit: NotebookSession) -> None:
    """And the last answer."""
    board = TensorBoardClient(visit.client, f"{visit.site.url}proxy/1/")
    assert board.wait_for_json("it", "/data/plugins_listing", lambda got: "scalars" in got, 5) == {
        "scalars": {}
    }
    with pytest.raises(ProbeFailure, match="it not there within 0 s; the last answer is 404"):
        board.wait_for_json("it", "/data/none", bool, 0)


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
