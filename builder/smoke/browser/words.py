"""What a page wrote to its console, and which of its complaints are known. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from packaging.specifiers import SpecifierSet

from builder.smoke.browser.traffic import REQUESTS, Excuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# What Chromium itself says of a request that failed, which the request log has already.
_FAILED_LOAD = r"Failed to load resource: .*|Refused to execute script from .*"


class Word(NamedTuple):
    """Something that the console got.

    Attributes:
        level: `error`, `warning`, ..., or `uncaught` for an exception that nobody caught.
        text: what it says; of an exception with its stack.
        source: the address of the script, or of the resource that did not load.
    """

    level: str
    text: str
    source: str

    def __str__(self) -> str:
        return f"{self.level}: {' '.join(self.text.split())[:240]} ({self.source})"


CONSOLE = (
    Excuse(
        r".*/static/notebook/notebook_core\.\w+\.js",
        r"^TypeError: Cannot read properties of undefined \(reading 'schema'\)",
        "Notebook 7.6 adds up shortcuts when settings arrive, also of plugins that it left out",
    ),
    Excuse(
        r".*/static/notebook/notebook_core\.\w+\.js",
        r"^Error: Command 'filebrowser:open-path' not registered\.",
        "Notebook 7.6 restores JupyterLab's file browser, which its notebook page does not have",
    ),
    Excuse(
        r".*/static/nbclassic/notebook/js/main\.min\.js",
        r"^Exception in event handler for spec_changed\.Kernel SessionAlreadyStarting",
        "classic, for a notebook that names no kernel (jupyter/notebook #5183); one starts",
    ),
    Excuse(
        r".*/proxy/\d+/",
        r"^Executing inline event handler violates the following Content Security Policy",
        "its page has a button with an onclick (toast), which its own policy forbids",
        releases="==2.1.*",
    ),
)


def complaints(
    words: Iterable[Word], prefix: str, release: str, *, jupyter: bool = True
) -> Iterator[str]:
    """Errors and uncaught exceptions that no excuse covers.

    Args:
        words: all that the console got.
        prefix: the address below which the frame finds TensorBoard.
        release: of TensorBoard.
        jupyter: whether Jupyter's own complaints count too, see `traffic.failed`.
    """
    for word in words:
        if word.level not in {"error", "uncaught"} or _excused(word, release):
            continue
        if jupyter or prefix in word.source or prefix in word.text:
            yield str(word)


def _excused(word: Word, release: str) -> bool:
    path = urlsplit(word.source).path
    if re.fullmatch(_FAILED_LOAD, word.text, re.DOTALL):
        named = re.search(r"from '([^']+)'", word.text)
        asked = urlsplit(named[1]).path if named else path
        return any(re.fullmatch(known.url, asked) for known in REQUESTS)
    return any(
        re.fullmatch(known.url, path) and known.text and re.search(known.text, word.text)
        for known in CONSOLE
        if SpecifierSet(known.releases).contains(release, prereleases=True)
    )
