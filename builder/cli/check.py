"""The verb `check`: check any wheel by its bytes on disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.checks.table import DEEP_CODES, READER_CODES, STATIC_CODES, WRITING_CODES
from builder.cherrypick.picker import find_commits
from builder.cli.contexts import (
    make_context,
    make_sources,
    read_project_defaults,
    split_picks,
    split_series,
)
from builder.cli.options import (
    CommonOptions,
    UpstreamOptions,
    common_options,
    python_path_option,
    source_options,
)
from builder.cli.output import format_finding
from builder.errors import (
    BuilderError,
    InterruptedRunError,
    NewFindingsError,
    ProvenanceError,
    RequestError,
    UncheckedError,
)
from builder.model import FindingStatus
from builder.verify.check import check_wheel
from builder.verify.claimed_commits import make_commits_error
from builder.verify.rebuild import make_other_tree_hint, verify_attestations, verify_provenance
from builder.verify.wheel_file import read_wheel_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.system.console import Console
    from builder.verify.check import CheckVerdict
    from builder.verify.sources import WheelSources
    from builder.verify.wheel_file import WheelFile

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("wheels", nargs=-1, required=True, type=_FILE, metavar="WHEEL...")
@click.option("--stock", type=_FILE, help="The stock wheel. Default: found by the version.")
@click.option("--provenance", is_flag=True, help="Verify the statement beside it, with a rebuild.")
@click.option(
    "--publisher",
    metavar="OWNER/REPO",
    help="The GitHub repository that must have attested it; with --provenance.",
)
@click.option("--deep", is_flag=True, help="Also install and start it in its release's own era.")
@click.option(
    "--series",
    multiple=True,
    metavar="NAME[,NAME]",
    help="What was applied; `none` for nothing. Default: the series of pyproject.toml.",
)
@python_path_option
@click.option(
    "--cherry-pick",
    "picks",
    multiple=True,
    metavar="COMMIT[,COMMIT]",
    help="The commits that you want in it, in this order; with --provenance.",
)
@source_options
@common_options
def check(
    wheels: Sequence[Path],
    stock: Path | None,
    provenance: bool,
    publisher: str | None,
    deep: bool,
    series: tuple[str, ...],
    picks: tuple[str, ...],
    common: CommonOptions,
    upstream: UpstreamOptions,
    python_paths: tuple[Path, ...],
) -> int:
    """Check wheels: zip, names, RECORD, METADATA, WHEEL, content, difference from stock."""
    if publisher is not None and not provenance:
        raise RequestError("--publisher goes with --provenance", "add --provenance")
    if picks and not provenance:
        raise RequestError("--cherry-pick goes with --provenance", "add --provenance")
    revisions = split_picks(picks)
    context = make_context(offline=common.offline, python_paths=python_paths)
    sources = make_sources(common, context, upstream)
    defaults = read_project_defaults()
    chosen_series = split_series(series, defaults) if series else None
    commits = find_commits(revisions, sources.upstream)
    failures: list[BuilderError] = []
    for path in wheels:
        try:
            wheel = read_wheel_file(path)
            # Whatever the statement says, the wheel is checked before an error about it is raised.
            unverified = (
                _verify_provenance(wheel, publisher, commits, sources, context.console)
                if provenance
                else None
            )
            checked = check_wheel(
                wheel,
                sources,
                context,
                stock=stock,
                series=chosen_series,
                default_series=defaults.series,
                run_deep=deep,
            )
            _print_findings(wheel.name, checked, context.console, deep=deep)
            _raise_worst(wheel, checked, unverified, commits, context.console)
        except BuilderError as error:
            if len(wheels) == 1:
                raise
            context.console.print_error(error.message, error.hint)
            failures.append(error)
    return max(failures, key=_rank_error).exit_code if failures else 0


def _rank_error(error: BuilderError) -> tuple[bool, bool, bool, int]:
    """Rank errors of several wheels: findings win, and what is unchecked hides no failure."""
    return (
        isinstance(error, NewFindingsError),
        isinstance(error, ProvenanceError),
        not isinstance(error, UncheckedError),
        error.exit_code,
    )


def _verify_provenance(
    wheel: WheelFile,
    publisher: str | None,
    commits: Sequence[str],
    sources: WheelSources,
    console: Console,
) -> BuilderError | None:
    """Verify a wheel's provenance and attestations, after printing what the statement claims.

    Returns:
        Why that failed, or None.
    """
    try:
        if wheel.statement is not None:
            console.print_result(f"{wheel.name}: said to be {wheel.statement.claim.describe()}")
        provenance = verify_provenance(wheel, sources, commits)
        verified = provenance.verified + (
            verify_attestations(wheel, publisher) or ["no attestation beside it"]
        )
    except InterruptedRunError:
        raise
    except BuilderError as error:
        return error
    console.print_result(f"{wheel.name}: provenance holds: {'; '.join(verified)}")
    if provenance.unverified:
        console.print_result(f"{wheel.name}: not verified: {'; '.join(provenance.unverified)}")
    return None


def _print_findings(name: str, checked: CheckVerdict, console: Console, *, deep: bool) -> None:
    for note in checked.notes:
        console.print_note(f"{name}: {note}")
    codes = {*STATIC_CODES, *READER_CODES, *(DEEP_CODES if deep else ())}
    codes |= {*WRITING_CODES} if checked.claimed_overlay else set()
    passed = len(codes - {f.code for f in checked.findings})
    console.print_result(
        f"{name}: {passed} checks passed, "
        f"{len(checked.list_codes(FindingStatus.NEW))} failed, "
        f"{len(checked.list_codes(FindingStatus.INHERITED))} inherited, "
        f"{len(checked.list_codes(FindingStatus.UNCHECKED))} unchecked"
    )
    for finding in checked.findings:
        console.print_result(f"  {format_finding(finding)}")


def _raise_worst(
    wheel: WheelFile,
    checked: CheckVerdict,
    unverified: BuilderError | None,
    commits: Sequence[str],
    console: Console,
) -> None:
    """Raise the worst of what was found; a statement cannot put anything before a new finding.

    Raises:
        NewFindingsError: there are findings that the stock wheel does not have.
        BuilderError: else, `unverified`, or else why the statement was refused.
        UncheckedError: else, something could not be decided, or it has commits that the user did
            not name.
    """
    new = checked.list_codes(FindingStatus.NEW)
    # With --provenance, both are about the same statement.
    statement_error = checked.refusal if unverified is None else unverified
    if new and statement_error is not None:
        console.print_note(f"{statement_error.message} ({statement_error.hint})")
    if new and checked.other_tree is not None:
        raise NewFindingsError(
            f"{wheel.name} is not what this tree makes ({', '.join(new)}); by its statement "
            f"another one made it: {checked.other_tree}",
            make_other_tree_hint(checked.commit),
        )
    if new:
        raise NewFindingsError(f"{wheel.name} fails {', '.join(new)}", checked.make_hint())
    if statement_error is not None:
        raise statement_error
    claimed = checked.claimed_commits
    if claimed != tuple(commits):
        raise make_commits_error(wheel.name, claimed, ", ".join(claimed))
    unchecked = checked.list_codes(FindingStatus.UNCHECKED)
    if unchecked:
        raise UncheckedError(
            f"{wheel.name}: {len(unchecked)} checks could not be decided",
            "give it what is missing (--stock, or the network), as the notes say",
        )
