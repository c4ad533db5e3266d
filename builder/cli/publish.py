"""`publish` and `install-hint`: to an index and back."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from builder.cli.options import (
    Common,
    build_options,
    common_options,
    identity_options,
    needs_extra,
    open_workshop,
    python_path_option,
    series_option,
    take_common,
    together,
)
from builder.errors import PublishError, RequestError, extra_hint
from builder.publish.delivery import Delivery, Patience
from builder.publish.hint import commands
from builder.publish.releases import (
    Published,
    PublishOptions,
    Unpublished,
    publish_many,
    refuse_names,
)
from builder.publish.target import REHEARSAL, TESTPYPI, index_of_testpypi, resolve
from builder.releases.request import parse_request
from builder.system.pythons import check_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from builder.context import Workshop
    from builder.publish.target import Target
    from builder.publish.uploader import Uploader
    from builder.system.console import Console

_SEVERAL_KINDS = 1
_NEEDED = ("cyclonedx", "pypi_attestations", "pypiserver", "twine")
_ASIDE = "# the rehearsal index ended with this run; from a real one a user would take it so:"

_where = together(
    click.option(
        "--repository",
        metavar="NAME|URL",
        help="testpypi, pypi, a section of ~/.pypirc, or a URL.",
    ),
    click.option(
        "--index-url",
        metavar="URL",
        help="Where the repository serves files. Default: derived from where it takes them.",
    ),
)


@click.command()
@click.argument("releases", nargs=-1, metavar="RELEASE...")
@_where
@click.option("--dry-run", is_flag=True, help="Check and ask everything, send nothing.")
@click.option("--attest", is_flag=True, help="Sign with the identity of this CI run (PEP 740).")
@click.option("--install/--no-install", default=True, help="Install each back, and start it.")
@click.option("--python", metavar="X.Y", help="The Python for that. Default: one it runs on.")
@click.option(
    "--wait",
    type=click.IntRange(min=0),
    default=round(Patience().total),
    metavar="SECONDS",
    show_default=True,
    help="How long the index may take to serve a file.",
)
@click.option(
    "--rehearsal",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the files of the rehearsal index there. Default: gone with the run.",
)
@python_path_option
@series_option
@identity_options
@common_options
def publish(
    releases: tuple[str, ...],
    repository: str | None,
    index_url: str | None,
    rehearsal: Path | None,
    wait: int,
    **chosen: Any,
) -> int:
    """Upload checked wheels, and prove that the index serves what was built.

    Without --repository they go to a rehearsal index, started on loopback by this run.
    """
    _look_for_libraries()
    if repository is not None and rehearsal is not None:
        raise RequestError("--rehearsal and --repository exclude each other", "leave one out")
    if repository is None and index_url is not None:
        raise RequestError("--index-url belongs to a repository", "name it with --repository")
    if repository is not None and chosen["offline"]:
        raise RequestError("--offline and --repository exclude each other", "leave one out")
    common = take_common(chosen)
    flags = {name: chosen.pop(name) for name in ("dry_run", "attest", "install", "python")}
    if flags["python"] is not None:
        check_version(flags["python"])
    build = build_options(chosen.pop("series"), **chosen)
    workshop = open_workshop(common, commit=True)
    wanted = workshop.releases(parse_request(releases, workshop.catalog))
    with _opened(repository, index_url, rehearsal, workshop) as (target, uploader):
        options = PublishOptions(build, target, replace(Patience(), total=wait), **flags)
        refuse_names(options)
        console = workshop.console
        console.note(f"publishing to {target.label}, {target.upload_url}")

        def report(outcome: Published | Unpublished) -> None:
            if len(wanted) > 1 or isinstance(outcome, Published):
                console.say(_line(outcome, dry_run=options.dry_run))

        outcomes = publish_many(wanted, workshop, options, uploader, report)
    return _conclude(outcomes, target, console, dry_run=options.dry_run)


@click.command("install-hint")
@click.argument("releases", nargs=-1, metavar="RELEASE...")
@_where
@identity_options
@common_options
def install_hint(
    releases: tuple[str, ...],
    repository: str | None,
    index_url: str | None,
    catalog: Path,
    patches: Path,
    offline: bool,
    **chosen: Any,
) -> int:
    """Show what a user types to install published wheels safely. Default: from testpypi."""
    build = build_options((), **chosen)
    workshop = open_workshop(Common(catalog, patches, offline))
    if repository is None and index_url is None:
        where, label = index_of_testpypi(), TESTPYPI
    else:
        with needs_extra("publish"):
            target = resolve(repository or TESTPYPI, index_url)
        where, label = target.index_url, target.label
    for release in workshop.releases(parse_request(releases, workshop.catalog)):
        identity = build.identify(release.version)
        workshop.console.say(commands(identity, where, label))
    return 0


@contextmanager
def _opened(
    repository: str | None, index_url: str | None, rehearsal: Path | None, workshop: Workshop
) -> Iterator[tuple[Target, Uploader]]:
    """The repository and its door; a rehearsal lives as long as the block.

    Raises:
        RequestError: there is no such repository.
    """
    from builder.publish.rehearsal import rehearsing
    from builder.publish.uploader import TwineUploader, credentials

    environment = workshop.environment
    if repository is not None:
        target = resolve(repository, index_url)
        yield target, TwineUploader(target, credentials(os.environ), environment)
        return
    with rehearsing(rehearsal) as index:
        yield index.target, TwineUploader(index.target, index.credentials, environment)


def _look_for_libraries() -> None:
    """They are an extra, so that building needs none of them.

    Raises:
        PublishError: one is not installed.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise PublishError(
            f"publishing needs {', '.join(missing)}",
            f"{extra_hint('publish')}; `nox -s publish` does",
        )


