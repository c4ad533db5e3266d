"""Check any wheel against its stock wheel and what its provenance claims."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from packaging.version import InvalidVersion, Version

from builder.checks import run_checks
from builder.checks.wheel_under_check import WheelUnderCheck
from builder.errors import BuilderError, IndexLookupError, ProvenanceError, WheelError
from builder.patching.delta import make_delta
from builder.provenance import claims
from builder.provenance.statements import collect_tool_materials, get_provenance_path
from builder.system.input_files import MAX_WHEEL, read_input_file
from builder.verify import deep
from builder.verify.claimed_commits import pick_claimed_commits
from builder.verify.second_reader import check_with_wheel_library
from builder.verify.writing import is_claimed_overlay, judge_writing
from builder.wheel import archive, names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from builder.context import RunContext
    from builder.model import Delta, Finding, Release
    from builder.patching.series import Series
    from builder.provenance.claims import Claim, ClaimedPicks
    from builder.verify.sources import WheelSources
    from builder.wheel.archive import Archive


class CheckVerdict(msgspec.Struct, frozen=True):
    """The verdict on a wheel.

    Attributes:
        findings: all findings.
        notes: what was assumed, and what could not be obtained.
        other_tree: how the tree of this tool that is claimed to have made it differs from this one,
            or None.
        commit: the commit of this tool that is claimed to have made it, or None.
        claimed_overlay: whether an overlay is claimed to have made it, so that D709 was checked.
    """

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    other_tree: str | None = None
    commit: str | None = None
    claimed_overlay: bool = False


def check_wheel(
    wheel: Path,
    sources: WheelSources,
    context: RunContext,
    *,
    stock: Path | None,
    series: Sequence[str] | None,
    default_series: Sequence[str],
    run_deep: bool,
) -> CheckVerdict:
    """Check a wheel from its bytes on disk.

    Args:
        wheel: the file.
        sources: what it may be made from.
        context: the context of the run.
        stock: the stock wheel's file; None to find it by the version.
        series: the series that it should have; None to take them from the provenance next to it.
        default_series: the series to assume if there is no provenance either.
        run_deep: also install and start it.

    Raises:
        WheelError: one of the files cannot be read as a wheel at all.
        RequestError: a series does not exist.
        ProvenanceError: its provenance statement is malformed or cannot be read.
    """
    content = read_wheel(wheel)
    wheel_archive = archive.parse_archive(content, wheel.name)
    notes: list[str] = []
    release = _find_release(wheel.name, sources)
    stock_wheel = _load_stock_wheel(stock, release, sources, notes)
    claim = read_claim(wheel) if series is None else None
    names = default_series if series is None else series
    if claim is not None:
        names = claim.series
    elif series is None:
        notes.append(f"no provenance beside it: assumed the series {', '.join(names)}")
    picks = None if claim is None else claim.picks
    expected = _make_expected_delta(stock_wheel, release, names, picks, sources, notes)
    wheel_under_check = WheelUnderCheck(
        filename=wheel.name,
        archive=wheel_archive,
        stock=None if stock_wheel is None else stock_wheel.archive,
        delta=None if expected is None else expected.delta,
    )
    findings = run_checks(wheel_under_check, None if stock_wheel is None else stock_wheel.filename)
    whole = deep.WheelBytes(wheel.name, content)
    whole_stock = stock_wheel and deep.WheelBytes(stock_wheel.filename, stock_wheel.archive.data)
    findings += check_with_wheel_library(whole, findings)
    writing = judge_writing(wheel_under_check, release, claim, findings)
    findings += writing.findings
    notes += writing.notes
    if run_deep:
        findings += deep.check_behaviour(whole, whole_stock, release, context)
    # A statement changes no finding; it only tells where to look for the reason.
    other_tree = (
        None if claim is None or expected is None else claim.describe_other_tree(expected.tool)
    )
    commit = None if claim is None else claim.commit
    return CheckVerdict(
        tuple(findings), tuple(notes), other_tree, commit, is_claimed_overlay(claim)
    )


def read_claim(wheel: Path) -> Claim | None:
    """Read what the statement next to a wheel claims; None if there is no statement.

    Raises:
        ProvenanceError: there is one, and it is malformed or cannot be read.
    """
    provenance_path = get_provenance_path(wheel)
    try:
        return claims.parse_statement(provenance_path.read_bytes(), provenance_path.name)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ProvenanceError(
            f"{provenance_path} cannot be read: {error.strerror}", "build the wheel again"
        ) from error


def read_wheel(path: Path) -> bytes:
    """Read a wheel's bytes.

    Raises:
        WheelError: the file cannot be read.
    """
    try:
        return read_input_file(path, MAX_WHEEL)
    except OSError as error:
        raise WheelError(f"{path} cannot be read: {error.strerror}", "name a wheel file") from error


def load_claimed_series(
    names: Sequence[str],
    picks: ClaimedPicks | None,
    sources: WheelSources,
    release: Release,
    stock: Archive,
) -> list[Series]:
    """Load what a wheel is claimed to be made with: the commits, picked again, and the series.

    Raises:
        ProvenanceError: the commits are claimed to be of somebody whom the user did not name, or
            are not whose the statement says.
        PatchError: a series cannot be read, or a commit does not apply to the release.
        RequestError: a series has an invalid name.
        SourceError: a commit is of nobody who was named, or cannot be fetched.
    """
    series = sources.load_series(names)
    if picks is None:
        return series
    return [pick_claimed_commits(picks, sources.upstream, release, stock), *series]


def _find_release(filename: str, sources: WheelSources) -> Release | None:
    try:
        version = Version(names.parse_wheel_filename(filename).version)
    except (WheelError, InvalidVersion):
        return None
    return sources.releases.catalog.find_release(version.public)


class _StockWheel(NamedTuple):
    """The stock wheel that the checked wheel is compared with."""

    filename: str
    archive: Archive


class _ExpectedDelta(NamedTuple):
    """The Delta that this tree makes of a stock wheel, and the tool's files that decide it."""

    delta: Delta
    tool: dict[str, str]


def _make_expected_delta(
    stock_wheel: _StockWheel | None,
    release: Release | None,
    series: Sequence[str],
    picks: ClaimedPicks | None,
    sources: WheelSources,
    notes: list[str],
) -> _ExpectedDelta | None:
    if stock_wheel is None or release is None:
        return None
    try:
        all_series = load_claimed_series(series, picks, sources, release, stock_wheel.archive)
        delta = make_delta(release, stock_wheel.archive, all_series)
    except BuilderError as error:
        notes.append(f"what the patches make of it is unknown: {error.message}")
        return None
    return _ExpectedDelta(delta, collect_tool_materials(delta, all_series))


def _load_stock_wheel(
    given: Path | None, release: Release | None, sources: WheelSources, notes: list[str]
) -> _StockWheel | None:
    if given is not None:
        content = read_wheel(given)
        if release is None:
            notes.append("its version is not in the catalog, so its patches are unknown")
        elif hashlib.sha256(content).hexdigest() != release.wheel.sha256:
            notes.append(f"{given.name} is not the stock wheel that the catalog pins")
        return _StockWheel(given.name, archive.parse_archive(content, given.name))
    if release is None:
        notes.append("its version is not in the catalog: there is no stock wheel to compare with")
        return None
    try:
        content = sources.releases.fetch_stock_wheel(release).content
    except IndexLookupError as error:
        notes.append(f"the stock wheel is not at hand: {error.message}")
        return None
    name = release.wheel.filename
    return _StockWheel(name, archive.parse_archive(content, name))
