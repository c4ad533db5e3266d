"""A person's visit to a Jupyter: logged in, watched, and with something to show afterwards."""

from __future__ import annotations

from contextlib import ExitStack, closing, contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from builder.errors import InterruptedRunError
from builder.smoke.browser import evidence
from builder.smoke.browser.frontends import Notebook
from builder.smoke.browser.observer import Observer
from builder.smoke.jupyter.web import Web
from builder.smoke.model import Halt, Outcome, ProbeFailure
from builder.smoke.results.scrub import scrub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import BrowserContext, Page

    from builder.smoke.browser.chromium import Browser
    from builder.smoke.browser.traffic import Exchange
    from builder.smoke.model import Person, Site
    from builder.smoke.results.recorder import Recorder

LOG_IN = 20.0
_SETTLE = 15.0
# The page has two more fields, to set a password with.
_FORM = "form[action*=login] input[name=password]"


class Visit:
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

    def __init__(self, browser: Browser, site: Site, page: Page, path: str, seen: Observer) -> None:
        self.browser = browser
        self.site = site
        self.page = page
        self.observer = seen
        self.notebook = Notebook(page, site.deployment.frontend, site.url, path, seen)
        self.prefix = f"{site.url}proxy/"
        self.picture: bytes | None = None

    def take_picture(self) -> None:
        """Take a picture of what is in view."""
        self.picture = evidence.picture(self.page)

    def settled(self) -> list[Exchange]:
        """What has been asked for until now, once all of it is answered or has had its time."""
        asked = list(self.observer.exchanges)
        self.observer.watch(self.page, lambda: all(e.done for e in asked), _SETTLE)
        return asked


@contextmanager
def visiting(
    browser: Browser, site: Site, path: str, record: Recorder, keep: Path, log_in: str
) -> Iterator[Visit]:
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
    with ExitStack() as afterwards, browser.visit(site.origin) as context:
        page = context.new_page()
        try:
            with record.probe(log_in, vital=True):
                _log_in(page, site)
        except Halt:
            _keep_picture(page, keep)
            raise
        evidence.start_trace(context)
        visit = Visit(browser, site, page, path, Observer(page, record.check_cancelled))
        afterwards.callback(_forget, visit)  # a page that is still open would tell it anew
        try:
            yield visit
        except InterruptedRunError:
            raise
        except Exception:
            _leave(visit, context, keep, failed=True)
            raise
        failed = any(r.outcome is Outcome.FAILED for r in record.results[before:])
        _leave(visit, context, keep, failed=failed)


def _log_in(page: Page, site: Site) -> None:
    """Use the form, or the token itself where there is none; before anything is recorded."""
    if site.person is not None:
        _log_in_at_hub(page, site, site.person)
    else:
        _log_in_at_jupyter(page, site)
    answer = page.goto(f"{site.url}api/status", timeout=LOG_IN * 1000)
    if answer is None or answer.status != 200:
        said = "nothing" if answer is None else answer.status
        raise ProbeFailure(f"logged in, but api/status answers {said}")


def _log_in_at_hub(page: Page, site: Site, person: Person) -> None:
    """The Hub's form, and then the server, to which the Hub hands its user on (OAuth)."""
    page.goto(person.login, wait_until="domcontentloaded", timeout=LOG_IN * 1000)
    page.locator("form input[name=username]").fill(person.name)
    password = page.locator("form input[name=password]")
    password.fill(person.password)
    with page.expect_navigation(wait_until="commit", timeout=LOG_IN * 1000):
        password.press("Enter")
    if page.locator("form input[name=username]").count():
        raise ProbeFailure("the Hub's form does not let the person in")
    page.goto(site.url, wait_until="commit", timeout=LOG_IN * 1000)


def _log_in_at_jupyter(page: Page, site: Site) -> None:
    if not site.has_form:
        # On WebSockets too; and this browser knows no other host and port.
        page.context.set_extra_http_headers({"Authorization": f"token {site.token}"})
        return
    here = urlsplit(site.url).path
    page.goto(
        f"{site.url}login?next={quote(here + 'api', safe='')}",
        wait_until="domcontentloaded",
        timeout=LOG_IN * 1000,
    )
    form = page.locator(_FORM).first
    form.fill(site.token, timeout=LOG_IN * 1000)
    with page.expect_navigation(wait_until="commit", timeout=LOG_IN * 1000):
        form.press("Enter")
    if page.locator(_FORM).count():
        raise ProbeFailure("the login form does not let the person in")


def _forget(visit: Visit) -> None:
    """Have Jupyter forget what its front end keeps of the visit."""
    if visit.notebook.leftover:
        with closing(Web.to(visit.site, visit.site.token)) as web:
            web.ask(visit.notebook.leftover, method="DELETE")


def _leave(visit: Visit, context: BrowserContext, keep: Path, *, failed: bool) -> None:
    from playwright.sync_api import Error

    hidden = evidence.secrets(context, visit.site.token)
    observer = visit.observer
    logs = {
        "requests.txt": observer.requests(visit.site.origin, visit.prefix),
        "console.txt": observer.console(),
    }
    for name, text in logs.items():
        evidence.place(keep.with_name(f"{keep.stem}-{name}"), scrub(text, hidden).encode())
    if visit.picture is None:
        _keep_picture(visit.page, keep)
    else:
        evidence.place(keep, visit.picture)
    if failed:
        with suppress(Error):  # nor has it a trace
            evidence.place(
                keep.with_name(f"{keep.stem}-trace.zip"), evidence.stop_trace(context, hidden)
            )


def _keep_picture(page: Page, keep: Path) -> None:
    from playwright.sync_api import Error

    with suppress(Error):  # a page that crashed has no picture, and its probe says why
        evidence.place(keep, evidence.picture(page))
