"""A session at a running Jupyter: upload the notebook, start a kernel, remove both again."""

from __future__ import annotations

import json
from contextlib import ExitStack, closing, contextmanager, suppress
from textwrap import dedent
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from builder.smoke.jupyter import notebook
from builder.smoke.jupyter.kernel import Kernel, end_session, start_kernel
from builder.smoke.jupyter.login import open_client
from builder.smoke.model import Frontend, JupyterSite, ProbeFailure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.smoke.jupyter.http_client import JupyterClient
    from builder.smoke.jupyter.notebook import NotebookRun

NOTEBOOK_PAGES = {
    Frontend.LAB: "lab/tree/",
    Frontend.NOTEBOOK: "notebooks/",
    Frontend.CLASSIC: "nbclassic/notebooks/",
}

# A TensorBoard may outlive its kernel, so it is ended by the pid in its info file; the process name
# is checked, since the pid may be another program's by now. A kernel that does not reap its dead
# children waits for them when it ends. The directory is removed only if it is the run's.
_CLEAN = dedent("""\
    import glob, json, os, shutil, signal, time

    def _is_running(pid):
        try:
            os.waitpid(pid, os.WNOHANG)
        except OSError:
            pass  # not a child of this kernel
        try:
            with open("/proc/%d/cmdline" % pid, "rb") as file:
                return b"tensorboard" in file.read()
        except OSError:
            return False

    _pids = []
    for _path in glob.glob("tmp/.tensorboard-info/*.info"):
        with open(_path) as _file:
            _pids.append(json.load(_file)["pid"])
    for _signal in (signal.SIGTERM, signal.SIGKILL):
        for _pid in filter(_is_running, _pids):
            os.kill(_pid, _signal)
        _deadline = time.monotonic() + 4
        while any(map(_is_running, _pids)) and time.monotonic() < _deadline:
            time.sleep(0.02)
    if os.path.basename(os.getcwd()) == DIRECTORY:
        shutil.rmtree(os.getcwd(), ignore_errors=True)
    print(json.dumps(list(filter(_is_running, _pids))))""")
# Seconds: for cleaning up, and for training, as importing TensorFlow alone takes a while.
_CLEAN_UP_TIMEOUT, _TRAINING_TIMEOUT = 15.0, 180.0
_READ_PROXY = dedent("""\
    import importlib.util, json, os

    _spec, _found = importlib.util.find_spec("jupyter_server_proxy"), True
    if _spec:
        with open(os.path.join(os.path.dirname(_spec.origin), "handlers.py")) as _file:
            _found = WORDS in _file.read()
    print(json.dumps(_found))""")
_IS_PREPARED = (
    "import json\nprint(json.dumps(get_ipython().find_line_magic('tensorboard') is not None))"
)


class NotebookSession(msgspec.Struct, frozen=True):
    """What the probes of the kernel layers work with.

    Attributes:
        site: the running Jupyter.
        run: the run of the notebook.
        client: HTTP client of the site, with the token.
        kernel: kernel of the run's notebook, whose cells have not run yet.
    """

    site: JupyterSite
    run: NotebookRun
    client: JupyterClient
    kernel: Kernel

    @property
    def page_url(self) -> str:
        """The address of the notebook's page, to which frames are relative."""
        return build_page_url(self.site, self.run)

    def run_setup_cells(self) -> float:
        """Run the cells before the one that shows TensorBoard, if they have not run yet.

        Returns:
            Seconds that they took.

        Raises:
            ProbeFailure: one of them failed.
        """
        if self.kernel.evaluate_json(_IS_PREPARED):
            return 0.0
        seconds = 0.0
        for code in notebook.list_code_cells(self.run)[:-1]:
            execution = self.kernel.run_cell(code, timeout=_TRAINING_TIMEOUT)
            seconds += execution.seconds
            if execution.error is not None:
                raise ProbeFailure(f"{execution.error} in the cell {code.splitlines()[0]}")
        return seconds

    def has_proxy_words(self, words: str) -> bool:
        """Whether jupyter-server-proxy's source has these words, which its first releases lack.

        A kernel in another virtualenv does not see the source; then today's release is assumed.
        """
        found: bool = self.kernel.evaluate_json(_READ_PROXY.replace("WORDS", repr(words)))
        return found

    def read_json(self, name: str) -> Any:
        """Read a JSON file in the run's directory."""
        path = quote(f"{self.run.directory}/{name}")
        return json.loads(
            self.client.call_api("GET", f"contents/{path}?type=file&format=text")["content"]
        )


def build_page_url(site: JupyterSite, run: NotebookRun) -> str:
    """Build the address at which the site's front end shows the run's notebook."""
    return f"{site.url}{NOTEBOOK_PAGES[site.deployment.frontend]}{quote(run.notebook)}"


