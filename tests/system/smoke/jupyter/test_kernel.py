"""Kernels of a real Jupyter: exact messages, deadlines, deaths, and no token told."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest
from jupyter_server.services.kernels.kernelmanager import MappingKernelManager
from msgspec.structs import replace

from builder.smoke.jupyter import notebook
from builder.smoke.jupyter.channels import CHANNEL_TIMEOUT
from builder.smoke.jupyter.http_client import JupyterClient
from builder.smoke.jupyter.kernel import Kernel, start_kernel
from builder.smoke.jupyter.login import log_in
from builder.smoke.jupyter.notebook import NotebookRun
from builder.smoke.jupyter.notebook_session import clean_up_run, upload_notebook
from builder.smoke.model import ProbeFailure
from builder.system.redact import Secret
from tests.support import jupyter
from tests.support.smoke_page import INSTALLED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.smoke.model import JupyterSite

# A kernel that swallows what it is asked first, and ends; when it is started anew, it works.
UNLUCKY = """
import json, os, sys, zmq
once, file = sys.argv[1:]
if os.path.exists(once):
    words = [sys.executable, "-m", "ipykernel_launcher", "-f", file]
    os.execv(words[0], words)
with open(file) as told:
    given = json.load(told)
shell = zmq.Context().socket(zmq.ROUTER)
shell.bind("ipc://%s-%d" % (given["ip"], given["shell_port"]))
shell.recv_multipart()
with open(once, "w") as note:
    note.write("a question is lost")
sys.exit(1)
"""


@pytest.fixture(scope="module")
def kernel(site: JupyterSite) -> Iterator[Kernel]:
    """One kernel for those tests that leave it as it was."""
    way = JupyterClient(site.url, site.token)
    with start_kernel(way, "any.ipynb") as running:
        yield running
    way.close()


def test_messages_are_exact(kernel: Kernel) -> None:
    """Displays, their updates, streams and errors, in order, with what the cell took."""
    done = kernel.run_cell(
        "import sys, time\nfrom IPython.display import display, Pretty, HTML\n"
        "handle = display(Pretty('first'), display_id=True)\n"
        "handle.update(HTML('<b>second</b>'))\nprint('out')\nprint('err', file=sys.stderr)\n"
        "time.sleep(0.2)\n1 / 0"
    )
    assert [k for k in done.message_kinds if k != "stream"] == [
        *("display_data", "update_display_data", "error")
    ]
    assert done.first_displays[0]["text/plain"] == "first"
    assert [bundle.get("text/html") for bundle in done.displays] == ["<b>second</b>"]
    assert (done.get_stream_text(), done.get_stream_text("stderr")) == ("out\n", "err\n")
    assert done.error == "ZeroDivisionError: division by zero"
    assert 0.2 <= done.seconds < 20


def test_values_are_json(kernel: Kernel) -> None:
    """The last line that a cell prints; a cell that raises or prints none says so."""
    assert kernel.evaluate_json("import json\nprint('x')\nprint(json.dumps({'a': [1, None]}))") == {
        "a": [1, None]
    }
    with pytest.raises(ProbeFailure, match="the cell 'silent = 1' printed no JSON"):
        kernel.evaluate_json("silent = 1")
    with pytest.raises(ProbeFailure, match="failed: NameError"):
        kernel.evaluate_json("no_such_name")


def test_deadline_of_a_cell(kernel: Kernel) -> None:
    """It is stated, and the next cell gets its own messages."""
    with pytest.raises(ProbeFailure, match=r"ran longer than 0\.5 s: .import time; time\.sleep"):
        kernel.run_cell("import time; time.sleep(1.5); print('late')", timeout=0.5)
    assert kernel.run_cell("print('next')").get_stream_text() == "next\n"


def test_death_of_a_kernel(web: JupyterClient) -> None:
    """A kernel that dies in a cell is told of as such, and soon."""
    died = pytest.raises(ProbeFailure, match="the kernel died in the cell 'import os")
    with start_kernel(web, "dies.ipynb") as mortal, died:
        mortal.run_cell("import os; os._exit(1)", timeout=60)
    assert all(s["path"] != "dies.ipynb" for s in web.call_api("GET", "sessions"))


def test_a_question_that_was_lost(tmp_path: Path) -> None:
    """As another's kernel on the same port swallows it: the connection comes all the same."""
    spec = tmp_path / "kernels" / "python3" / "kernel.json"
    spec.parent.mkdir(parents=True)
    words = [sys.executable, "-c", UNLUCKY, str(tmp_path / "once"), "{connection_file}"]
    spec.write_text(json.dumps({"argv": words, "display_name": "Python", "language": "python"}))
    settings = {"MappingKernelManager": {"kernel_info_timeout": 5}}
    (tmp_path / "jupyter_server_config.json").write_text(json.dumps(settings))
    with jupyter.running(tmp_path, env={"JUPYTER_PATH": str(tmp_path)}) as site:
        web = JupyterClient(site.url, site.token)
        with start_kernel(web, "unlucky.ipynb") as kernel:
            assert kernel.run_cell("print('here')").get_stream_text() == "here\n"
        web.close()
    assert (tmp_path / "once").read_text() == "a question is lost"
    assert "Timeout waiting for kernel_info" in (tmp_path / "jupyter.log").read_text()


