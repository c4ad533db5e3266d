"""Build one release or many at once: fetch, patch, rename, check and write the wheel."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec

from builder.build.backends import Backend, WheelBuilder
from builder.build.output import Placement, place_wheel
from builder.checks import run_checks
from builder.checks.table import DEEP_CODES, STATIC_CODES
from builder.checks.wheel_under_check import WheelUnderCheck
from builder.errors import BuilderError, NewFindingsError
from builder.model import Finding, FindingStatus
from builder.provenance import statements
from builder.system.machine_errors import explain_unexpected_error
from builder.system.waiting import iterate_completed
from builder.wheel import archive

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from builder.bazel.backend import BazelBackend, SourceBuild
    from builder.build.equivalence import WheelComparison
    from builder.context import RunContext
    from builder.model import AppliedPatch, Identity, MetadataEdit, PickedCommits, Release
    from builder.patching.identity import WheelNaming
    from builder.patching.overlay import Overlay
    from builder.verify.sources import WheelSources


class BuildOptions(msgspec.Struct, frozen=True):
    """The user's options, the same for all releases of a run.

    Attributes:
        series: the names of the series to apply, in order.
        naming: the identity of the wheels.
        output: the output directory.
        force: whether a different wheel of the same name there is replaced.
        deep: whether the wheel is also installed and started.
        picks: commits to cherry-pick before the series are applied.
        backend: which backend makes the wheels.
        has_chosen_series: whether the user named the series; False if they are the defaults.
    """

    series: tuple[str, ...]
    naming: WheelNaming
    output: Path
    force: bool = False
    deep: bool = False
    picks: tuple[str, ...] = ()
    backend: Backend = Backend.OVERLAY
    has_chosen_series: bool = False


class BuiltRelease(msgspec.Struct, frozen=True):
    """The outcome for a release that was built.

    Attributes:
        changed: the members that patches changed.
        patches: the patches that were applied, in order.
        metadata: the edits of METADATA.
        native: the series whose behaviour upstream already has in this release.
        path: the path of the wheel.
        placement: what was done with it in the output directory.
        sha256: the sha256 of the wheel, in hex.
        cached: whether the stock wheel was in the cache.
        findings: what the checks found; none of them is new.
        checked: how many checks passed.
        size: the size of the wheel, in bytes.
        seconds: the duration of the build.
        picked: the cherry-picked commits, or None if none were asked for.
        source_build: the build from source, or None if there was none.
        comparison: the comparison of both backends' wheels, or None if only one built it.
    """

    release: Release
    changed: tuple[str, ...]
    patches: tuple[AppliedPatch, ...]
    metadata: tuple[MetadataEdit, ...]
    native: tuple[str, ...]
    identity: Identity
    path: Path
    placement: Placement
    sha256: str
    size: int
    cached: bool
    findings: tuple[Finding, ...]
    checked: int
    seconds: float
    picked: PickedCommits | None = None
    source_build: SourceBuild | None = None
    comparison: WheelComparison | None = None


class FailedRelease(msgspec.Struct, frozen=True):
    """A release whose build failed, and the error."""

    release: Release
    error: BuilderError


def build_release(
    release: Release,
    options: BuildOptions,
    sources: WheelSources,
    context: RunContext,
    wheel_builder: WheelBuilder | None = None,
) -> BuiltRelease:
    """Build one release into the output directory.

    Args:
        release: the release to build.
        options: the user's options.
        sources: has the stock wheel, and the series.
        context: the context of the run.
        wheel_builder: makes the final wheel; None for an overlay with the commits and the series
            of `options`.

    Raises:
        BuilderError: a stage failed, with the error of that stage; the output directory is
            unchanged.
    """
    started = time.perf_counter()
    context.check_cancelled()
    wheel_builder = wheel_builder or _make_wheel_builder(options, sources, None)
    identity = options.naming.make_identity(release.version)
    fetched = sources.releases.fetch_stock_wheel(release)
    final_wheel = wheel_builder.make_final_wheel(release, fetched.content, identity)
    overlay = final_wheel.overlay
    content = overlay.content
    sha256 = hashlib.sha256(content).hexdigest()
    findings = _check_final_wheel(
        overlay, content, fetched.content, release, context, run_deep=options.deep
    )
    codes = {*STATIC_CODES, *(DEEP_CODES if options.deep else ())}
    path = options.output / overlay.filename
    placement = place_wheel(
        path,
        [content],
        sha256,
        statements.make_statement(
            overlay.filename,
            sha256,
            release,
            overlay.delta,
            identity,
            series=final_wheel.series,
            run=final_wheel.to_provenance_run(
                sources.get_tool_commit(), context.settings.source_date_epoch
            ),
        ),
        force=options.force,
        check_cancelled=context.check_cancelled,
    )
    return BuiltRelease(
        release=release,
        changed=tuple(overlay.delta.changes),
        patches=overlay.delta.applied,
        metadata=overlay.delta.metadata,
        native=overlay.delta.native,
        identity=identity,
        path=path,
        placement=placement,
        sha256=sha256,
        size=len(content),
        cached=fetched.cached,
        findings=tuple(findings),
        checked=len(codes - {f.code for f in findings}),
        seconds=time.perf_counter() - started,
        picked=final_wheel.picked,
        source_build=final_wheel.source_build,
        comparison=final_wheel.comparison,
    )


def build_releases(
    releases: Sequence[Release],
    options: BuildOptions,
    sources: WheelSources,
    context: RunContext,
    *,
    jobs: int,
    report: Callable[[BuiltRelease | FailedRelease], None],
    bazel_backend: BazelBackend | None = None,
) -> list[BuiltRelease | FailedRelease]:
    """Build many releases at once; one that fails does not stop the others.

    Args:
        releases: the releases to build.
        options: the user's options.
        sources: has the stock wheels, the series and the commits to pick.
        context: the context of the run.
        jobs: how many releases to build at a time.
        report: called in this thread with the outcome of each release, as it finishes.
        bazel_backend: builds from source; required unless the backend is the overlay.

    Returns:
        One outcome for each release, in the order of `releases`.

    Raises:
        PatchError: a series cannot be read.
        SourceError: a commit to pick is not found.
        InterruptedRunError: Ctrl-C or SIGTERM; complete wheels stay, and none is half-written.
    """
    wheel_builder = _make_wheel_builder(options, sources, bazel_backend)
    outcomes: dict[str, BuiltRelease | FailedRelease] = {}
    # Threads suffice: inflating and hashing, nearly all of the work, release the GIL.
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        try:
            futures = {
                pool.submit(build_release, r, options, sources, context, wheel_builder): r
                for r in releases
            }
            for future in iterate_completed(futures):
                release = futures[future]
                try:
                    outcome: BuiltRelease | FailedRelease = future.result()
                except BuilderError as error:
                    outcome = FailedRelease(release, error)
                except Exception as error:
                    outcome = FailedRelease(release, explain_unexpected_error(error))
                outcomes[release.version] = outcome
                report(outcome)
        except BaseException:
            context.cancelled.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return [outcomes[r.version] for r in releases]


def _make_wheel_builder(
    options: BuildOptions, sources: WheelSources, bazel_backend: BazelBackend | None
) -> WheelBuilder:
    """Load the series and find the commits; see `WheelBuilder`.

    Raises:
        PatchError: a series cannot be read.
        SourceError: a commit to pick is not found.
    """
    all_series = sources.load_series(options.series)
    picker = None
    if options.picks:
        from builder.cherrypick.picker import make_cherry_picker

        picker = make_cherry_picker(options.picks, sources.upstream)
    cache = sources.releases.cache
    return WheelBuilder(options.backend, all_series, cache, picker, bazel_backend)


def _check_final_wheel(
    overlay: Overlay,
    content: bytes,
    stock: bytes,
    release: Release,
    context: RunContext,
    *,
    run_deep: bool,
) -> list[Finding]:
    """Check the final wheel and return all findings.

    Raises:
        NewFindingsError: there is a finding that the stock wheel does not have.
    """
    # The bytes are parsed again, so that the checks see exactly what is written to disk.
    parsed = archive.parse_archive(content, overlay.filename)
    wheel = WheelUnderCheck(overlay.filename, parsed, overlay.stock, overlay.delta)
    findings = run_checks(wheel, release.wheel.filename)
    if run_deep:
        from builder.verify import deep

        findings += deep.check_behaviour(
            deep.WheelBytes(overlay.filename, content),
            deep.WheelBytes(release.wheel.filename, stock),
            release,
            context,
        )
    _refuse_new_findings(overlay.filename, findings)
    return findings


def _refuse_new_findings(filename: str, findings: Sequence[Finding]) -> None:
    new = [f for f in findings if f.status is FindingStatus.NEW]
    if new:
        first = new[0]
        codes = ", ".join(sorted({f.code for f in new}))
        raise NewFindingsError(
            f"{filename} has {len(new)} new findings ({codes}); first {first.code} "
            f"{first.subject}: {first.detail}",
            "it did not reach the output directory; the stock wheel does not have this finding",
        )