def _line(outcome: Published | Unpublished, *, dry_run: bool) -> str:
    version = outcome.release.version
    if isinstance(outcome, Unpublished):
        return f"{version} failed: {outcome.error.message}"
    parcel = outcome.parcel
    if dry_run:
        skipped = outcome.delivery is Delivery.SKIPPED
        what = "would be skipped, it is there" if skipped else "would be uploaded"
        return f"{version} {parcel.filename} {what}, sha256 {parcel.sha256}"
    steps = [
        str(outcome.delivery),
        f"served{_after(outcome.waited)} with sha256 {parcel.sha256}",
        *(["attested"] if parcel.attestations else []),
        f"installed back and started on Python {outcome.python}"
        if outcome.python
        else "not installed back",
        f"{outcome.seconds:.1f} s",
    ]
    return f"{version} {parcel.filename} " + ", ".join(steps)


def _after(seconds: float | None) -> str:
    return f" after {seconds:.0f} s" if seconds is not None and seconds >= 1 else ""


def _conclude(
    outcomes: Sequence[Published | Unpublished], target: Target, console: Console, *, dry_run: bool
) -> int:
    """How a user installs one of them, and the exit code."""
    done = [o for o in outcomes if isinstance(o, Published)]
    failed = [o for o in outcomes if isinstance(o, Unpublished)]
    if len(outcomes) == 1 and failed:
        raise failed[0].error
    if len(outcomes) > 1:
        verb = "would be published" if dry_run else "published"
        skipped = sum(o.delivery is Delivery.SKIPPED for o in done)
        console.say(f"{len(done)} of {len(outcomes)} {verb}, {skipped} were there before")
    if done and not dry_run:
        aside = f"{_ASIDE}\n" if target.name == REHEARSAL else ""
        console.say("\n" + aside + commands(done[-1].identity, target.index_url, target.label))
    for outcome in failed:
        console.error(outcome.error.message, outcome.error.hint)
    codes = {o.error.exit_code for o in failed}
    return 0 if not codes else codes.pop() if len(codes) == 1 else _SEVERAL_KINDS
