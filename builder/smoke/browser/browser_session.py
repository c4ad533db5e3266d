"""A browser session at a Jupyter: log in, observe the page, write pictures and logs."""

from __future__ import annotations

from contextlib import ExitStack, closing, contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from builder.errors import InterruptedRunError
from builder.smoke.browser import evidence
from builder.smoke.browser.frontends import NotebookPage
from builder.smoke.browser.observer import PageObserver
from builder.smoke.jupyter.http_client import JupyterClient
from builder.smoke.model import LayerAbort, ProbeFailure, ProbeOutcome
from builder.system.files import replace_file
from builder.system.redact import redact_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import BrowserContext, Page

    from builder.smoke.browser.chromium import ChromiumBrowser
    from builder.smoke.browser.traffic import PageRequest
    from builder.smoke.model import JupyterSite, LoginCredentials
    from builder.smoke.results.recorder import ProbeRecorder

LOGIN_TIMEOUT = 20.0
_SETTLE = 15.0
# The login page has two more password fields, for setting a password.
_FORM = "form[action*=login] input[name=password]"


class BrowserSession:
    """What the probes of one browser session share.

    Attributes:
        browser: the browser.
        site: the Jupyter.
        page: the page that shows the notebook.
        notebook: the notebook.
        observer: what has happened in the page since the login.
        prefix: the address below which the frame loads TensorBoard, once that is known.
        picture: a screenshot as PNG, once one was taken.
    """

    def __init__(
        self, browser: ChromiumBrowser, site: JupyterSite, page: Page, path: str, seen: PageObserver
    ) -> None:
        self.browser = browser
        self.site = site
        self.page = page
        self.observer = seen
        self.notebook = NotebookPage(page, site.deployment.frontend, site.url, path, seen)
        self.prefix = f"{site.url}proxy/"
        self.picture: bytes | None = None

    def keep_screenshot(self) -> None:
        """Take a screenshot of the viewport, and keep it as `picture`."""
        self.picture = evidence.take_screenshot(self.page)

    def wait_for_requests(self) -> list[PageRequest]:
        """The requests until now, once all are complete or `_SETTLE` seconds have passed."""
        requests = list(self.observer.page_requests)
        self.observer.watch_until(self.page, lambda: all(e.done for e in requests), _SETTLE)
        return requests


@contextmanager
def open_browser_session(
    browser: ChromiumBrowser,
    site: JupyterSite,
    path: str,
    recorder: ProbeRecorder,
    keep: Path,
    log_in: str,
) -> Iterator[BrowserSession]:
    """Log in to a Jupyter with the browser; after the block, write a picture and logs.

    The request log and the console log are written next to the picture `keep`, and on failure a
    trace (`playwright show-trace`). None of them has the token, or a cookie that it was exchanged
    for.

    Args:
        browser: the browser.
        site: the Jupyter.
        path: the notebook's path below Jupyter's root directory.
        recorder: gets the probe `log_in`, and tells whether a probe failed.
        keep: the picture's path, with the suffix `.png`.
        log_in: name of the probe for the login.

    Raises:
        LayerAbort: the login failed.
    """
    before = len(recorder.results)
    with ExitStack() as cleanup, browser.open_context(site.origin) as context:
        page = context.new_page()
        try:
            with recorder.probe(log_in, vital=True):
                _log_in(page, site)
        except LayerAbort:
            _write_screenshot(page, keep)
            raise
        evidence.start_trace(context)
        session = BrowserSession(
            browser, site, page, path, PageObserver(page, recorder.check_cancelled)
        )
        # Called after the context is closed: a page that is still open would save it again.
        cleanup.callback(_delete_workspace, session)
        try:
            yield session
        except InterruptedRunError:
            raise
        except Exception:
            _write_evidence(session, context, keep, failed=True)
            raise
        failed = any(r.outcome is ProbeOutcome.FAILED for r in recorder.results[before:])
        _write_evidence(session, context, keep, failed=failed)


def _log_in(page: Page, site: JupyterSite) -> None:
    """Log in by the form, or by the token if there is no form; nothing is recorded yet."""
    if site.credentials is not None:
        _log_in_at_hub(page, site, site.credentials)
    else:
        _log_in_at_jupyter(page, site)
    response = page.goto(f"{site.url}api/status", timeout=LOGIN_TIMEOUT * 1000)
    if response is None or response.status != 200:
        status = "nothing" if response is None else response.status
        raise ProbeFailure(f"logged in, but api/status answers {status}")


def _log_in_at_hub(page: Page, site: JupyterSite, credentials: LoginCredentials) -> None:
    """Log in by the Hub's form, then open the user's server, to which the Hub redirects (OAuth)."""
    page.goto(credentials.login_url, wait_until="domcontentloaded", timeout=LOGIN_TIMEOUT * 1000)
    page.locator("form input[name=username]").fill(credentials.name)
    password = page.locator("form input[name=password]")
    password.fill(credentials.password)
    with page.expect_navigation(wait_until="commit", timeout=LOGIN_TIMEOUT * 1000):
        password.press("Enter")
    if page.locator("form input[name=username]").count():
        raise ProbeFailure("the Hub's form does not let the person in")
    page.goto(site.url, wait_until="commit", timeout=LOGIN_TIMEOUT * 1000)


def _log_in_at_jupyter(page: Page, site: JupyterSite) -> None:
    if not site.has_form:
        # Sent with WebSockets, too; and this browser reaches no other host and port.
        page.context.set_extra_http_headers({"Authorization": f"token {site.token.value}"})
        return
    base_path = urlsplit(site.url).path
    page.goto(
        f"{site.url}login?next={quote(base_path + 'api', safe='')}",
        wait_until="domcontentloaded",
        timeout=LOGIN_TIMEOUT * 1000,
    )
    form = page.locator(_FORM).first
    form.fill(site.token.value, timeout=LOGIN_TIMEOUT * 1000)
    with page.expect_navigation(wait_until="commit", timeout=LOGIN_TIMEOUT * 1000):
        form.press("Enter")
    if page.locator(_FORM).count():
        raise ProbeFailure("the login form does not let the person in")


def _delete_workspace(session: BrowserSession) -> None:
    """Delete the workspace that the front end has saved on the server."""
    if session.notebook.workspace_path:
        with closing(JupyterClient.for_site(session.site, session.site.token)) as client:
            client.send_request(session.notebook.workspace_path, method="DELETE")


def _write_evidence(
    session: BrowserSession, context: BrowserContext, keep: Path, *, failed: bool
) -> None:
    from playwright.sync_api import Error

    hidden = evidence.list_session_secrets(context, session.site.token)
    observer = session.observer
    logs = {
        "requests.txt": observer.format_requests(session.site.origin, session.prefix),
        "console.txt": observer.format_console(),
    }
    for name, text in logs.items():
        replace_file(keep.with_name(f"{keep.stem}-{name}"), redact_secrets(text, hidden).encode())
    if session.picture is None:
        _write_screenshot(session.page, keep)
    else:
        replace_file(keep, session.picture)
    if failed:
        with suppress(Error):  # a page that crashed has no trace
            replace_file(
                keep.with_name(f"{keep.stem}-trace.zip"), evidence.stop_trace(context, hidden)
            )


def _write_screenshot(page: Page, keep: Path) -> None:
    from playwright.sync_api import Error

    with suppress(Error):  # a page that crashed has no picture, and its probe reports why
        replace_file(keep, evidence.take_screenshot(page))
