"""Kernels and uploads of a real Jupyter: whatever breaks off, nothing is left behind."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from builder.smoke.jupyter import kernel as kernels
from builder.smoke.jupyter import notebook
from builder.smoke.jupyter.http_client import JupyterClient
from builder.smoke.jupyter.notebook import NotebookRun
from builder.smoke.jupyter.notebook_session import open_notebook_session
from builder.smoke.model import ProbeFailure
from builder.system.waiting import wait_for
from tests.support.limits import scaled
from tests.support.smoke_page import INSTALLED

if TYPE_CHECKING:
    from builder.smoke.model import JupyterSite

# A program that looks like a TensorBoard, with an info file like one.
PRETEND = """
import json, os, subprocess, sys
os.makedirs("tmp/.tensorboard-info", exist_ok=True)
_words = [sys.executable, "-c", "import time; time.sleep(60)", NAME]
_program = subprocess.Popen(_words, start_new_session=True)
with open("tmp/.tensorboard-info/pid-%d.info" % _program.pid, "w") as _file:
    json.dump({"pid": _program.pid}, _file)
print(json.dumps(_program.pid))
"""


def test_nothing_is_left(site: JupyterSite) -> None:
    """After a visit that failed: no kernel, no TensorBoard, no directory; others stay."""
    run = NotebookRun.with_new_canary(INSTALLED)
    seen: dict[str, Any] = {}
    with pytest.raises(KeyboardInterrupt):
        _interrupted(site, run, seen)
    assert not Path(seen["where"]).exists()
    _wait_until_gone(seen["tensorboard"])
    assert psutil.Process(seen["sleep"]).is_running()
    psutil.Process(seen["sleep"]).kill()
    way = JupyterClient(site.url, site.token)
    assert all(run.directory not in s["path"] for s in way.call_api("GET", "sessions"))
    way.close()


def test_nothing_is_left_of_a_dead_kernel(site: JupyterSite) -> None:
    """Nor if the visit's kernel cannot clean up any more, as it died or is busy."""
    run = NotebookRun.with_new_canary(INSTALLED)
    with open_notebook_session(site, run) as visit:
        where = Path(visit.kernel.evaluate_json("import json, os\nprint(json.dumps(os.getcwd()))"))
        pid = visit.kernel.evaluate_json(PRETEND.replace("NAME", "'tensorboard'"))
        own = visit.kernel.evaluate_json("import json, os\nprint(json.dumps(os.getpid()))")
        os.kill(own, signal.SIGKILL)
    assert not where.exists()
    _wait_until_gone(pid)


def test_nothing_is_left_of_an_upload_that_broke_off(
    site: JupyterSite, web: JupyterClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jupyter takes no hidden file: what it has taken before goes again."""
    run = NotebookRun.with_new_canary(INSTALLED)
    texts = {**notebook.read_shipped_modules(), "z/.hidden.py": ""}
    monkeypatch.setattr(notebook, "read_shipped_modules", lambda: texts)
    with pytest.raises(ProbeFailure, match="PUT api/contents"), open_notebook_session(site, run):
        pass
    assert web.send_request(f"api/contents/{run.directory}").status == 404


@pytest.mark.parametrize("at_first", [True, False])
def test_nothing_is_left_where_no_kernel_can_be_had(
    site: JupyterSite, web: JupyterClient, monkeypatch: pytest.MonkeyPatch, at_first: bool
) -> None:
    """Not from the first, or no more: Jupyter itself removes the directory, and that is told."""
    run = NotebookRun.with_new_canary(INSTALLED)
    if at_first:
        _leave_no_time(monkeypatch)
    none = pytest.raises(ProbeFailure, match=r"not answer|no answer|no connection")
    with none, open_notebook_session(site, run) as v:
        assert not at_first
        own = v.kernel.evaluate_json("import json, os\nprint(json.dumps(os.getpid()))")
        assert web.call_api("GET", f"contents/{run.directory}")["content"]
        _leave_no_time(monkeypatch)
        os.kill(own, signal.SIGKILL)
    assert web.send_request(f"api/contents/{run.directory}").status == 404
    assert all(run.directory not in s["path"] for s in web.call_api("GET", "sessions"))


def test_nothing_is_left_where_the_answer_was_lost(
    site: JupyterSite, web: JupyterClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jupyter has started a kernel, and nobody was told: it is ended all the same."""
    run = NotebookRun.with_new_canary(INSTALLED)
    api = JupyterClient.call_api

    def deaf(self: JupyterClient, method: str, path: str, *words: Any, **rest: Any) -> Any:
        answer = api(self, method, path, *words, **rest)
        if (method, path) == ("POST", "sessions"):
            assert any(s["path"] == run.notebook for s in web.call_api("GET", "sessions"))
            raise ProbeFailure("no answer")
        return answer

    monkeypatch.setattr(JupyterClient, "call_api", deaf)
    with pytest.raises(ProbeFailure, match=r"^no answer$"), open_notebook_session(site, run):
        pass
    assert web.send_request(f"api/contents/{run.directory}").status == 404
    assert all(run.directory not in s["path"] for s in web.call_api("GET", "sessions"))


def _leave_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """No kernel answers in no time."""
    monkeypatch.setattr(kernels, "_REPEAT_INTERVAL", 0.0)
    monkeypatch.setattr(kernels, "_ANSWER_TIMEOUT", 1.5)


def _interrupted(site: JupyterSite, run: NotebookRun, seen: dict[str, Any]) -> None:
    """A visit that Ctrl-C ends, with two programs that its info files tell of."""
    with open_notebook_session(site, run) as visit:
        seen["where"] = visit.kernel.evaluate_json(
            "import json, os\nprint(json.dumps(os.getcwd()))"
        )
        for name in ("tensorboard", "sleep"):
            seen[name] = visit.kernel.evaluate_json(PRETEND.replace("NAME", repr(name)))
        raise KeyboardInterrupt


def _wait_until_gone(pid: int) -> None:
    def is_gone() -> bool | None:
        try:
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE or None
        except psutil.NoSuchProcess:
            return True

    limit = scaled(10)
    assert wait_for(is_gone, limit), f"the TensorBoard is still there after {limit:.0f} s"
