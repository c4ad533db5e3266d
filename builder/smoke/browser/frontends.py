"""Drive each front end by its own commands, never by the keyboard.

Keys get lost while a page is still loading; commands from the applications' command registries do
not (JupyterLab and Notebook 7 expose theirs if their page's configuration has
`exposeAppInBrowser`, classic always does).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from builder.smoke.model import Frontend, ProbeFailure

if TYPE_CHECKING:
    from playwright.sync_api import Frame, Page

    from builder.smoke.browser.observer import PageObserver

# Time limits in seconds, for a cold kernel on a busy machine; nothing waits longer than it must.
OPEN, IDLE, RUN, SAVE = 40.0, 60.0, 120.0, 20.0


class FrontendScript(NamedTuple):
    """JavaScript for one family of front ends.

    Attributes:
        address: path below Jupyter's base URL, before the notebook's path. `WORKSPACE` stands for a
            workspace of the session's own, as another one would reopen what was open before.
        outputs: a selector for the outputs of the notebook that is shown.
        notebook: an expression that is true when the notebook of that path is shown.
        idle: an expression that is true when its kernel can run a cell.
        cells: an expression for its cells, in nbformat's format.
        tidy: statements that hide what takes space from the notebook.
        clear: an expression that clears all outputs and execution counts.
        run_all: an expression that runs all cells.
        run_one: an expression that runs cell number `index`.
        save: an expression for a promise that resolves when the notebook is saved.
    """

    address: str
    outputs: str
    notebook: str
    idle: str
    cells: str
    tidy: str
    clear: str
    run_all: str
    run_one: str
    save: str


_WORKSPACE = "WORKSPACE"
# A Jupyter that we did not start does not expose its application. Its page's configuration decides
# that, and is read by deferred scripts, which run after this (HTML, "the end").
_EXPOSE = """document.addEventListener('readystatechange', () => {
  const place = document.getElementById('jupyter-config-data');
  if (document.readyState === 'interactive' && place) {
    const settings = {...JSON.parse(place.textContent), exposeAppInBrowser: true};
    place.textContent = JSON.stringify(settings);
  }
})"""
_PANEL = "window.jupyterapp?.shell?.currentWidget"
_LAB = FrontendScript(
    address=f"lab/workspaces/{_WORKSPACE}/tree/",
    outputs=".jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea",
    notebook=f"{_PANEL}?.context?.isReady && {_PANEL}.context.localPath === path"
    f" && {_PANEL}.content?.widgets?.length > 0 && {_PANEL}.isVisible",
    idle=f"{_PANEL}.sessionContext.isReady"
    f" && {_PANEL}.sessionContext.session?.kernel?.connectionStatus === 'connected'"
    f" && {_PANEL}.sessionContext.session?.kernel?.status === 'idle'",
    cells=f"{_PANEL}.content.widgets.map(cell => cell.model.toJSON())",
    tidy="jupyterapp.shell.collapseLeft?.(); jupyterapp.shell.collapseRight?.();",
    clear="jupyterapp.commands.execute('notebook:clear-all-cell-outputs')",
    run_all="jupyterapp.commands.execute('notebook:run-all-cells')",
    run_one="(jupyterapp.shell.currentWidget.content.activeCellIndex = index,"
    " jupyterapp.commands.execute('notebook:run-cell'))",
    save="jupyterapp.commands.execute('docmanager:save')",
)
_SCRIPTS = {
    Frontend.LAB: _LAB,
    Frontend.NOTEBOOK: _LAB._replace(address="notebooks/", tidy=""),
    Frontend.CLASSIC: FrontendScript(
        address="nbclassic/notebooks/",
        outputs="#notebook .output",
        notebook="window.Jupyter?.notebook?._fully_loaded"
        " && Jupyter.notebook.notebook_path === path",
        idle="Jupyter.notebook.kernel?.is_connected() && !Jupyter.notebook.kernel_busy"
        " && Jupyter.notebook.kernel.info_reply?.protocol_version",
        cells="Jupyter.notebook.get_cells().map(cell => cell.toJSON())",
        tidy="document.getElementById('newsId')?.remove();"
        " Jupyter.notebook.events.trigger('resize-header.Page');",
        clear="Jupyter.notebook.clear_all_output()",
        run_all="Jupyter.notebook.execute_all_cells()",
        run_one="Jupyter.notebook.execute_cells([index])",
        save="Jupyter.notebook.save_notebook()",
    ),
}


class PageCell(NamedTuple):
    """A code cell as the page has it: its source, its execution count, the error that it shows."""

    source: str
    number: int | None
    error: str | None


class NotebookPage:
    """A notebook in a page.

    Args:
        page: the page that shows it.
        frontend: the front end that shows it.
        url: Jupyter's address, base URL included.
        path: the notebook's path below Jupyter's root directory.
        observer: the observer of that page.
    """

    def __init__(
        self, page: Page, frontend: Frontend, url: str, path: str, observer: PageObserver
    ) -> None:
        self.page = page
        self._observer = observer
        self._script = _SCRIPTS[frontend]
        self._url = url
        self._path = path
        # Only the characters that jupyterlab_server's routes accept (`MASTER_URL_PATTERN`).
        self._workspace = re.sub(r"[^A-Za-z0-9_-]", "-", path)
        page.add_init_script(_EXPOSE)

    def open_page(self) -> None:
        """Load or reload the page, and wait until it shows the notebook.

        Raises:
            ProbeFailure: it does not in time.
        """
        below = self._script.address.replace(_WORKSPACE, self._workspace)
        self.page.goto(
            f"{self._url}{below}{quote(self._path)}",
            wait_until="commit",
            timeout=OPEN * 1000,
        )
        self._wait_for_script(self._script.notebook, OPEN, "the notebook is not shown")
        self.page.evaluate(f"() => {{ {self._script.tidy} }}")

    @property
    def workspace_path(self) -> str | None:
        """Path of the workspace that the front end saves, below the base URL; None for none."""
        kept = _WORKSPACE in self._script.address
        return f"lab/api/workspaces/{self._workspace}" if kept else None

    def wait_until_idle(self) -> None:
        """Wait until the kernel is idle.

        Raises:
            ProbeFailure: it does not become idle in time.
        """
        self._wait_for_script(self._script.idle, IDLE, "the kernel is not idle")

    def run_all_cells(self) -> list[PageCell]:
        """Run all cells to the end, or to the first error.

        Raises:
            ProbeFailure: not all ran, or one failed.
        """
        self._start_script(self._script.clear)
        self._start_script(self._script.run_all)
        return self._wait_for_cells("true")

    def run_last_cell(self) -> PageCell:
        """Run the last code cell.

        Raises:
            ProbeFailure: see `run_all_cells`.
        """
        before = max((cell.number or 0 for cell in self.list_cells()), default=0)
        last = max(
            n for n, cell in enumerate(self._read_raw_cells()) if cell["cell_type"] == "code"
        )
        self._start_script(self._script.run_one, last)
        return self._wait_for_cells(f"number === {last}", before)[-1]

    def save_notebook(self) -> None:
        """Save the notebook.

        Raises:
            ProbeFailure: it is not saved in time.
        """
        self._start_script(self._script.save)
        self._wait_for_script("window.smokeDone", SAVE, "the notebook is not saved")

    def list_cells(self) -> list[PageCell]:
        """List the code cells, as they are now."""
        return [_parse_cell(raw) for raw in self._read_raw_cells() if raw["cell_type"] == "code"]

    @property
    def output_text(self) -> str:
        """Text of all outputs, without what is in frames."""
        return "\n".join(self.page.locator(self._script.outputs).all_inner_texts())

    def list_frames(self) -> list[Frame]:
        """List the frames in the outputs."""
        handles = self.page.locator(f"{self._script.outputs} iframe").element_handles()
        return [frame for frame in (h.content_frame() for h in handles) if frame is not None]

    def scroll_to_frame(self) -> None:
        """Scroll to the cell that shows the frame."""
        frame = self.page.locator(f"{self._script.outputs} iframe").first
        frame.evaluate("frame => frame.closest('.jp-Cell, .cell').scrollIntoView()")

    def _read_raw_cells(self) -> list[dict[str, Any]]:
        raw: list[dict[str, Any]] = self.page.evaluate(f"() => {self._script.cells}")
        return raw

    def _start_script(self, expression: str, index: int = 0) -> None:
        """Start an expression; `window.smokeDone` is true once its promise, if any, resolves."""
        self.page.evaluate(
            "index => { window.smokeDone = false;"
            f" Promise.resolve({expression}).then(() => {{ window.smokeDone = true; }}); }}",
            index,
        )

    def _wait_for_cells(self, which: str, before: int = 0) -> list[PageCell]:
        """Wait until those cells have an execution count above `before`, or any shows an error.

        Args:
            which: a JavaScript expression over `cell` and its index, `number`.
            before: the execution count to exceed.

        Raises:
            ProbeFailure: that takes too long, or a cell shows an error.
        """
        condition = (
            f"{self._script.cells}.every((cell, number) => !({which})"
            " || cell.cell_type !== 'code' || !cell.source.length"
            f" || cell.execution_count > {before})"
            f" || {self._script.cells}.some(cell =>"
            " (cell.outputs ?? []).some(output => output.output_type === 'error'))"
        )
        self._wait_for_script(condition, RUN, "not all cells ran to their end")
        cells = self.list_cells()
        failed = next((cell for cell in cells if cell.error), None)
        if failed is not None:
            raise ProbeFailure(f"the cell {failed.source.splitlines()[0]!r} shows {failed.error}")
        return cells

    def _wait_for_script(self, expression: str, seconds: float, complaint: str) -> None:
        def wait_once(timeout: float) -> None:
            self.page.wait_for_function(
                f"path => Boolean({expression})", arg=self._path, timeout=timeout, polling=50
            )

        if not self._observer.wait_interruptibly(wait_once, seconds):
            raise ProbeFailure(f"{complaint} after {seconds:.0f} s")


def _parse_cell(raw: dict[str, Any]) -> PageCell:
    source = raw["source"]
    error = next((o for o in raw["outputs"] if o["output_type"] == "error"), None)
    return PageCell(
        source if isinstance(source, str) else "".join(source),
        raw["execution_count"],
        None if error is None else f"{error['ename']}: {error['evalue']}",
    )
