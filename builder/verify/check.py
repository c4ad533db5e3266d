"""Check any wheel against its stock wheel and what its provenance claims."""

from __future__ import annotations

import hashlib
import shlex
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from packaging.version import InvalidVersion, Version

from builder.checks import run_checks
from builder.checks.wheel_under_check import WheelUnderCheck
from builder.errors import IndexLookupError, ProvenanceError, WheelError
from builder.model import Finding, FindingStatus
from builder.provenance.claims import describe_series
from builder.verify import deep
from builder.verify.expected import PatchedRelease, choose_expected_delta
from builder.verify.second_reader import check_with_wheel_library
from builder.verify.wheel_file import read_wheel
from builder.verify.writing import is_claimed_overlay, judge_writing
from builder.wheel import archive, names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from builder.context import RunContext
    from builder.model import Release
    from builder.verify.sources import WheelSources
    from builder.verify.wheel_file import WheelFile
    from builder.wheel.archive import Archive


_COMMITS_HINT = "say whose they are, as the notes say"


class CheckVerdict(msgspec.Struct, frozen=True):
    """The verdict on a wheel.

    Attributes:
        findings: all findings.
        notes: what was assumed, and what could not be obtained.
        other_tree: how the tree of this tool that is claimed to have made it differs from this one,
            or None.
        commit: the commit of this tool that is claimed to have made it, or None.
        claimed_overlay: whether an overlay is claimed to have made it, so that D709 was checked.
        refusal: why the statement beside it was not used, or None.
        claimed_series: the series that its statement names, where these are not the ones that it
            was compared with and there are no commits; else None.
        claimed_commits: the full ids of the cherry-picked commits that its statement names.
    """

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    other_tree: str | None = None
    commit: str | None = None
    claimed_overlay: bool = False
    refusal: ProvenanceError | None = None
    claimed_series: tuple[str, ...] | None = None
    claimed_commits: tuple[str, ...] = ()

    def list_codes(self, status: FindingStatus) -> list[str]:
        """List the codes of the findings with this status, sorted, each once."""
        return sorted({f.code for f in self.findings if f.status is status})

    def make_hint(self) -> str:
        """Make the hint for a wheel with new findings."""
        hint = "do not publish it; build it again"
        if self.claimed_commits:
            return f"{hint}; if it should have the commits of its provenance: {_COMMITS_HINT}"
        if self.claimed_series is None:
            return hint
        named = shlex.quote(",".join(self.claimed_series) or "none")
        return f"{hint}; if it should have what its provenance says: --series {named}"


def check_wheel(
    wheel: WheelFile,
    sources: WheelSources,
    context: RunContext,
    *,
    stock: Path | None,
    series: Sequence[str] | None,
    default_series: Sequence[str],
    run_deep: bool,
) -> CheckVerdict:
    """Check a wheel by its bytes.

    A statement beside the wheel changes no finding to the better: its series are not used, nor is
    anything of a statement that speaks of another file.

    Args:
        wheel: the wheel, and the statement beside it.
        sources: what it may be made from.
        context: the context of the run.
        stock: the stock wheel's file; None to find it by the version.
        series: the series that it should have; None for the defaults, or the commits that the
            provenance next to it claims.
        default_series: the default series.
        run_deep: also install and start it.

    Raises:
        WheelError: one of the files cannot be read as a wheel at all.
        RequestError: a series does not exist.
    """
    wheel_archive = archive.parse_archive(wheel.content, wheel.name)
    notes: list[str] = []
    release = find_release(wheel.name, sources)
    stock_wheel = _load_stock_wheel(stock, release, sources, notes)
    claim = None if wheel.statement is None else wheel.statement.claim
    asked = default_series if series is None else series
    if series is None and claim is None and wheel.refusal is None:
        notes.append(f"no provenance beside it: assumed {describe_series(asked)}")
    expected = None
    if stock_wheel is not None and release is not None:
        patched = PatchedRelease(stock_wheel.archive, release, sources, notes)
        expected = choose_expected_delta(patched, claim if series is None else None, asked)
    wheel_under_check = WheelUnderCheck(
        filename=wheel.name,
        archive=wheel_archive,
        stock=None if stock_wheel is None else stock_wheel.archive,
        delta=None if expected is None else expected.delta,
    )
    findings = run_checks(wheel_under_check, None if stock_wheel is None else stock_wheel.filename)
    if stock is not None and stock_wheel is not None and release is not None:
        findings += _check_given_stock(stock_wheel, release)
    whole = deep.WheelBytes(wheel.name, wheel.content)
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
    return CheckVerdict(
        findings=tuple(findings),
        notes=tuple(notes),
        other_tree=other_tree,
        commit=None if claim is None else claim.commit,
        claimed_overlay=is_claimed_overlay(claim),
        refusal=wheel.refusal,
        claimed_series=None
        if claim is None or claim.picks is not None or claim.series == tuple(asked)
        else claim.series,
        claimed_commits=() if claim is None or claim.picks is None else claim.picks.commits,
    )


def _check_given_stock(stock: _StockWheel, release: Release) -> list[Finding]:
    sha256 = hashlib.sha256(stock.archive.data).hexdigest()
    if sha256 == release.wheel.sha256:
        return []
    return [Finding("D708", stock.filename, f"its sha256 is {sha256}")]


def find_release(filename: str, sources: WheelSources) -> Release | None:
    """Find the release of the catalog that a wheel is named after, or None."""
    try:
        version = Version(names.parse_wheel_filename(filename).version)
    except (WheelError, InvalidVersion):
        return None
    return sources.releases.catalog.find_release(version.public)


class _StockWheel(NamedTuple):
    """The stock wheel that the checked wheel is compared with."""

    filename: str
    archive: Archive


def _load_stock_wheel(
    given: Path | None, release: Release | None, sources: WheelSources, notes: list[str]
) -> _StockWheel | None:
    if given is not None:
        content = read_wheel(given)
        if release is None:
            notes.append("its version is not in the catalog, so its patches are unknown")
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
