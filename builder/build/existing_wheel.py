"""Found: the wheel in the output directory, if it is the one that was asked for, or a new one."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from builder.build.release import build_release
from builder.errors import RequestError
from builder.patching.identity import make_wheel_name
from builder.verify.check import read_claim, read_wheel
from builder.wheel.names import parse_wheel_filename

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from builder.build.release import BuildOptions
    from builder.context import RunContext
    from builder.model import Identity, Release
    from builder.verify.sources import WheelSources


def find_or_build_wheel(
    release: Release,
    identity: Identity,
    options: BuildOptions,
    sources: WheelSources,
    context: RunContext,
    spare: Path | None = None,
) -> Path:
    """The wheel in the output directory; it is built where it is missing.

    All series give the same file name. One that was made with others than the defaults is taken,
    with a notice; where the user named the series, it is refused, and so is one of which nothing
    says what it was made with.

    Args:
        release: what it is made from.
        identity: what it is called.
        options: how to build, and the output directory.
        sources: what it is built from.
        context: of the run.
        spare: where a missing one goes instead of the output directory, or None.

    Raises:
        RequestError: the one that is there was not made with the series that the user named.
        BuilderError: it does not build.
    """
    wheel = (
        options.output
        / make_wheel_name(identity, parse_wheel_filename(release.wheel.filename).tag).filename
    )
    if not wheel.is_file():
        context.console.print_note(f"{wheel} is not there: building it")
        options = options if spare is None else replace(options, output=spare)
        return build_release(
            release, sources.load_series(options.series), options, sources, context
        ).path
    made, asked = _read_claimed_series(wheel), _describe_series(options.series)
    if made == asked or (made is None and not options.named):
        return wheel
    message = (
        f"{wheel} was built with {made}, not with {asked}"
        if made
        else f"{wheel} has nothing beside it that says what it was built with"
    )
    if options.named:
        words = ",".join(options.series) or "none"
        raise RequestError(
            message,
            f"`nox -s build -- {release.version} --series {words} --force` and the same identity "
            "build it again; without --series it is taken as it is",
        )
    context.console.print_note(message)
    return wheel


def _read_claimed_series(wheel: Path) -> str | None:
    """What the statement beside it says, or None where there is none of this very wheel."""
    claim = read_claim(wheel)
    if claim is None or claim.sha256 != hashlib.sha256(read_wheel(wheel)).hexdigest():
        return None
    return _describe_series(claim.series) + (" and picked commits" if claim.picks else "")


def _describe_series(series: Sequence[str]) -> str:
    return f"the series {', '.join(series)}" if series else "no series"
