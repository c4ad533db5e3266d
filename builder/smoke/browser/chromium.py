"""Find and start Chromium, for closed networks, with each session limited to one origin.

Nothing else starts a browser. The flags are Chromium's own (chromium/src,
`content/public/common/content_switches.cc` and its neighbours); Playwright adds those that
automation needs.
"""

from __future__ import annotations

import base64
import os
import re
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from builder.errors import SmokeError
from builder.system.command import find_program

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from playwright.sync_api import Browser as Chromium
    from playwright.sync_api import BrowserContext, BrowserType, Playwright, Route

SIZE = (1280, 900)
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_START = 30.0
# Containers have no GPU and a small /dev/shm (64 MB), proxies do not pass QUIC, and the last five
# turn off requests that a browser sends to its vendor by itself.
_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-domain-reliability",
    "--disable-sync",
)
_COLOURS = """async data => {
  const picture = new Image();
  picture.src = 'data:image/png;base64,' + data;
  await picture.decode();
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const context = canvas.getContext('2d');
  context.drawImage(picture, 0, 0);
  const bytes = context.getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0;
  for (let i = 0; i < bytes.length; i += 4) {
    const dot = [bytes[i], bytes[i + 1], bytes[i + 2]];
    if (Math.max(...dot) - Math.min(...dot) > 24) count += 1;
  }
  return count;
}"""


class ChromiumBrowser:
    """A running Chromium, for any number of sessions.

    Attributes:
        version: Chromium's version.
    """

    def __init__(self, chromium: Chromium) -> None:
        self._chromium = chromium
        self._pixel_page = chromium.new_page()
        self.version = chromium.version

    @contextmanager
    def open_context(self, origin: str) -> Iterator[BrowserContext]:
        """Open a new browser context, without cookies, that reaches only that origin.

        Requests to elsewhere are aborted as `net::ERR_BLOCKED_BY_CLIENT`, which a request log
        shows. Service workers are blocked, because their requests could not be.

        Args:
            origin: scheme, host and port.
        """
        width, height = SIZE
        context = self._chromium.new_context(
            viewport={"width": width, "height": height},
            service_workers="block",
            locale="en-GB",
            reduced_motion="reduce",
        )
        try:
            context.route(build_barred_pattern(origin), _abort_request)
            yield context
        finally:
            context.close()

    def count_coloured_dots(self, picture: bytes) -> int:
        """Count the pixels of a PNG that are neither white nor black nor grey."""
        return int(self._pixel_page.evaluate(_COLOURS, base64.b64encode(picture).decode()))


@contextmanager
def open_browser(env: Mapping[str, str], hosts: Collection[str]) -> Iterator[ChromiumBrowser]:
    """Run a Chromium for as long as the block lasts.

    Args:
        env: environment variables; `CHROMIUM` may name the program.
        hosts: host names and addresses that it may resolve, each with or without a port. It
            resolves no others, for WebSockets and redirects as well.

    Raises:
        SmokeError: there is no Chromium, or it does not start.
    """
    from playwright.sync_api import Error

    found = _find_chromium(env)
    with _start_playwright(found) as playwright:
        path = found or _find_playwright_chromium(playwright.chromium)
        root = os.geteuid() == 0
        try:
            chromium = playwright.chromium.launch(
                executable_path=path,
                args=list(list_chromium_flags(hosts, root=root)),
                chromium_sandbox=not root,
                timeout=_START * 1000,
                # On a signal the command line unwinds, which closes Chromium.
                handle_sigint=False,
                handle_sigterm=False,
                handle_sighup=False,
            )
        except Error as error:
            raise _make_start_error(path, str(error)) from error
        try:
            yield ChromiumBrowser(chromium)
        finally:
            chromium.close()


def list_chromium_flags(hosts: Collection[str], *, root: bool) -> Iterator[str]:
    """The command-line flags that Chromium is started with.

    Args:
        hosts: see `open_browser`.
        root: whether root starts it; its sandbox does not run as root.
    """
    yield from _FLAGS
    # The first rule that matches applies (chromium/src, net/base/host_mapping_rules.cc).
    known = "".join(f"MAP {host} {host}, " for host in sorted(hosts))
    yield f"--host-resolver-rules={known}MAP * ~NOTFOUND"
    if root:
        yield "--no-sandbox"


def build_barred_pattern(origin: str) -> re.Pattern[str]:
    """Build the pattern that matches every address outside an origin.

    Addresses that merely begin like the origin are outside: its port may be a prefix of theirs, or
    the whole of it their user name.
    """
    parts = urlsplit(origin)
    return re.compile(rf"^(?!{re.escape(f'{parts.scheme}://{parts.netloc}')}(?:[/?#]|$))")


def _abort_request(route: Route) -> None:
    route.abort("blockedbyclient")


@contextmanager
def _start_playwright(browser: str | None) -> Iterator[Playwright]:
    """Start Playwright's own program, a Node.js that needs some of Chromium's libraries.

    Raises:
        SmokeError: it does not start.
    """
    from playwright.sync_api import sync_playwright

    with ExitStack() as stack:
        try:
            playwright = stack.enter_context(sync_playwright())
        except Exception as error:  # Playwright raises nothing narrower
            if browser is None:
                raise _make_no_browser_error() from error
            raise SmokeError(
                f"Playwright does not start: {error}",
                "above is why, such as a library that is not installed (`apt-get install "
                "libatomic1`); --no-browser leaves the browser's probes out",
            ) from error
        yield playwright


def _find_chromium(env: Mapping[str, str]) -> str | None:
    """Find the Chromium that `CHROMIUM` names, or else one on PATH; None if there is none.

    Raises:
        SmokeError: what `CHROMIUM` names is not a program.
    """
    named = env.get("CHROMIUM")
    if not named:
        return next(filter(None, map(find_program, _NAMES)), None)
    found = find_program(named)
    if found is None:
        raise SmokeError(
            f"CHROMIUM names {named}, which is no program", "set it to Chromium's path, or unset it"
        )
    return found


def _find_playwright_chromium(kind: BrowserType) -> str:
    """Find the Chromium that Playwright has downloaded.

    Raises:
        SmokeError: it has downloaded none.
    """
    if not Path(kind.executable_path).exists():
        raise _make_no_browser_error()
    return kind.executable_path


def _make_no_browser_error() -> SmokeError:
    return SmokeError(
        "there is no browser: neither CHROMIUM nor PATH nor Playwright has a Chromium",
        "`apt-get install chromium` or `playwright install chromium`; "
        "--no-browser leaves the browser's probes out",
    )


def _make_start_error(path: str, output: str) -> SmokeError:
    """Make an error of Chromium's own messages, which Playwright marks with `[err]`.

    The rest of Playwright's message, such as Chromium's command line, is left out.
    """
    messages = [
        line.partition("[err]")[2].strip() for line in output.splitlines() if "[err]" in line
    ]
    reason = "; ".join(messages[:3]) or output.partition("\n")[0]
    hint = "set CHROMIUM to another one; --no-browser leaves the browser's probes out"
    if "sandbox" in reason.lower():
        hint = (
            "its sandbox needs namespaces that users may make; let them, run it as root in a "
            "container, or leave the browser's probes out with --no-browser"
        )
    return SmokeError(f"{path} does not start: {reason[:400]}", hint)
