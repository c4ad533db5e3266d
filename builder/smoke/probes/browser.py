"""The browser's layers: what a person sees on the real page, and that it all came one way."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from builder.smoke.browser import traffic, view
from builder.smoke.browser.visit import Visit, visiting
from builder.smoke.browser.words import complaints
from builder.smoke.jupyter.web import Web
from builder.smoke.model import ProbeFailure

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from playwright.sync_api import Frame

    from builder.smoke.browser.chromium import Browser
    from builder.smoke.browser.traffic import Exchange
    from builder.smoke.model import Site
    from builder.smoke.results.recorder import Recorder

# Seconds: until a frame is where it should be; for what must not happen, after it could have.
_FRAME = 30.0
_NEVER = 2.0
_NOTICE = "Launching TensorBoard"


def walk(
    browser: Browser, site: Site, path: str, canary: str, record: Recorder, directory: Path
) -> None:
    """Go through a notebook as a person does, and see TensorBoard in it; layer `browser`.

    Where the deployment has the layer `reopen`, the notebook is then saved and opened again.

    Args:
        browser: the browser.
        site: the Jupyter; its deployment says which front end.
        path: of the notebook below Jupyter's root directory; it may not have run yet, and
            its last cell is `%tensorboard`.
        canary: a tag of this run, which no other page shows.
        record: gets the results.
        directory: gets the picture, the logs and, on failure, the trace.
    """
    keep = directory / f"{site.deployment.picture}.png"
    reopen = "reopen" in site.deployment.layers
    with (
        record.layer("browser", *(["reopen"] if reopen else [])),
        visiting(browser, site, path, record, keep, "browser-log-in") as visit,
    ):
        _run(visit, record, "browser")
        frame = _frame(visit, record)
        _look(visit, frame, canary, record)
        _judge(visit, record)
        if reopen:
            _reopen(visit, path, canary, record)


def control(
    browser: Browser, site: Site, path: str, canary: str, record: Recorder, directory: Path
) -> None:
    """The same without the variable, or without our patch; layer `browser-control`.

    The frame must point at TensorBoard's own port, which nobody reaches. A run in which `walk`
    passes and this does not has shown nothing.

    Args:
        browser: see `walk`.
        site: see `walk`.
        path: see `walk`.
        canary: see `walk`.
        record: see `walk`.
        directory: see `walk`.
    """
    keep = directory / f"{site.deployment.picture}-control.png"
    with (
        record.layer("browser-control"),
        visiting(browser, site, path, record, keep, "browser-control-log-in") as visit,
    ):
        _run(visit, record, "browser-control")
        with record.probe("browser-control-direct", vital=True) as told:
            frame = _only_frame(visit)
            target = _address(frame)
            if not _direct(target, site.origin):
                raise ProbeFailure(f"the frame is at {target}, not at a port of its own")
            told(target)
        with record.probe("browser-control-refused") as told:
            told(_refusal(visit, target))
        with record.probe("browser-control-no-canary") as told:
            if view.shows(visit.observer, frame, canary, _NEVER):
                raise ProbeFailure(f"{canary} is visible in the frame all the same")
            told(f"not within {_NEVER:.0f} s after the frame failed")
            visit.notebook.show_frame()
            visit.take_picture()


def _run(visit: Visit, record: Recorder, layer: str) -> None:
    with record.probe(f"{layer}-kernel-idle", vital=True):
        visit.notebook.open()
        visit.notebook.wait_until_idle()
    with record.probe(f"{layer}-cells-run", vital=True) as told:
        told(f"{len(visit.notebook.run_all())} cells")


def _frame(visit: Visit, record: Recorder) -> Frame:
    with record.probe("browser-one-frame", vital=True):
        frame = _only_frame(visit)
        if _NOTICE in visit.notebook.outputs:
            raise ProbeFailure(f"the notice {_NOTICE!r} was not replaced by the frame")
    with record.probe("browser-frame-prefix", vital=True) as told:
        address = _address(frame)
        visit.prefix = _prefix(visit.site, address)
        told(urlsplit(address).path)
    return frame


def _prefix(site: Site, address: str) -> str:
    """Below which address the frame finds TensorBoard, once a Hub has redirected it there."""
    redirect = site.deployment.redirect
    starts = [site.url, *([f"{site.origin}{redirect}"] if redirect else [])]
    for start in starts:
        below = re.match(re.escape(start) + r"(proxy/(?:absolute/)?[0-9]+/)", address)
        if below is not None:
            return f"{site.url}{below[1]}"
    raise ProbeFailure(f"the frame is at {address}, not below {' or '.join(starts)}proxy/")


def _look(visit: Visit, frame: Frame, canary: str, record: Recorder) -> None:
    with record.probe("browser-canary-visible", vital=True):
        view.wait_for_canary(visit.observer, frame, canary)
    with record.probe("browser-chart-drawn", vital=True) as told:
        chart, width, height = view.wait_for_chart(visit.observer, frame)
        dots = view.wait_for_curve(visit.browser, visit.observer, visit.page, chart)
        told(f"{width}x{height}, a curve of {dots} dots")
    with record.probe("browser-picture"):
        visit.notebook.show_frame()
        visit.take_picture()


def _judge(visit: Visit, record: Recorder) -> None:
    """All that was asked for and said until the chart was there."""
    origin, prefix = visit.site.origin, visit.prefix
    seen = [e for e in visit.settled() if not _redirects(visit.site, e)]
    ours = visit.site.inside is not None
    below = sum(e.url.startswith(prefix) for e in seen)
    with record.probe("browser-nothing-foreign") as told:
        _none(traffic.foreign(seen, origin, prefix))
        told(f"{len(seen)} requests, all to {origin}")
    with record.probe("browser-nothing-stray") as told:
        _none(traffic.strayed(seen, origin, prefix))
        told(f"{below} requests below {urlsplit(prefix).path}")
    with record.probe("browser-nothing-failed") as told:
        _none(traffic.failed(seen, origin, prefix, jupyter=ours))
        fonts = sum(traffic.excuse(e) is traffic.FONTS and e.status == 404 for e in seen)
        told(f"{fonts} fonts aside")
    with record.probe("browser-assets-by-name") as told:
        _none(traffic.missing(seen, prefix, visit.site.release), "not seen: ")
        told(f"{len(traffic.wanted(visit.site.release))} by name")
    with record.probe("browser-console-clean"):
        _none(complaints(visit.observer.words, prefix, visit.site.release, jupyter=ours))


def _redirects(site: Site, exchange: Exchange) -> bool:
    """Whether that is a Hub's answer which leads the frame to the user's own server.

    `user-redirect` leads to `spawn`, which goes on to a server that runs (jupyterhub/handlers).
    """
    redirect = site.deployment.redirect
    hub = redirect.removesuffix("user-redirect/")
    ours = bool(redirect) and exchange.url.startswith(f"{site.origin}{hub}")
    return ours and exchange.status == 302


def _reopen(visit: Visit, path: str, canary: str, record: Recorder) -> None:
    """A saved notebook shows its output again where it is trusted, and only there."""
    with record.probe("browser-reopened-trusted"):
        visit.notebook.save()
        visit.notebook.open()
        view.wait_for_canary(visit.observer, _only_frame(visit), canary)
    with record.probe("browser-reopened-untrusted", vital=True) as told:
        with closing(Web.to(visit.site, visit.site.token)) as web:
            _distrust(web, path)
        visit.notebook.open()
        visit.notebook.wait_until_idle()
        # What a cell printed is shown in any case: it says that outputs are being drawn. The cell
        # of the frame comes after it.
        if not visit.observer.watch(visit.page, lambda: bool(visit.notebook.outputs), _FRAME):
            raise ProbeFailure(f"no output at all after {_FRAME:.0f} s")
        if visit.observer.watch(visit.page, lambda: bool(visit.notebook.frames()), _NEVER):
            raise ProbeFailure("an untrusted notebook shows the frame")
        told(f"not within {_NEVER:.0f} s after the first output")
    with record.probe("browser-run-again"):
        visit.notebook.run_last()
        view.wait_for_canary(visit.observer, _only_frame(visit), canary)


def _distrust(web: Web, path: str) -> None:
    """Change the saved notebook as somebody else would: what is not signed is not trusted."""
    where = f"contents/{quote(path)}"
    content = web.api("GET", where)["content"]
    content["metadata"]["changed_by"] = "somebody else"
    for cell in content["cells"]:
        cell["metadata"].pop("trusted", None)
    web.api("PUT", where, {"type": "notebook", "format": "json", "content": content})


def _only_frame(visit: Visit) -> Frame:
    """The one frame in the outputs, once it is there."""
    frames: list[Frame] = []

    def there() -> bool:
        frames[:] = visit.notebook.frames()
        return bool(frames)

    if not visit.observer.watch(visit.page, there, _FRAME):
        said = " ".join(visit.notebook.outputs.split())[-300:]
        raise ProbeFailure(f"no frame in the outputs after {_FRAME:.0f} s, which say: {said}")
    if len(frames) > 1:
        raise ProbeFailure(f"{len(frames)} frames: {', '.join(frame.url for frame in frames)}")
    return frames[0]


def _address(frame: Frame) -> str:
    """Where the frame was told to go, whatever came of it."""
    address: str = frame.frame_element().evaluate("frame => frame.src")
    return address


def _direct(address: str, origin: str) -> bool:
    """Whether that is a port of its own, on Jupyter's host or the one that 1.x names."""
    there, here = urlsplit(address), urlsplit(origin)
    return there.hostname in {here.hostname, "localhost"} and there.port not in {None, here.port}


def _refusal(visit: Visit, address: str) -> str:
    """What came of the frame's request to that address."""
    place = urlsplit(address).netloc

    def refused() -> list[str]:
        return [
            e.failure
            for e in visit.observer.exchanges
            if urlsplit(e.url).netloc == place and e.failure
        ]

    visit.observer.watch(visit.page, lambda: bool(refused()), _FRAME)
    answered = [
        str(e) for e in visit.observer.exchanges if urlsplit(e.url).netloc == place and e.status
    ]
    if answered or not refused():
        raise ProbeFailure(f"{address} was not refused: {answered or 'no request'}")
    return refused()[0]


def _none(complaints: Iterable[str], start: str = "") -> None:
    found = list(complaints)
    if found:
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        raise ProbeFailure(f"{start}{'; '.join(found[:3])}{more}")
