"""A person's visit to a Jupyter: logged in, watched, and with something to show afterwards."""

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
from builder.smoke.results.scrub import scrub_text

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
# The page has two more fields, to set a password with.
_FORM = "form[action*=login] input[name=password]"


class BrowserSession:
    """What the probes of one visit share.

    Attributes:
        browser: the browser.
        site: the Jupyter.
        page: the page that shows the notebook.
        notebook: the notebook.
        observer: what has happened since the person was let in.
        prefix: the address below which the frame found TensorBoard, once that is known.
        picture: a picture of it, once there is one.
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
        """Take a picture of what is in view."""
        self.picture = evidence.take_screenshot(self.page)

    def wait_for_requests(self) -> list[PageRequest]:
        """What has been asked for until now, once all of it is answered or has had its time."""
        asked = list(self.observer.page_requests)
        self.observer.watch_until(self.page, lambda: all(e.done for e in asked), _SETTLE)
        return asked


@contextmanager
def open_browser_session(
    browser: ChromiumBrowser,
    site: JupyterSite,
    path: str,
    record: ProbeRecorder,
    keep: Path,
    log_in: str,
) -> Iterator[BrowserSession]:
    """Visit a Jupyter as a person, and leave pictures and logs of it.

    Beside the picture `keep` lie its request log and its console log, and on failure a trace
    (`playwright show-trace`). None of them holds the token, or a cookie that it was changed for.

    Args:
        browser: the browser.
        site: the Jupyter.
        path: the notebook's path below Jupyter's root directory.
        record: gets the probe `log_in`, and says whether something failed.
        keep: the picture's path, with the suffix `.png`.
        log_in: the probe's name.

    Raises:
        Halt: the person is not let in.
    """
    before = len(record.results)
    with ExitStack() as afterwards, browser.open_context(site.origin) as context:
        page = context.new_page()
        try:
            with record.probe(log_in, vital=True):
                _log_in(page, site)
        except LayerAbort:
            _write_screenshot(page, keep)
            raise
        evidence.start_trace(context)
        session = BrowserSession(
            browser, site, page, path, PageObserver(page, record.check_cancelled)
        )
        afterwards.callback(
            _delete_workspace, session
        )  # a page that is still open would tell it anew
        try:
            yield session
        except InterruptedRunError:
            raise
        except Exception:
            _write_evidence(session, context, keep, failed=True)
            raise
        failed = any(r.outcome is ProbeOutcome.FAILED for r in record.results[before:])
        _write_evidence(session, context, keep, failed=failed)


def _log_in(page: Page, site: JupyterSite) -> None:
    """Use the form, or the token itself where there is none; before anything is recorded."""
    if site.credentials is not None:
        _log_in_at_hub(page, site, site.credentials)
    else:
        _log_in_at_jupyter(page, site)
    answer = page.goto(f"{site.url}api/status", timeout=LOGIN_TIMEOUT * 1000)
    if answer is None or answer.status != 200:
        said = "nothing" if answer is None else answer.status
        raise ProbeFailure(f"logged in, but api/status answers {said}")


def _log_in_at_hub(page: Page, site: JupyterSite, credentials: LoginCredentials) -> None:
    """The Hub's form, and then the server, to which the Hub hands its user on (OAuth)."""
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
        # On WebSockets too; and this browser knows no other host and port.
        page.context.set_extra_http_headers({"Authorization": f"token {site.token.value}"})
        return
    here = urlsplit(site.url).path
    page.goto(
        f"{site.url}login?next={quote(here + 'api', safe='')}",
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
    """Have Jupyter forget what its front end keeps of the visit."""
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
        evidence.write_atomically(
            keep.with_name(f"{keep.stem}-{name}"), scrub_text(text, hidden).encode()
        )
    if session.picture is None:
        _write_screenshot(session.page, keep)
    else:
        evidence.write_atomically(keep, session.picture)
    if failed:
        with suppress(Error):  # nor has it a trace
            evidence.write_atomically(
                keep.with_name(f"{keep.stem}-trace.zip"), evidence.stop_trace(context, hidden)
            )


def _write_screenshot(page: Page, keep: Path) -> None:
    from playwright.sync_api import Error

    with suppress(Error):  # a page that crashed has no picture, and its probe says why
        evidence.write_atomically(keep, evidence.take_screenshot(page))
