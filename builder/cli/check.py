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
    NewFindingsError,
    RequestError,
    UncheckedError,
)
from builder.model import FindingStatus
from builder.verify.check import check_wheel, read_claim
from builder.verify.rebuild import make_other_tree_hint, verify_attestations, verify_provenance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from builder.model import Finding
    from builder.system.console import Console
    from builder.verify.check import CheckVerdict
    from builder.verify.sources import WheelSources

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
    help="What was applied; `none` for nothing. Default: its provenance's, else pyproject.toml's.",
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
    for wheel in wheels:
        try:
            # A wheel that nobody can verify is checked here too, before its error is raised.
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
            try:
                _report_findings(wheel, checked, context.console, deep=deep)
            except UncheckedError:
                if unverified is None:
                    raise
            if unverified is not None:
                raise unverified
        except BuilderError as error:
            if len(wheels) == 1:
                raise
            context.console.print_error(error.message, error.hint)
            failures.append(error)
    return max((f.exit_code for f in failures), default=0)


def _verify_provenance(
    wheel: Path,
    publisher: str | None,
    commits: Sequence[str],
    sources: WheelSources,
    console: Console,
) -> UncheckedError | None:
    """Verify a wheel's provenance and attestations, after printing what the statement claims.

    Returns:
        None, or the error where it could not be verified and nothing was found against it.

    Raises:
        ProvenanceError: the provenance or an attestation does not hold.
    """
    claim = read_claim(wheel)
    if claim is not None:
        console.print_result(f"{wheel.name}: said to be {claim.describe()}")
    try:
        verified = verify_provenance(wheel, sources, commits)
    except UncheckedError as error:
        return error
    verified += verify_attestations(wheel, publisher) or ["no attestation beside it"]
    console.print_result(f"{wheel.name}: provenance holds: {'; '.join(verified)}")
    return None


def _report_findings(wheel: Path, checked: CheckVerdict, console: Console, *, deep: bool) -> None:
    for note in checked.notes:
        console.print_note(f"{wheel.name}: {note}")
    codes = {*STATIC_CODES, *READER_CODES, *(DEEP_CODES if deep else ())}
    codes |= {*WRITING_CODES} if checked.claimed_overlay else set()
    count = {s: _list_codes(checked.findings, s) for s in FindingStatus}
    passed = len(codes - {f.code for f in checked.findings})
    console.print_result(
        f"{wheel.name}: {passed} checks passed, {len(count[FindingStatus.NEW])} failed, "
        f"{len(count[FindingStatus.INHERITED])} inherited, "
        f"{len(count[FindingStatus.UNCHECKED])} unchecked"
    )
    for finding in checked.findings:
        console.print_result(f"  {format_finding(finding)}")
    if count[FindingStatus.NEW]:
        failed = ", ".join(sorted(count[FindingStatus.NEW]))
        if checked.other_tree is not None:
            raise NewFindingsError(
                f"{wheel.name} is not what this tree makes ({failed}); by its statement another "
                f"one made it: {checked.other_tree}",
                make_other_tree_hint(checked.commit),
            )
        raise NewFindingsError(f"{wheel.name} fails {failed}", "do not publish it; build it again")
    if count[FindingStatus.UNCHECKED]:
        raise UncheckedError(
            f"{wheel.name}: {len(count[FindingStatus.UNCHECKED])} checks could not be decided",
            "give it what is missing (--stock, or the network), as the notes say",
        )


def _list_codes(findings: Sequence[Finding], status: FindingStatus) -> set[str]:
    return {f.code for f in findings if f.status is status}
