"""Entries of a page's console, and which of their errors are known issues. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from packaging.specifiers import SpecifierSet

from builder.smoke.browser.traffic import KNOWN_REQUEST_ISSUES, KnownIssue

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Chromium's own messages about a failed request, which the request log has already.
_FAILED_LOAD = r"Failed to load resource: .*|Refused to execute script from .*"


class ConsoleEntry(NamedTuple):
    """An entry of the console.

    Attributes:
        level: `error`, `warning`, ..., or `uncaught` for an uncaught exception.
        text: the message; that of an exception includes its stack.
        source: the address of the script, or of the resource that did not load.
    """

    level: str
    text: str
    source: str

    def __str__(self) -> str:
        return f"{self.level}: {' '.join(self.text.split())[:240]} ({self.source})"


KNOWN_CONSOLE_ISSUES = (
    KnownIssue(
        r".*/static/notebook/notebook_core\.\w+\.js",
        r"^TypeError: Cannot read properties of undefined \(reading 'schema'\)",
        "Notebook 7.6 adds up shortcuts when settings arrive, also of plugins that it left out",
    ),
    KnownIssue(
        r".*/static/notebook/notebook_core\.\w+\.js",
        r"^Error: Command 'filebrowser:open-path' not registered\.",
        "Notebook 7.6 restores JupyterLab's file browser, which its notebook page does not have",
    ),
    KnownIssue(
        r".*/static/nbclassic/notebook/js/main\.min\.js",
        r"^Exception in event handler for spec_changed\.Kernel SessionAlreadyStarting",
        "classic, for a notebook that names no kernel (jupyter/notebook #5183); one starts",
    ),
    KnownIssue(
        r".*/proxy/\d+/",
        r"^Executing inline event handler violates the following Content Security Policy",
        "its page has a button with an onclick (toast), which its own policy forbids",
        releases="==2.1.*",
    ),
)


def find_console_errors(
    entries: Iterable[ConsoleEntry], prefix: str, release: str, *, jupyter: bool = True
) -> Iterator[str]:
    """Find errors and uncaught exceptions that are not known issues.

    Args:
        entries: all entries of the console.
        prefix: the address below which the frame loads TensorBoard.
        release: TensorBoard's release.
        jupyter: whether Jupyter's own errors count too, see `traffic.find_failed_requests`.
    """
    for entry in entries:
        if entry.level not in {"error", "uncaught"} or _is_known_issue(entry, release):
            continue
        if jupyter or prefix in entry.source or prefix in entry.text:
            yield str(entry)


def _is_known_issue(entry: ConsoleEntry, release: str) -> bool:
    path = urlsplit(entry.source).path
    if re.fullmatch(_FAILED_LOAD, entry.text, re.DOTALL):
        named = re.search(r"from '([^']+)'", entry.text)
        requested_path = urlsplit(named[1]).path if named else path
        return any(re.fullmatch(known.url, requested_path) for known in KNOWN_REQUEST_ISSUES)
    return any(
        re.fullmatch(known.url, path) and known.text and re.search(known.text, entry.text)
        for known in KNOWN_CONSOLE_ISSUES
        if SpecifierSet(known.releases).contains(release, prereleases=True)
    )
