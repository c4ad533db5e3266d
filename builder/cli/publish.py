"""The verbs `publish` and `install-hint`: upload to an index, and install from it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
from msgspec.structs import replace

from builder.cli.contexts import (
    make_build_options,
    make_context,
    make_naming,
    make_releases,
    make_sources,
    read_project_defaults,
    require_extra,
    split_picks,
)
from builder.cli.options import (
    CatalogOptions,
    CommonOptions,
    IdentityOptions,
    NamingOptions,
    UpstreamOptions,
    catalog_options,
    combine_decorators,
    common_options,
    group_options,
    identity_options,
    naming_options,
    pick_option,
    python_path_option,
    series_option,
    source_options,
)
from builder.cli.publish_common import repository_options, require_libraries
from builder.errors import RequestError
from builder.publish.install_hint import format_install_commands
from builder.publish.releases import (
    PublishedRelease,
    PublishFailure,
    PublishOptions,
    publish_releases,
    refuse_names,
)
from builder.publish.target import REHEARSAL, TESTPYPI, get_testpypi_index, resolve_repository
from builder.publish.upload import RetryPolicy, UploadOutcome
from builder.system.pythons import check_python_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from builder.context import RunContext
    from builder.publish.target import PublishTarget
    from builder.publish.uploader import Uploader
    from builder.system.console import Console

_MIXED_ERRORS_EXIT = 1  # where releases failed with different exit codes
_REQUIRED_LIBRARIES = ("cyclonedx", "pypi_attestations", "pypiserver", "twine")
_REHEARSAL_NOTE = (
    "# the rehearsal index ended with this run; from a real one a user would take it so:"
)


class _TargetOptions(msgspec.Struct, frozen=True):
    """The options that say where wheels go."""

    repository: str | None
    index_url: str | None
    rehearsal: Path | None

    def check(self, *, offline: bool) -> None:
        """Check that the options go together.

        Raises:
            RequestError: they do not.
        """
        if self.repository is not None and self.rehearsal is not None:
            raise RequestError("--rehearsal and --repository exclude each other", "leave one out")
        if self.repository is None and self.index_url is not None:
            raise RequestError("--index-url belongs to a repository", "name it with --repository")
        if self.repository is not None and offline:
            raise RequestError("--offline and --repository exclude each other", "leave one out")


_target_options = group_options(
    "target_options",
    _TargetOptions,
    *repository_options,
    click.option(
        "--rehearsal",
        type=click.Path(path_type=Path, file_okay=False),
        help="Keep the files of the rehearsal index there. Default: gone with the run.",
    ),
)


@click.command()
@click.argument("releases", nargs=-1, metavar="RELEASE...")
@_target_options
@click.option("--dry-run", is_flag=True, help="Check and ask everything, send nothing.")
@click.option(
    "--upload/--no-upload",
    default=True,
    help="Send each, or wait until another run has; `upload` is one that does.",
)
@click.option("--attest", is_flag=True, help="Sign with the identity of this CI run (PEP 740).")
@click.option("--install/--no-install", default=True, help="Install each back, and start it.")
@click.option("--python", metavar="X.Y", help="The Python for that. Default: one it runs on.")
@click.option(
    "--wait",
    type=click.IntRange(min=0),
    default=round(RetryPolicy().total),
    metavar="SECONDS",
    show_default=True,
    help="How long the index may take to serve a file.",
)
@python_path_option
@series_option
@pick_option
@source_options
@identity_options
@common_options
def publish(
    releases: tuple[str, ...],
    wait: int,
    dry_run: bool,
    upload: bool,
    attest: bool,
    install: bool,
    python: str | None,
    series: tuple[str, ...],
    picks: tuple[str, ...],
    upstream: UpstreamOptions,
    target_options: _TargetOptions,
    common: CommonOptions,
    identity: IdentityOptions,
    python_paths: tuple[Path, ...],
) -> int:
    """Upload checked wheels, and prove that the index serves what was built.

    Without --repository they go to a rehearsal index, started on loopback by this run.
    """
    require_libraries(*_REQUIRED_LIBRARIES)
    target_options.check(offline=common.offline)
    if not upload and (target_options.repository is None or attest or dry_run):
        raise RequestError(
            "--no-upload waits for what another run sends to a repository",
            "name it with --repository; leave --attest and --dry-run out",
        )
    if python is not None:
        check_python_version(python)
    build = make_build_options(series, identity, picks=split_picks(picks, upstream))
    context = make_context(offline=common.offline, python_paths=python_paths)
    sources = make_sources(common, context, upstream, with_commit=True)
    wanted = sources.releases.find_requested(releases)
    with _open_publish_target(target_options, context) as (target, uploader):
        options = PublishOptions(
            build,
            target,
            replace(RetryPolicy(), total=wait),
            dry_run=dry_run,
            upload=upload,
            attest=attest,
            install=install,
            python=python,
        )
        refuse_names(options)
        console = context.console
        console.print_note(f"publishing to {target.label}, {target.upload_url}")

        def report(outcome: PublishedRelease | PublishFailure) -> None:
            if len(wanted) > 1 or isinstance(outcome, PublishedRelease):
                console.print_result(_format_outcome_line(outcome, dry_run=options.dry_run))

        outcomes = publish_releases(wanted, options, uploader, report, sources, context)
    return _report_outcomes(outcomes, target, console, dry_run=options.dry_run)


@click.command("install-hint")
@click.argument("releases", nargs=-1, metavar="RELEASE...")
@combine_decorators(*repository_options)
@naming_options
@catalog_options
def install_hint(
    releases: tuple[str, ...],
    repository: str | None,
    index_url: str | None,
    common: CatalogOptions,
    identity: NamingOptions,
) -> int:
    """Show what a user types to install published wheels safely. Default: from testpypi."""
    naming = make_naming(identity, read_project_defaults())
    context = make_context(offline=common.offline)
    if repository is None and index_url is None:
        index, label = get_testpypi_index(), TESTPYPI
    else:
        with require_extra("publish"):
            target = resolve_repository(repository or TESTPYPI, index_url)
        index, label = target.index_url, target.label
    for release in make_releases(common, context).find_requested(releases):
        named = naming.make_identity(release.version)
        context.console.print_lines(format_install_commands(named, index, label))
    return 0


@contextmanager
def _open_publish_target(
    where: _TargetOptions, context: RunContext
) -> Iterator[tuple[PublishTarget, Uploader]]:
    """Open the repository and its uploader; a rehearsal index runs until the block ends.

    Raises:
        RequestError: there is no such repository.
    """
    from builder.publish.rehearsal import run_rehearsal_index
    from builder.publish.uploader import TwineUploader, read_credentials

    settings = context.settings
    if where.repository is not None:
        target = resolve_repository(where.repository, where.index_url)
        yield target, TwineUploader(target, read_credentials(os.environ), settings)
        return
    with run_rehearsal_index(where.rehearsal) as index:
        yield index.target, TwineUploader(index.target, index.credentials, settings)


def _format_outcome_line(outcome: PublishedRelease | PublishFailure, *, dry_run: bool) -> str:
    version = outcome.release.version
    if isinstance(outcome, PublishFailure):
        return f"{version} failed: {outcome.error.message}"
    upload = outcome.upload
    if dry_run:
        skipped = outcome.upload_outcome is UploadOutcome.SKIPPED
        what = "would be skipped, it is there" if skipped else "would be uploaded"
        return f"{version} {upload.filename} {what}, sha256 {upload.sha256}"
    steps = [
        str(outcome.upload_outcome),
        f"served{_format_delay(outcome.waited)} with sha256 {upload.sha256}",
        *(["attested"] if upload.attestations else []),
        f"installed back and started on Python {outcome.python}"
        if outcome.python
        else "not installed back",
        f"{outcome.seconds:.1f} s",
    ]
    return f"{version} {upload.filename} " + ", ".join(steps)


def _format_delay(seconds: float | None) -> str:
    return f" after {seconds:.0f} s" if seconds is not None and seconds >= 1 else ""


def _report_outcomes(
    outcomes: Sequence[PublishedRelease | PublishFailure],
    target: PublishTarget,
    console: Console,
    *,
    dry_run: bool,
) -> int:
    """Print a summary, and how a user installs one of the wheels.

    Returns:
        The exit code: that of all failures if it is the same, else `_MIXED_ERRORS_EXIT`.

    Raises:
        BuilderError: the only release failed.
    """
    done = [o for o in outcomes if isinstance(o, PublishedRelease)]
    failed = [o for o in outcomes if isinstance(o, PublishFailure)]
    if len(outcomes) == 1 and failed:
        raise failed[0].error
    if len(outcomes) > 1:
        verb = "would be published" if dry_run else "published"
        skipped = sum(o.upload_outcome is UploadOutcome.SKIPPED for o in done)
        console.print_result(f"{len(done)} of {len(outcomes)} {verb}, {skipped} were there before")
    if done and not dry_run:
        note = f"{_REHEARSAL_NOTE}\n" if target.name == REHEARSAL else ""
        console.print_lines(
            "\n" + note + format_install_commands(done[-1].identity, target.index_url, target.label)
        )
    for outcome in failed:
        console.print_error(outcome.error.message, outcome.error.hint)
    codes = {o.error.exit_code for o in failed}
    return 0 if not codes else codes.pop() if len(codes) == 1 else _MIXED_ERRORS_EXIT
