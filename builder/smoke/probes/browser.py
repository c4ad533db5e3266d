"""The browser's layers: what a user sees on the real page, and where its requests went."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from builder.smoke.browser import traffic, view
from builder.smoke.browser.browser_session import BrowserSession, open_browser_session
from builder.smoke.browser.console_log import find_console_errors
from builder.smoke.jupyter.http_client import JupyterClient
from builder.smoke.model import ProbeFailure
from builder.smoke.probes import browser_frame
from builder.smoke.probes.browser_frame import (
    find_prefix,
    find_refusal,
    get_frame_source,
    is_direct_address,
    wait_for_only_frame,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from playwright.sync_api import Frame

    from builder.smoke.browser.chromium import ChromiumBrowser
    from builder.smoke.browser.traffic import PageRequest
    from builder.smoke.model import JupyterSite
    from builder.smoke.results.recorder import ProbeRecorder

_NEVER = 2.0  # seconds for which something must not happen, once it could
_NOTICE = "Launching TensorBoard"


def run_browser_probes(
    browser: ChromiumBrowser,
    site: JupyterSite,
    path: str,
    canary: str,
    recorder: ProbeRecorder,
    directory: Path,
) -> None:
    """Run a notebook as a user does, and check TensorBoard in it; layer `browser`.

    Where the deployment has the layer `reopen`, the notebook is then saved and opened again.

    Args:
        browser: the browser.
        site: the Jupyter; its deployment says which front end.
        path: the notebook's path below Jupyter's root directory; its cells have not run, and the
            last one is `%tensorboard`.
        canary: a tag of this run, which no other page shows.
        recorder: gets the results.
        directory: gets the screenshot, the logs and, on failure, the trace.
    """
    screenshot = directory / f"{site.deployment.picture_name}.png"
    reopen = "reopen" in site.deployment.layers
    with (
        recorder.layer("browser", *(["reopen"] if reopen else [])),
        open_browser_session(
            browser, site, path, recorder, screenshot, "browser-log-in"
        ) as session,
    ):
        _run_notebook(session, recorder, "browser")
        frame = _check_frame(session, recorder)
        _check_chart(session, frame, canary, recorder)
        _check_requests(session, recorder)
        if reopen:
            _check_reopened(session, path, canary, recorder)


def run_browser_control(
    browser: ChromiumBrowser,
    site: JupyterSite,
    path: str,
    canary: str,
    recorder: ProbeRecorder,
    directory: Path,
) -> None:
    """Run the same without the variable, or without our patch; layer `browser-control`.

    The frame must point at TensorBoard's own port, which the browser cannot reach. A run in which
    `run_browser_probes` passes and this control does not has proved nothing.

    Args:
        browser: see `run_browser_probes`.
        site: see `run_browser_probes`.
        path: see `run_browser_probes`.
        canary: see `run_browser_probes`.
        recorder: see `run_browser_probes`.
        directory: see `run_browser_probes`.
    """
    screenshot = directory / f"{site.deployment.picture_name}-control.png"
    with (
        recorder.layer("browser-control"),
        open_browser_session(
            browser, site, path, recorder, screenshot, "browser-control-log-in"
        ) as session,
    ):
        _run_notebook(session, recorder, "browser-control")
        with recorder.probe("browser-control-direct", vital=True) as set_detail:
            frame = wait_for_only_frame(session)
            target = get_frame_source(frame)
            if not is_direct_address(target, site.origin):
                raise ProbeFailure(f"the frame is at {target}, not at a port of its own")
            set_detail(target)
        with recorder.probe("browser-control-refused") as set_detail:
            set_detail(find_refusal(session, target))
        with recorder.probe("browser-control-no-canary") as set_detail:
            if view.is_canary_shown(session.observer, frame, canary, _NEVER):
                raise ProbeFailure(f"{canary} is visible in the frame all the same")
            set_detail(f"not within {_NEVER:.0f} s after the frame failed")
            session.notebook.scroll_to_frame()
            session.keep_screenshot()


def _run_notebook(session: BrowserSession, recorder: ProbeRecorder, layer: str) -> None:
    with recorder.probe(f"{layer}-kernel-idle", vital=True):
        session.notebook.open_page()
        session.notebook.wait_until_idle()
    with recorder.probe(f"{layer}-cells-run", vital=True) as set_detail:
        set_detail(f"{len(session.notebook.run_all_cells())} cells")


def _check_frame(session: BrowserSession, recorder: ProbeRecorder) -> Frame:
    with recorder.probe("browser-one-frame", vital=True):
        frame = wait_for_only_frame(session)
        if _NOTICE in session.notebook.output_text:
            raise ProbeFailure(f"the notice {_NOTICE!r} was not replaced by the frame")
    with recorder.probe("browser-frame-prefix", vital=True) as set_detail:
        address = get_frame_source(frame)
        session.prefix = find_prefix(session.site, address)
        set_detail(urlsplit(address).path)
    return frame


def _check_chart(
    session: BrowserSession, frame: Frame, canary: str, recorder: ProbeRecorder
) -> None:
    with recorder.probe("browser-canary-visible", vital=True):
        view.wait_for_canary(session.observer, frame, canary)
    with recorder.probe("browser-chart-drawn", vital=True) as set_detail:
        chart, width, height = view.wait_for_chart(session.observer, frame)
        dots = view.wait_for_curve(session.browser, session.observer, session.page, chart)
        set_detail(f"{width}x{height}, a curve of {dots} dots")
    with recorder.probe("browser-picture"):
        session.notebook.scroll_to_frame()
        session.keep_screenshot()


def _check_requests(session: BrowserSession, recorder: ProbeRecorder) -> None:
    """Check all requests and console messages up to the moment when the chart was there."""
    origin, prefix = session.site.origin, session.prefix
    seen = [e for e in session.wait_for_requests() if not _is_hub_redirect(session.site, e)]
    is_own = session.site.access is not None
    below = sum(e.url.startswith(prefix) for e in seen)
    with recorder.probe("browser-nothing-foreign") as set_detail:
        _expect_none(traffic.find_foreign_requests(seen, origin, prefix))
        set_detail(f"{len(seen)} requests, all to {origin}")
    with recorder.probe("browser-nothing-stray") as set_detail:
        _expect_none(traffic.find_stray_requests(seen, origin, prefix))
        set_detail(f"{below} requests below {urlsplit(prefix).path}")
    with recorder.probe("browser-nothing-failed") as set_detail:
        _expect_none(traffic.find_failed_requests(seen, origin, prefix, jupyter=is_own))
        fonts = sum(
            traffic.find_known_issue(e) is traffic.FONT_ISSUE and e.status == 404 for e in seen
        )
        set_detail(f"{fonts} fonts aside")
    with recorder.probe("browser-assets-by-name") as set_detail:
        _expect_none(
            traffic.find_missing_requests(seen, prefix, session.site.wheel.release), "not seen: "
        )
        set_detail(f"{len(traffic.list_expected_requests(session.site.wheel.release))} by name")
    with recorder.probe("browser-console-clean"):
        _expect_none(
            find_console_errors(
                session.observer.console_entries, prefix, session.site.wheel.release, jupyter=is_own
            )
        )


def _is_hub_redirect(site: JupyterSite, page_request: PageRequest) -> bool:
    """Whether a Hub's response redirects the frame to the user's own server.

    `user-redirect` redirects to `spawn`, which redirects to a server that runs
    (jupyterhub/handlers).
    """
    redirect = site.deployment.redirect
    hub_path = redirect.removesuffix("user-redirect/")
    below_hub = bool(redirect) and page_request.url.startswith(f"{site.origin}{hub_path}")
    return below_hub and page_request.status == 302


def _check_reopened(
    session: BrowserSession, path: str, canary: str, recorder: ProbeRecorder
) -> None:
    """Check that a saved notebook shows its output again where it is trusted, and only there."""
    with recorder.probe("browser-reopened-trusted"):
        session.notebook.save_notebook()
        session.notebook.open_page()
        view.wait_for_canary(session.observer, wait_for_only_frame(session), canary)
    with recorder.probe("browser-reopened-untrusted", vital=True) as set_detail:
        with closing(JupyterClient.for_site(session.site, session.site.token)) as client:
            _remove_trust(client, path)
        session.notebook.open_page()
        session.notebook.wait_until_idle()
        # Printed text is shown even where the notebook is not trusted, so it tells that outputs
        # are being drawn. The cell of the frame comes after it.
        if not session.observer.watch_until(
            session.page, lambda: bool(session.notebook.output_text), browser_frame.FRAME_TIMEOUT
        ):
            raise ProbeFailure(f"no output at all after {browser_frame.FRAME_TIMEOUT:.0f} s")
        if session.observer.watch_until(
            session.page, lambda: bool(session.notebook.list_frames()), _NEVER
        ):
            raise ProbeFailure("an untrusted notebook shows the frame")
        set_detail(f"not within {_NEVER:.0f} s after the first output")
    with recorder.probe("browser-run-again"):
        session.notebook.run_last_cell()
        view.wait_for_canary(session.observer, wait_for_only_frame(session), canary)


def _remove_trust(client: JupyterClient, path: str) -> None:
    """Change the saved notebook as another user would.

    The new content is not signed, so Jupyter does not trust it.
    """
    api_path = f"contents/{quote(path)}"
    content = client.call_api("GET", api_path)["content"]
    content["metadata"]["changed_by"] = "somebody else"
    for cell in content["cells"]:
        cell["metadata"].pop("trusted", None)
    client.call_api("PUT", api_path, {"type": "notebook", "format": "json", "content": content})


def _expect_none(complaints: Iterable[str], start: str = "") -> None:
    found = list(complaints)
    if found:
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        raise ProbeFailure(f"{start}{'; '.join(found[:3])}{more}")
