"""Each release's own era: the Python and the date at which its stock wheel is known to work.

Measured: stock wheels with the dependencies of their upload date plus seven days start and serve on
these Pythons, 1.13.x with the TensorFlow of its time, which it imports when it starts.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from packaging.specifiers import SpecifierSet

from builder.errors import IndexLookupError, shorten_reason

if TYPE_CHECKING:
    from builder.model import Release

_GRACE = timedelta(days=7)
_PYTHONS = (
    ("<2.4", "3.7"),
    (">=2.4,<2.8", "3.8"),
    (">=2.8,<2.12", "3.9"),
    (">=2.12,<2.15", "3.10"),
    (">=2.15", "3.11"),
)


class Era(NamedTuple):
    """The Python and the date with which a release's stock wheel is known to work.

    Attributes:
        python: the version of Python, such as `3.7`.
        until: RFC 3339 date before which dependencies were uploaded.
        first: requirements that must be installed before TensorBoard.
    """

    python: str
    until: str
    first: tuple[str, ...]


def get_era(release: Release) -> Era:
    """Get the era of a release: its own Python, and its upload date plus seven days.

    Raises:
        IndexLookupError: its upload time is malformed, or unknown (from an index with HTML only).
    """
    if not release.wheel.upload_time:
        raise IndexLookupError(
            f"it is not known when {release.wheel.filename} was uploaded",
            "refresh the catalog from an index that says (PEP 700)",
        )
    try:
        uploaded = datetime.fromisoformat(release.wheel.upload_time.replace("Z", "+00:00"))
        until = (uploaded + _GRACE).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError) as error:
        raise IndexLookupError(
            f"{release.wheel.filename} has an upload time that is none: {shorten_reason(error)}",
            "refresh the catalog from another index",
        ) from error
    python = next(p for spec, p in _PYTHONS if SpecifierSet(spec).contains(release.version, True))
    first = ("tensorflow==1.13.1",) if SpecifierSet("<1.14").contains(release.version) else ()
    return Era(python, until, first)
