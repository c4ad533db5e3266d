"""Publish: build where it is missing, check again, upload, wait, compare, install back, start."""

from __future__ import annotations

import hashlib
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from builder.errors import (
    BuilderError,
    NewFindingsError,
    ProvenanceError,
    RequestError,
    UncheckedError,
    fault,
)
from builder.identity import wheel_name
from builder.model import PACKAGE, IdentityKind, Standing
from builder.output import place_beside, provenance_path
from builder.pipeline.build import build_release
from builder.pipeline.check import check_wheel, read_claim, read_wheel
from builder.pipeline.verify import verify_provenance
from builder.publish import attest
from builder.publish.answers import RefusedError
from builder.publish.delivery import Delivery, Parcel, already_there, confirm, deliver
from builder.publish.reinstall import home_of, install_back
from builder.publish.sbom import make_sbom, sbom_path
from builder.publish.served import IndexShelf
from builder.wheel import archive, metadata, names
from builder.wheel.rewrite import find_dist_info

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from builder.model import Identity, Release
    from builder.pipeline.build import BuildOptions
    from builder.pipeline.workshop import Workshop
    from builder.provenance import Claim
    from builder.publish.delivery import Patience
    from builder.publish.served import Shelf
    from builder.publish.target import Target
    from builder.publish.uploader import Uploader


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
        sbom: the bill of materials, or None for a dry run.
        seconds: from start to finish.
    """

    release: Release
    identity: Identity
    parcel: Parcel
    delivery: Delivery
    waited: float | None = None
    python: str | None = None
    sbom: Path | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Unpublished:
    """A release that was not published, and why."""

    release: Release
    error: BuilderError


class _Ready(NamedTuple):
    """A checked wheel in a room of its own, where nobody changes it any more, and its statement."""

    parcel: Parcel
    claim: Claim
    statement: bytes


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


def publish_release(
    release: Release, workshop: Workshop, options: PublishOptions, uploader: Uploader
) -> Published:
    """Publish one release.

    Raises:
        BuilderError: of the stage that failed; nothing that is half published is called done.
    """
    started = time.perf_counter()
    identity = options.build.identify(release.version)
    with tempfile.TemporaryDirectory(prefix="publish-") as room:
        own = replace(options.build, output=Path(room) / "built")
        wheel = _find_or_build(release, identity, workshop, options.build, own, options.dry_run)
        ready = _ready(wheel, Path(room), workshop, options)
        shelf = IndexShelf(
            workshop.environment, options.target.index_url, names.normalize(identity.name)
        )
        done = Published(release, identity, ready.parcel, Delivery.UPLOADED)
        if options.dry_run:
            there = already_there(ready.parcel, shelf, options.patience)
            done = replace(done, delivery=Delivery.SKIPPED) if there else done
        else:
            done = _carry_out(done, ready, wheel, shelf, workshop, options, uploader)
    return replace(done, seconds=time.perf_counter() - started)


def publish_many(
    releases: Sequence[Release],
    workshop: Workshop,
    options: PublishOptions,
    uploader: Uploader,
    report: Callable[[Published | Unpublished], None],
) -> list[Published | Unpublished]:
    """Publish releases one after the other; one that fails does not stop the others.

    An index that does not know us is asked once: the others are not tried then.

    Returns:
        One outcome for each release, in their order.
    """
    outcomes: list[Published | Unpublished] = []
    refused: RefusedError | None = None
    for release in releases:
        if refused is None:
            outcome = _attempt(release, workshop, options, uploader)
        else:
            not_tried = RefusedError(f"{release.version} was not tried", refused.hint)
            outcome = Unpublished(release, not_tried)
        if isinstance(outcome, Unpublished) and isinstance(outcome.error, RefusedError):
            refused = outcome.error
        outcomes.append(outcome)
        report(outcome)
    return outcomes


def _attempt(
    release: Release, workshop: Workshop, options: PublishOptions, uploader: Uploader
) -> Published | Unpublished:
    try:
        return publish_release(release, workshop, options, uploader)
    except BuilderError as error:
        return Unpublished(release, error)
    except Exception as error:
        return Unpublished(release, fault(error))


def _find_or_build(
    release: Release,
    identity: Identity,
    workshop: Workshop,
    kept: BuildOptions,
    own: BuildOptions,
    dry_run: bool,
) -> Path:
    """The wheel in the output directory; built where it is missing, for a dry run elsewhere."""
    tag = names.parse_filename(release.wheel.filename).tag
    wheel = kept.output / wheel_name(identity, tag).filename
    if wheel.is_file():
        return wheel
    workshop.console.note(f"{wheel} is not there: building it")
    options = own if dry_run else kept
    return build_release(release, workshop.series(kept.series), workshop, options).path


def _ready(wheel: Path, room: Path, workshop: Workshop, options: PublishOptions) -> _Ready:
    """Read the wheel and what lies beside it once, and check what was read.

    Raises:
        NewFindingsError: it has findings that its stock wheel does not have.
        ProvenanceError: it is not what its provenance says.
    """
    content = read_wheel(wheel)
    own = room / wheel.name
    own.write_bytes(content)
    beside = provenance_path(wheel)
    if beside.is_file():
        provenance_path(own).write_bytes(beside.read_bytes())
    attestations = []
    for path in attest.attestations_of(wheel) if options.attest else ():
        attestations.append(room / path.name)
        attestations[-1].write_bytes(path.read_bytes())
        attest.verify_attestation(attestations[-1], own, None)
    verify_provenance(own, workshop)
    _check(own, workshop, options.build)
    claim = read_claim(own)
    if claim is None:
        raise ProvenanceError(f"{beside.name} went away", "build the wheel again")
    sha256 = hashlib.sha256(content).hexdigest()
    parcel = Parcel(own, wheel.name, sha256, tuple(attestations))
    return _Ready(parcel, claim, provenance_path(own).read_bytes())


def _check(wheel: Path, workshop: Workshop, options: BuildOptions) -> None:
    checked = check_wheel(
        wheel,
        workshop,
        stock=None,
        series=None,
        default_series=options.series,
        run_deep=False,
    )
    new = sorted({f.code for f in checked.findings if f.standing is Standing.NEW})
    if new:
        raise NewFindingsError(f"{wheel.name} fails {', '.join(new)}", "build it again")
    unchecked = sorted({f.code for f in checked.findings if f.standing is Standing.UNCHECKED})
    if unchecked:
        raise UncheckedError(
            f"{wheel.name}: {', '.join(unchecked)} could not be decided",
            f"`nox -s check -- {wheel.name}` says what is missing",
        )


def _carry_out(
    done: Published,
    ready: _Ready,
    wheel: Path,
    shelf: Shelf,
    workshop: Workshop,
    options: PublishOptions,
    uploader: Uploader,
) -> Published:
    """Everything that has effects outside."""
    parcel, note = ready.parcel, workshop.console.note
    sbom = sbom_path(wheel)
    place_beside(sbom, _sbom(ready, workshop.environment.source_date_epoch))
    unsigned = options.attest and not parcel.attestations
    if unsigned and not already_there(parcel, shelf, options.patience):
        parcel = parcel._replace(attestations=(_attest(parcel, wheel),))
    delivery = deliver(parcel, uploader, shelf, options.patience, note)
    waited = confirm(parcel, shelf, options.patience, note)
    python = None
    if options.install:
        home = home_of(done.release, ready.claim.series, options.python)
        note(f"installing {parcel.filename} back on Python {home.python}")
        install_back(
            parcel,
            done.identity,
            options.target.index_url,
            home,
            workshop.environment,
            workshop.environ,
        )
        python = home.python
    return replace(done, parcel=parcel, delivery=delivery, waited=waited, python=python, sbom=sbom)


def _attest(parcel: Parcel, wheel: Path) -> Path:
    """Sign it; the attestation also stays beside the wheel."""
    made = attest.sign(parcel.path)
    place_beside(wheel.with_name(made.name), made.read_bytes())
    return made


def _sbom(ready: _Ready, epoch: int | None) -> bytes:
    content = ready.parcel.path.read_bytes()
    made = archive.parse(content, ready.parcel.filename)
    document = made.find(f"{find_dist_info(made, ready.parcel.filename)}/METADATA")
    stated = metadata.parse(b"" if document is None else document.read())
    pythons = stated.values("Requires-Python")
    return make_sbom(
        ready.statement, stated.values("Requires-Dist"), pythons[0] if pythons else None, epoch
    )
