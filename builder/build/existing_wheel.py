"""Reuse the wheel in the output directory if it is the requested one, or build it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from msgspec.structs import replace

from builder.build.release import build_release
from builder.cherrypick.picker import find_commits
from builder.errors import RequestError
from builder.patching.identity import make_wheel_name
from builder.provenance.claims import describe_patches, parse_statement
from builder.provenance.statements import get_provenance_path
from builder.verify.statement_file import read_statement_bytes
from builder.verify.wheel_file import read_wheel
from builder.wheel.names import parse_wheel_filename

if TYPE_CHECKING:
    from pathlib import Path

    from builder.build.release import BuildOptions
    from builder.context import RunContext
    from builder.model import Release
    from builder.verify.sources import WheelSources


def find_or_build_wheel(
    release: Release,
    options: BuildOptions,
    sources: WheelSources,
    context: RunContext,
    fallback_output: Path | None = None,
) -> Path:
    """Reuse a matching wheel from the output directory, or build it.

    Wheels with different series or commits have the same file name, so the wheel's statement is
    read. If it names other series than the defaults, or commits, the wheel is used, with a notice.
    If the user named series or commits, such a wheel is refused, and so is one without a statement.

    Args:
        release: the release of the wheel.
        options: the options of the build, with the identity and the output directory.
        sources: the stock wheel, series and commits for a build.
        context: the context of the run.
        fallback_output: another output directory for a wheel that has to be built, or None.

    Returns:
        The path of the wheel.

    Raises:
        RequestError: the existing wheel was not made with what the user named.
        SourceError: a commit to pick is of nobody who was named.
        BuilderError: the build failed.
    """
    identity = options.naming.make_identity(release.version)
    wheel = (
        options.output
        / make_wheel_name(identity, parse_wheel_filename(release.wheel.filename).tag).filename
    )
    if not wheel.is_file():
        context.console.print_note(f"{wheel} is not there: building it")
        options = options if fallback_output is None else replace(options, output=fallback_output)
        return build_release(release, options, sources, context).path
    commits = find_commits(options.picks, sources.upstream)
    claimed, requested = _read_claimed_patches(wheel), describe_patches(options.series, commits)
    if claimed == requested or (claimed is None and not options.has_chosen_series):
        return wheel
    message = (
        f"{wheel} was built with {claimed}, not with {requested}"
        if claimed
        else f"{wheel} has nothing beside it that says what it was built with"
    )
    if options.has_chosen_series:
        words = " ".join(
            [
                *(f"--cherry-pick {c}" for c in commits),
                f"--series {','.join(options.series) or 'none'}",
            ]
        )
        raise RequestError(
            message,
            f"`nox -s build -- {release.version} {words} --force` and the same identity build it "
            "again",
        )
    context.console.print_note(message)
    return wheel


def _read_claimed_patches(wheel: Path) -> str | None:
    """Read what the wheel's statement says; None if it has none with the wheel's sha256."""
    content = read_statement_bytes(wheel)
    if content is None:
        return None
    claim = parse_statement(content, get_provenance_path(wheel).name)
    if claim.sha256 != hashlib.sha256(read_wheel(wheel)).hexdigest():
        return None
    return claim.describe_patches()
