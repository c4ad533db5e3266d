"""The verb `upload`: send files that were built and checked elsewhere, where a token lies."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.cli.options import combine_decorators, debug_option
from builder.cli.publish_common import repository_options, require_libraries
from builder.context import RunContext
from builder.errors import RequestError
from builder.publish.checked_files import copy_checked_files, upload_checked_files
from builder.publish.digests import parse_digests
from builder.publish.target import resolve_repository
from builder.publish.upload import RetryPolicy
from builder.system.console import Console
from builder.system.files import make_temporary_directory
from builder.system.settings import read_user_settings

if TYPE_CHECKING:
    from builder.publish.upload import Upload, UploadOutcome


@click.command()
@click.argument("files", nargs=-1, metavar="FILE...", type=click.Path(path_type=Path))
@click.option(
    "--digests",
    required=True,
    metavar="LINES",
    help="The sha256 of each file, as sha256sum and `build --digests-output` write them.",
)
@combine_decorators(*repository_options)
@click.option("--attest", is_flag=True, help="Sign with the identity of this CI run (PEP 740).")
@debug_option
def upload(
    files: tuple[Path, ...],
    digests: str,
    repository: str | None,
    index_url: str | None,
    attest: bool,
) -> int:
    """Upload wheels that were built and checked elsewhere, each with the digest of its build.

    It neither builds nor checks, and starts no program: no other code runs where the token is.
    Nothing is sent unless all files are there, with their digests. The password or token is taken
    as by `publish`.
    """
    if repository is None:
        raise RequestError("no repository was named", "name it with --repository")
    expected = parse_digests(digests)
    require_libraries("twine", *(["pypi_attestations", "sigstore"] if attest else []))
    # Its imports need the libraries.
    from builder.publish.uploader import TwineUploader, read_credentials

    context = RunContext(read_user_settings(os.environ), os.environ, Console())
    target = resolve_repository(repository, index_url)
    console = context.console

    def report(sent: Upload, outcome: UploadOutcome) -> None:
        console.print_result(f"{sent.filename} {outcome}, sha256 {sent.sha256}")

    with make_temporary_directory("tensorboard-wheels-upload-") as workdir:
        uploads = copy_checked_files(files, expected, target, workdir)
        console.print_note(f"uploading to {target.label}, {target.upload_url}")
        failures = upload_checked_files(
            uploads,
            target,
            RetryPolicy(),
            TwineUploader(target, read_credentials(os.environ), context.settings),
            context,
            attestations=files[0].parent if attest else None,
            report=report,
        )
    if len(failures) == 1:
        raise failures[0]
    for failure in failures:
        console.print_error(failure.message, failure.hint)
    return failures[0].exit_code if failures else 0
