"""Find the releases that are requested as `2.2.1`, `all`, `latest` or `'>=1.13,<2.3'`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from builder.errors import RequestError
from builder.model import FIRST_RELEASE, FIRST_RUNNABLE_RELEASE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.model import Release
    from builder.releases.catalog import Catalog


class RequestedReleases(NamedTuple):
    """The requested releases.

    Attributes:
        releases: those that the catalog has, oldest first, each once.
        unknown: exact versions that the catalog does not have and the index may.
    """

    releases: tuple[Release, ...]
    unknown: tuple[str, ...]


def parse_release_request(words: Sequence[str], catalog: Catalog) -> RequestedReleases:
    """Find the releases that words on the command line stand for.

    Raises:
        RequestError: no words, a word that is neither version nor specifier, a version below the
            first release, or a specifier that matches nothing.
    """
    if not words:
        raise RequestError("no release was named", "name one, such as 2.2.1, or latest, or all")
    chosen: dict[str, Release] = {}
    unknown: dict[str, None] = {}
    for word in words:
        releases = _find_releases(word, catalog)
        if releases is None:
            unknown[str(Version(word))] = None
        else:
            chosen |= {r.version: r for r in releases}
    ordered = sorted(chosen.values(), key=lambda r: Version(r.version))
    return RequestedReleases(tuple(ordered), tuple(unknown))


def select_runnable_releases(releases: Sequence[Release], otherwise: str) -> list[Release]:
    """Select the releases that can start with today's dependencies.

    Args:
        releases: all requested releases.
        otherwise: the hint for the error, if none of them can.

    Raises:
        RequestError: none of them can.
    """
    able = [r for r in releases if Version(r.version) >= Version(FIRST_RUNNABLE_RELEASE)]
    if not able:
        raise RequestError(
            "1.13.x imports the TensorFlow of its time when it starts and stays out", otherwise
        )
    return able


def make_unknown_release_error(version: str, catalog: Catalog) -> RequestError:
    """Make the error for a version that neither catalog nor index has; it names the nearest."""
    wanted = Version(version)
    nearest = min(catalog.versions, key=lambda known: _compute_distance(wanted, Version(known)))
    return RequestError(
        f"{version}: no such release; nearest {nearest}",
        "`nox -s plan -- all` lists every release",
    )


def _find_releases(word: str, catalog: Catalog) -> list[Release] | None:
    if word == "all":
        return list(catalog.releases)
    if word == "latest":
        return [catalog.latest_release]
    if not word.strip():
        raise RequestError(
            "an empty word is no release", "name one, such as 2.2.1, or latest, or all"
        )
    try:
        version = Version(word)
    except InvalidVersion:
        return _match_specifier(word, catalog)
    if version < Version(FIRST_RELEASE):
        raise RequestError(
            f"{word} is below {FIRST_RELEASE}, the first release that has a notebook extension",
            f"choose {FIRST_RELEASE} or later",
        )
    found = catalog.find_release(word)
    return None if found is None else [found]


def _match_specifier(word: str, catalog: Catalog) -> list[Release]:
    try:
        specifier = SpecifierSet(word)
    except InvalidSpecifier as error:
        raise RequestError(
            f"{word!r} is neither a version nor a specifier",
            "write 2.2.1, '>=1.13,<2.3' (in quotes), latest or all",
        ) from error
    matches = [r for r in catalog.releases if specifier.contains(r.version, prereleases=True)]
    if not matches:
        raise RequestError(
            f"{word!r} matches no release",
            f"the catalog has {catalog.versions[0]} to {catalog.versions[-1]}",
        )
    return matches


def _compute_distance(wanted: Version, known: Version) -> tuple[int, ...]:
    """Compute the distance of two versions, component by component.

    The first component that differs decides: 2.2.9 is nearer to 2.2.2 than to 2.3.0.
    """
    pairs = zip((*wanted.release, 0, 0, 0)[:4], (*known.release, 0, 0, 0)[:4], strict=True)
    return tuple(abs(a - b) for a, b in pairs)
