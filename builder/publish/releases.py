"""Publish: build where it is missing, check again, upload, wait, compare, install back, start."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from builder.build.found import find_or_build
from builder.errors import BuilderError, RequestError, fault
from builder.model import PACKAGE, IdentityKind
from builder.provenance import attest
from builder.provenance.sbom import sbom_path
from builder.publish.answers import RefusedError
from builder.publish.delivery import Delivery, Parcel, already_there, confirm, deliver
from builder.publish.ready import make_ready, sbom_of
from builder.publish.reinstall import home_of, install_back
from builder.publish.served import IndexShelf
from builder.system.files import place_beside
from builder.wheel import names

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from builder.build.release import BuildOptions
    from builder.context import Workshop
    from builder.model import Identity, Release
    from builder.publish.delivery import Patience
    from builder.publish.reinstall import Home
    from builder.publish.served import Shelf
    from builder.publish.target import Target
    from builder.publish.uploader import Uploader

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class PublishOptions:
    """What the user chose, the same for all releases of a run.

    Attributes:
        build: how wheels are called, where they lie, and how one that is missing is built.
        target: where they go.
        patience: how long to go on.
        dry_run: say what would be done, and send nothing.
        attest: send attestations, made with this CI run's identity where there are none.
        install: install each back and start it.
        python: on which Python; None for one that the release runs on.
    """

    build: BuildOptions
    target: Target
    patience: Patience
    dry_run: bool = False
    attest: bool = False
    install: bool = True
    python: str | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """What became of one release.

    Attributes:
        release: what it was made from.
        identity: what it is called.
        parcel: the file, and its sha256.
        delivery: what the upload came to; for a dry run what it would come to.
        waited: seconds until the index served it; None for a dry run.
        python: the Python on which it was installed back and started, or None.
        seconds: from start to finish.
    """

    release: Release
    identity: Identity
    parcel: Parcel
    delivery: Delivery
    waited: float | None = None
    python: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Unpublished:
    """A release that was not published, and why."""

    release: Release
    error: BuilderError


class _Sent(NamedTuple):
    """A wheel that is on its way, and where to look for it; for a dry run, one that would be.

    It is installed back at `home`, or not at all.
    """

    done: Published
    shelf: Shelf
    home: Home | None


def refuse_names(options: PublishOptions) -> None:
    """Judge what wheels would be called there, before anything is fetched.

    Public indexes refuse local versions (PEP 440), and the official name is not ours on any.

    Raises:
        RequestError: a public index must not get such a name.
    """
    identity = options.build.identify("1.13.0")
    official = names.normalize(identity.name) == PACKAGE
    if options.target.public and (official or identity.kind is IdentityKind.LOCAL):
        raise RequestError(
            f"{identity.name} {identity.version} has no place on {options.target.name}, which is "
            "public: the name is the official distribution's, and local versions are refused",
            "--identity test gives it another name; local wheels go to a private index",
        )


def publish_many(
    releases: Sequence[Release],
    workshop: Workshop,
    options: PublishOptions,
    uploader: Uploader,
    report: Callable[[Published | Unpublished], None],
) -> list[Published | Unpublished]:
    """Publish releases: first all are sent, then each is waited for, compared and installed.

    An index that lags does so for all of them at once then. One that fails does not stop the
    others, except that an index that does not know us is asked once.

    Args:
        releases: what to publish.
        workshop: the doors.
        options: the user's choices.
        uploader: the index's upload side.
        report: called for each release when its outcome is known.

    Returns:
        One outcome for each release, in their order; nothing half published is called done.
    """
    outcomes: list[Published | Unpublished] = []
    with tempfile.TemporaryDirectory(prefix="publish-") as name:
        for sent in _send_all(releases, Path(name), workshop, options, uploader):
            outcome: Published | Unpublished
            if isinstance(sent, Unpublished):
                outcome = sent
            else:
                outcome = _attempt(sent.done.release, partial(_verify, sent, workshop, options))
            outcomes.append(outcome)
            report(outcome)
    return outcomes


def _send_all(
    releases: Sequence[Release],
    room: Path,
    workshop: Workshop,
    options: PublishOptions,
    uploader: Uploader,
) -> list[_Sent | Unpublished]:
    all_sent: list[_Sent | Unpublished] = []
    refused: RefusedError | None = None
    for release in releases:
        sent: _Sent | Unpublished
        if refused is None:
            own = room / release.version
            own.mkdir()
            sending = partial(_send, release, own, workshop, options, uploader)
            sent = _attempt(release, sending)
        else:
            not_tried = RefusedError(f"{release.version} was not tried", refused.hint)
            sent = Unpublished(release, not_tried)
        if isinstance(sent, Unpublished) and isinstance(sent.error, RefusedError):
            refused = sent.error
        all_sent.append(sent)
    return all_sent


def _attempt(release: Release, action: Callable[[], _T]) -> _T | Unpublished:
    try:
        return action()
    except BuilderError as error:
        return Unpublished(release, error)
    except Exception as error:
        return Unpublished(release, fault(error))


def _send(
    release: Release, room: Path, workshop: Workshop, options: PublishOptions, uploader: Uploader
) -> _Sent:
    """Find, check and upload one wheel."""
    started, note = time.perf_counter(), workshop.console.note
    identity = options.build.identify(release.version)
    spare = room / "built" if options.dry_run else None
    wheel = find_or_build(release, identity, workshop, options.build, spare)
    ready = make_ready(wheel, room, workshop, options.build.series, attested=options.attest)
    home = None
    if options.install:
        series = ready.claim.series
        home = home_of(release, ready.parcel.path, series, options.python, workshop.pythons)
    shelf = IndexShelf(
        workshop.environment, options.target.index_url, names.normalize(identity.name)
    )
    there = already_there(ready.parcel, shelf, options.patience)
    delivery = Delivery.SKIPPED if there else Delivery.UPLOADED
    if not options.dry_run:
        place_beside(sbom_path(wheel), sbom_of(ready, workshop.environment.source_date_epoch))
        if options.attest and not there and not ready.parcel.attestations:
            parcel = ready.parcel._replace(attestations=(_attest(ready.parcel, wheel),))
            ready = ready._replace(parcel=parcel)
        if not there:
            overwrites = not options.target.public
            delivery = deliver(
                ready.parcel, uploader, shelf, options.patience, note, overwrites=overwrites
            )
        note(f"{ready.parcel.filename} {delivery}")
    spent = time.perf_counter() - started
    done = Published(release, identity, ready.parcel, delivery, seconds=spent)
    return _Sent(done, shelf, home)


def _verify(sent: _Sent, workshop: Workshop, options: PublishOptions) -> Published:
    """Wait until the index serves it, compare, install it back, start it."""
    started = time.perf_counter()
    done, note = sent.done, workshop.console.note
    if options.dry_run:
        return done
    waited = confirm(done.parcel, sent.shelf, options.patience, note)
    home = sent.home
    if home is not None:
        note(f"installing {done.parcel.filename} back on Python {home.python}")
        install_back(
            done.parcel,
            done.identity,
            options.target.index_url,
            home,
            workshop.environment,
            workshop.environ,
        )
    spent = done.seconds + time.perf_counter() - started
    return replace(done, waited=waited, python=home and home.python, seconds=spent)


def _attest(parcel: Parcel, wheel: Path) -> Path:
    """Sign it; the attestation also stays beside the wheel."""
    made = attest.sign(parcel.path)
    place_beside(wheel.with_name(made.name), made.read_bytes())
    return made