def test_patience_outlasts_jupyter() -> None:
    """It answers in the end, and says itself after how long."""
    assert MappingKernelManager.kernel_info_timeout.default_value + 10 < CHANNEL_TIMEOUT


def test_wrong_token_gets_no_kernel(site: JupyterSite) -> None:
    """And the failure says what Jupyter said, without the token."""
    stranger = JupyterClient(site.url, Secret("canary-wrong"))
    with (
        pytest.raises(ProbeFailure, match="answers 403") as caught,
        start_kernel(stranger, "a.ipynb"),
    ):
        pass
    assert "canary-wrong" not in str(caught.value)
    stranger.close()


def test_login_by_the_form(site: JupyterSite) -> None:
    """A browser's way: cookies, no token; Jupyter's own POST then wants its `_xsrf`."""
    person = log_in(site)
    assert person.authorization == {}
    assert person.send_request("api/sessions").status == 200
    assert person.send_request("api/sessions", "{}").status == 403
    person.close()
    with pytest.raises(ProbeFailure, match="lets nobody in"):
        log_in(replace(site, token=Secret("wrong")))


def test_upload_is_what_is_run(web: JupyterClient) -> None:
    """The kernel starts beside the notebook, imports what is shipped, and all of it goes again."""
    run = NotebookRun.with_new_canary(INSTALLED)
    path = upload_notebook(web, run)
    model = web.call_api("GET", f"contents/{path}")
    sources = [cell["source"] for cell in model["content"]["cells"]]
    assert tuple(sources) == notebook.list_code_cells(run)
    with start_kernel(web, path) as beside:
        where = Path(beside.evaluate_json("import json, os\nprint(json.dumps(os.getcwd()))"))
        assert where.name == run.directory
        cell = "from builder.smoke.jupyter.writer import EventFileWriter"
        assert beside.run_cell(cell).error is None
    assert (where / "smoke.ipynb").exists()
    clean_up_run(web, run)
    assert not where.exists()
    assert web.send_request(f"api/contents/{path}").status == 404


def test_token_is_in_no_log_and_no_argv(
    site: JupyterSite, web: JupyterClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Of the server and of the kernels; the log is there and tells of the requests."""
    with start_kernel(web, "secret.ipynb") as kernel:
        kernel.run_cell("1")
        lines = []
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                lines.append(" ".join(process.cmdline()))
        assert any("ipykernel" in line for line in lines), lines
        assert not any(site.token.value in line for line in lines)
    logs = list(tmp_path_factory.getbasetemp().glob("jupyter*/jupyter.log"))
    text = "".join(log.read_text() for log in logs)
    assert "Kernel started" in text
    assert site.token.value not in text
