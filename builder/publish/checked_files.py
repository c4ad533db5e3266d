"""Upload files by their digests: what was built and checked where no token lies, and nothing else.

So little of our code, and of others', runs beside the token.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from builder.errors import BuilderError, ProvenanceError, RequestError
from builder.model import PACKAGE
from builder.provenance import attest
from builder.publish.published_files import SimpleIndexFiles
from builder.publish.responses import UploadRefusedError
from builder.publish.upload import Upload, UploadOutcome, is_already_listed, upload_wheel
from builder.system.files import write_output_file
from builder.system.input_files import MAX_WHEEL, read_input_file
from builder.system.limits import PAGE_SECONDS
from builder.wheel.names import normalize_name, parse_wheel_filename

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from builder.context import RunContext
    from builder.publish.target import PublishTarget
    from builder.publish.upload import RetryPolicy
    from builder.publish.uploader import Uploader
    from builder.system.settings import UserSettings


def copy_checked_files(
    files: Sequence[Path], digests: Mapping[str, str], target: PublishTarget, workdir: Path
) -> list[Upload]:
    """Copy the files that are to be sent, if each is the one that its digest names.

    Args:
        files: the wheels.
        digests: file name → sha256 (hex), one for each of them.
        target: where they go.
        workdir: where the copies go, to which nothing else writes.

    Raises:
        RequestError: a file has no digest, a digest no file, a file is named twice or cannot be
            read, or a public index must not get its name.
        ProvenanceError: a file is another one than its digest says.
    """
    names = [path.name for path in files]
    twice = sorted({name for name in names if names.count(name) > 1})
    for wrong, what in (
        (twice, "is named twice"),
        (sorted({*names} - {*digests}), "has no digest"),
        (sorted({*digests} - {*names}), "has a digest and is not among the files"),
    ):
        if wrong:
            raise RequestError(
                f"{', '.join(wrong)} {what}", "name each file once, with the digest of its build"
            )
    return [_copy_checked_file(path, digests[path.name], target, workdir) for path in files]


def _copy_checked_file(path: Path, sha256: str, target: PublishTarget, workdir: Path) -> Upload:
    if target.public and normalize_name(parse_wheel_filename(path.name).name) == PACKAGE:
        raise RequestError(
            f"{path.name} has no place on {target.name}, which is public: the name is the "
            "official distribution's",
            "build it with --identity test; local wheels go to a private index",
        )
    try:
        content = read_input_file(path, MAX_WHEEL)
    except OSError as error:
        raise RequestError(
            f"{path} cannot be read: {error.strerror}", "name files that the build made"
        ) from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ProvenanceError(
            f"{path.name} is not what was built: sha256 {found}, its digest is {sha256}",
            "nothing was sent; find out who changed it, and build it again",
        )
    copied = workdir / path.name
    copied.write_bytes(content)
    return Upload(copied, path.name, sha256)


def upload_checked_files(
    uploads: Sequence[Upload],
    target: PublishTarget,
    retry_policy: RetryPolicy,
    uploader: Uploader,
    context: RunContext,
    *,
    attestations: Path | None,
    report: Callable[[Upload, UploadOutcome], None],
) -> list[BuilderError]:
    """Upload the files that the index does not have, one after the other.

    A failure does not stop the others, except where the index takes no upload from us.

    Args:
        uploads: what `copy_checked_files` made.
        target: where they go.
        retry_policy: how long to retry.
        uploader: the upload side of the target.
        context: the context of the run.
        attestations: sign each with this CI run's identity, and keep the attestation in this
            directory; None to sign nothing.
        report: called with each that is there.

    Returns:
        The failures.
    """
    failures: list[BuilderError] = []
    settings = context.settings
    for upload in uploads:
        project = normalize_name(parse_wheel_filename(upload.filename).name)
        published_files = SimpleIndexFiles(settings, target.index_url, project)
        try:
            outcome = UploadOutcome.SKIPPED
            if not is_already_listed(upload, published_files, retry_policy):
                outcome = upload_wheel(
                    upload if attestations is None else sign_upload(upload, attestations, settings),
                    uploader,
                    published_files,
                    retry_policy,
                    context.console.print_note,
                    overwrites=not target.public,
                )
        except BuilderError as error:
            failures.append(error)
            if isinstance(error, UploadRefusedError):
                break
        else:
            report(upload, outcome)
    return failures


def sign_upload(upload: Upload, directory: Path, settings: UserSettings) -> Upload:
    """Sign a wheel with this CI run's identity; a copy of the attestation stays in the directory.

    Args:
        upload: the wheel.
        directory: where the copy goes.
        settings: how long it may take.

    Raises:
        PublishError: it cannot be signed.
    """
    made = attest.sign_wheel(upload.path, settings.get_timeout(PAGE_SECONDS))
    write_output_file(directory / made.name, made.read_bytes())
    return upload._replace(attestations=(made,))
