"""Publish releases: build if missing, check again, upload, wait, compare, install back, start."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from builder.build.existing_wheel import find_or_build_wheel
from builder.cherrypick.picker import find_commits
from builder.errors import BuilderError, RequestError
from builder.model import PACKAGE, IdentityKind
from builder.provenance.sbom import get_sbom_path
from builder.publish.checked_files import sign_upload
from builder.publish.prepared_wheel import RequestedWheel, make_wheel_sbom, prepare_wheel
from builder.publish.published_files import SimpleIndexFiles
from builder.publish.reinstall import choose_install_target, reinstall_wheel
from builder.publish.responses import UploadRefusedError
from builder.publish.upload import (
    Upload,
    UploadOutcome,
    is_already_listed,
    upload_wheel,
    wait_until_served,
)
from builder.system.files import make_temporary_directory, write_output_file
from builder.system.machine_errors import explain_unexpected_error
from builder.wheel import names

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from builder.build.release import BuildOptions
    from builder.context import RunContext
    from builder.model import Identity, Release
    from builder.publish.prepared_wheel import PreparedWheel
    from builder.publish.published_files import PublishedFiles
    from builder.publish.reinstall import InstallTarget
    from builder.publish.target import PublishTarget
    from builder.publish.upload import RetryPolicy
    from builder.publish.uploader import Uploader
    from builder.verify.sources import WheelSources

_T = TypeVar("_T")


class PublishOptions(msgspec.Struct, frozen=True):
    """What the user chose, the same for all releases of a run.

    Attributes:
        build: how wheels are called, where they are, and how a missing one is built.
        target: where they go.
        retry_policy: how long to retry.
        dry_run: say what would be done, and send nothing.
        upload: whether this run uploads; else it waits until the index serves what another sends.
        attest: send attestations, made with this CI run's identity where there are none.
        install: install each back and start it.
        python: on which Python; None for one that the release runs on.
    """

    build: BuildOptions
    target: PublishTarget
    retry_policy: RetryPolicy
    dry_run: bool = False
    upload: bool = True
    attest: bool = False
    install: bool = True
    python: str | None = None


class PublishedRelease(msgspec.Struct, frozen=True):
    """A published release, or for a dry run one that would be published.

    Attributes:
        release: what it was made from.
        identity: what it is called.
        upload: the file, and its sha256.
        upload_outcome: the outcome of the upload; for a dry run the one to expect.
        waited: seconds until the index served it; None for a dry run.
        python: the Python on which it was installed back and started, or None.
        seconds: from start to finish.
    """

    release: Release
    identity: Identity
    upload: Upload
    upload_outcome: UploadOutcome
    waited: float | None = None
    python: str | None = None
    seconds: float = 0.0


class PublishFailure(msgspec.Struct, frozen=True):
    """A release that was not published, and why."""

    release: Release
    error: BuilderError


class _UploadedRelease(NamedTuple):
    """A wheel that was uploaded and is not verified yet; for a dry run, one that would be uploaded.

    It is installed back at `install_target`, or not at all if that is None.
    """

    published: PublishedRelease
    published_files: PublishedFiles
    install_target: InstallTarget | None


def refuse_names(options: PublishOptions) -> None:
    """Refuse names that this index must not get, before anything is fetched.

    Public indexes refuse local versions (PEP 440), and the official name is not ours on any.

    Raises:
        RequestError: a public index must not get such a name.
    """
    naming = options.build.naming
    if options.target.public and naming.kind is IdentityKind.LOCAL:
        raise RequestError(
            f"{PACKAGE} with a local version has no place on {options.target.name}, which is "
            "public: the name is the official distribution's, and local versions are refused",
            "--identity test gives it another name; local wheels go to a private index",
        )


def publish_releases(
    releases: Sequence[Release],
    options: PublishOptions,
    uploader: Uploader,
    report: Callable[[PublishedRelease | PublishFailure], None],
    sources: WheelSources,
    context: RunContext,
) -> list[PublishedRelease | PublishFailure]:
    """Publish releases: upload all of them first, then wait for, compare and install each.

    So an index that lags does so for all of them at once. A release that fails does not stop the
    others, except that nothing more is sent to an index that takes no upload from us.

    Args:
        releases: what to publish.
        options: the user's choices.
        uploader: the index's upload side.
        report: called for each release when its outcome is known.
        sources: what wheels are built from, and again to verify them.
        context: the context of the run.

    Returns:
        One outcome for each release, in their order; one that is half published has failed.
    """
    publisher = _Publisher(options, uploader, sources, context)
    outcomes: list[PublishedRelease | PublishFailure] = []
    with make_temporary_directory("tensorboard-wheels-publish-") as name:
        for sent in publisher.upload_releases(releases, Path(name)):
            outcome: PublishedRelease | PublishFailure
            if isinstance(sent, PublishFailure):
                outcome = sent
            else:
                outcome = _try_release(
                    sent.published.release, partial(publisher.verify_published_release, sent)
                )
            outcomes.append(outcome)
            report(outcome)
    return outcomes


def _try_release(release: Release, action: Callable[[], _T]) -> _T | PublishFailure:
    try:
        return action()
    except BuilderError as error:
        return PublishFailure(release, error)
    except Exception as error:
        return PublishFailure(release, explain_unexpected_error(error))


class _Publisher(msgspec.Struct, frozen=True):
    """Uploads wheels to one index, and verifies that it serves them."""

    options: PublishOptions
    uploader: Uploader
    sources: WheelSources
    context: RunContext

    def upload_releases(
        self, releases: Sequence[Release], workdir: Path
    ) -> list[_UploadedRelease | PublishFailure]:
        """Upload them one after the other, until the index takes no upload from us."""
        all_sent: list[_UploadedRelease | PublishFailure] = []
        refused: UploadRefusedError | None = None
        for release in releases:
            sent: _UploadedRelease | PublishFailure
            if refused is None:
                release_workdir = workdir / release.version
                release_workdir.mkdir()
                sent = _try_release(
                    release, partial(self._upload_release, release, release_workdir)
                )
            else:
                not_tried = UploadRefusedError(f"{release.version} was not tried", refused.hint)
                sent = PublishFailure(release, not_tried)
            if isinstance(sent, PublishFailure) and isinstance(sent.error, UploadRefusedError):
                refused = sent.error
            all_sent.append(sent)
        return all_sent

    def _upload_release(self, release: Release, workdir: Path) -> _UploadedRelease:
        """Find, check and upload one wheel."""
        started, options, context = time.perf_counter(), self.options, self.context
        identity = options.build.naming.make_identity(release.version)
        scratch_output = workdir / "built" if options.dry_run else None
        wheel = find_or_build_wheel(release, options.build, self.sources, context, scratch_output)
        prepared = prepare_wheel(
            wheel,
            workdir,
            self.sources,
            context,
            requested=RequestedWheel(
                release.version,
                identity,
                options.build.series,
                find_commits(options.build.picks, self.sources.upstream),
            ),
            attested=options.attest,
        )
        install_target = None
        if options.install:
            series = prepared.claim.series
            install_target = choose_install_target(
                release, prepared.upload.path, series, options.python, context.pythons
            )
        published_files = SimpleIndexFiles(
            context.settings, options.target.index_url, names.normalize_name(identity.name)
        )
        is_listed = is_already_listed(prepared.upload, published_files, options.retry_policy)
        upload_outcome = UploadOutcome.SKIPPED if is_listed else UploadOutcome.UPLOADED
        if not options.upload:
            upload_outcome = UploadOutcome.AWAITED
        if not options.dry_run:
            epoch = context.settings.source_date_epoch
            write_output_file(get_sbom_path(wheel), make_wheel_sbom(prepared, epoch))
            if upload_outcome is UploadOutcome.UPLOADED:
                prepared = self._with_attestation(prepared, wheel)
                upload_outcome = upload_wheel(
                    prepared.upload,
                    self.uploader,
                    published_files,
                    options.retry_policy,
                    context.console.print_note,
                    overwrites=not options.target.public,
                )
            context.console.print_note(f"{prepared.upload.filename} {upload_outcome}")
        spent = time.perf_counter() - started
        done = PublishedRelease(release, identity, prepared.upload, upload_outcome, seconds=spent)
        return _UploadedRelease(done, published_files, install_target)

    def _with_attestation(self, prepared: PreparedWheel, wheel: Path) -> PreparedWheel:
        """Sign the wheel where that is wanted and it has no attestation yet."""
        if not self.options.attest or prepared.upload.attestations:
            return prepared
        signed = sign_upload(prepared.upload, wheel.parent, self.context.settings)
        return prepared._replace(upload=signed)

    def verify_published_release(self, sent: _UploadedRelease) -> PublishedRelease:
        """Wait until the index serves the wheel, compare, install it back, start it."""
        started = time.perf_counter()
        options, done, note = self.options, sent.published, self.context.console.print_note
        if options.dry_run:
            return done
        waited = wait_until_served(done.upload, sent.published_files, options.retry_policy, note)
        install_target = sent.install_target
        if install_target is not None:
            note(f"installing {done.upload.filename} back on Python {install_target.python}")
            reinstall_wheel(
                done.upload,
                done.identity,
                options.target.index_url,
                install_target,
                self.context,
            )
        spent = done.seconds + time.perf_counter() - started
        return replace(
            done, waited=waited, python=install_target and install_target.python, seconds=spent
        )