def upload_notebook(client: JupyterClient, run: NotebookRun) -> str:
    """Upload the notebook and what it imports to a directory of its own below Jupyter's root.

    Returns:
        The notebook's path below that root.

    Raises:
        ProbeFailure: Jupyter does not accept it.
    """
    texts = notebook.read_shipped_modules()
    directories = {run.directory}
    for path in texts:
        parts = path.split("/")[:-1]
        directories |= {"/".join([run.directory, *parts[: k + 1]]) for k in range(len(parts))}
    for directory in sorted(directories):
        _put_content(client, directory, type="directory")
    for path, text in texts.items():
        _put_content(client, f"{run.directory}/{path}", type="file", format="text", content=text)
    _put_content(client, run.notebook, type="notebook", content=notebook.build_notebook(run))
    return run.notebook


def clean_up_run(client: JupyterClient, run: NotebookRun) -> None:
    """End the run's kernels and TensorBoards, whoever started them, and remove its directory.

    Raises:
        ProbeFailure: some of it still exists.
    """
    # An idle kernel of the notebook does the clean-up: if it were ended before its TensorBoard, it
    # would wait for that for seconds (ipykernel).
    for session in _list_sessions(client, run):
        idle = session["kernel"].get("execution_state") == "idle"
        if session["path"] == run.notebook and idle:
            with suppress(ProbeFailure), start_kernel(client, run.notebook) as kernel:
                _clean_with_kernel(kernel, run)
                return
    _clean_with_new_kernel(client, run)


def _clean_with_new_kernel(client: JupyterClient, run: NotebookRun) -> None:
    """End all sessions of the run, then clean up with a new kernel."""
    _end_all_sessions(client, run)
    with _remove_on_failure(client, run), start_kernel(client, run.notebook) as kernel:
        _clean_with_kernel(kernel, run)


@contextmanager
def _remove_on_failure(client: JupyterClient, run: NotebookRun) -> Iterator[None]:
    """If the block fails because no kernel starts, have Jupyter's API remove the directory."""
    try:
        yield
    except BaseException:
        with suppress(ProbeFailure):  # the block's failure is the one to report
            # A session that started too late for its request exists all the same.
            _end_all_sessions(client, run)
            _delete_directory(client, run.directory)
        raise


def _end_all_sessions(client: JupyterClient, run: NotebookRun) -> None:
    for session in _list_sessions(client, run):
        end_session(client, session["id"])


def _delete_directory(client: JupyterClient, path: str) -> None:
    address = f"contents/{quote(path)}"
    try:
        client.call_api("DELETE", address, expect=(204, 404))
    except ProbeFailure:  # without a trash, Jupyter deletes only directories that are empty
        for item in client.call_api("GET", f"{address}?type=directory")["content"]:
            _delete_directory(client, item["path"])
        client.call_api("DELETE", address)


def _list_sessions(client: JupyterClient, run: NotebookRun) -> list[dict[str, Any]]:
    return [
        s for s in client.call_api("GET", "sessions") if s["path"].startswith(f"{run.directory}/")
    ]


@contextmanager
def open_notebook_session(site: JupyterSite, run: NotebookRun) -> Iterator[NotebookSession]:
    """Upload the run's notebook and start a kernel for it; after the block, remove both.

    Args:
        site: the running Jupyter.
        run: the run of the notebook; its cells are run by the caller.

    Raises:
        ProbeFailure: Jupyter does not accept the notebook, or no kernel starts.
    """
    with closing(open_client(site)) as client, ExitStack() as cleanup:
        with _remove_on_failure(client, run):
            upload_notebook(client, run)
            kernel = cleanup.enter_context(start_kernel(client, run.notebook))
        try:
            yield NotebookSession(site, run, client, kernel)
        finally:
            _end_notebook_session(client, kernel, run)


def _put_content(client: JupyterClient, path: str, **model: Any) -> None:
    client.call_api("PUT", f"contents/{quote(path)}", model)


def _end_notebook_session(client: JupyterClient, kernel: Kernel, run: NotebookRun) -> None:
    """Clean up with that kernel, or with a new one if it is busy or dead."""
    try:
        _clean_with_kernel(kernel, run)
    except ProbeFailure:
        _clean_with_new_kernel(client, run)


def _clean_with_kernel(kernel: Kernel, run: NotebookRun) -> None:
    left = kernel.evaluate_json(
        _CLEAN.replace("DIRECTORY", repr(run.directory)), timeout=_CLEAN_UP_TIMEOUT
    )
    if left:
        raise ProbeFailure(f"TensorBoards are still running, with the pids {left}")
