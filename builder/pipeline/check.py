"""Check: any wheel, with what can be found out about where it comes from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from packaging.version import InvalidVersion, Version

from builder import deep, provenance
from builder.checks import run_checks
from builder.checks.subject import Subject
from builder.delta import make_delta
from builder.errors import (
    BuilderError,
    IndexLookupError,
    PatchError,
    ProvenanceError,
    RequestError,
    WheelError,
)
from builder.model import Identity, IdentityKind
from builder.output import provenance_path
from builder.overlay import build_overlay
from builder.wheel import archive, names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from builder.model import Delta, Finding, Release
    from builder.pipeline.workshop import Workshop
    from builder.wheel.archive import Archive


@dataclass(frozen=True, slots=True)
class Checked:
    """The verdict on a wheel.

    Attributes:
        findings: everything that was found.
        notes: what was assumed, and what could not be had.
    """

    findings: tuple[Finding, ...]
    notes: tuple[str, ...]


def check_wheel(
    wheel: Path,
    workshop: Workshop,
    *,
    stock: Path | None,
    series: Sequence[str] | None,
    default_series: Sequence[str],
    run_deep: bool,
) -> Checked:
    """Check a wheel from its bytes on disk.

    Args:
        wheel: the file.
        workshop: the doors.
        stock: the stock wheel's file; None to find it by the version.
        series: the series that it should have; None to take them from the provenance beside it.
        default_series: assumed where there is no provenance either.
        run_deep: also install and start it.

    Raises:
        WheelError: one of the files cannot be read as a wheel at all.
        RequestError: a series does not exist.
    """
    content = _read(wheel)
    made = archive.parse(content, wheel.name)
    notes: list[str] = []
    release = _release(wheel.name, workshop)
    base = _stock(stock, release, workshop, notes)
    names = _claimed_series(wheel) if series is None else series
    if names is None:
        names = default_series
        notes.append(f"no provenance beside it: assumed the series {', '.join(names)}")
    subject = Subject(
        filename=wheel.name,
        archive=made,
        stock=None if base is None else base.archive,
        delta=_delta(base, release, names, workshop, notes),
        release=None if release is None else release.version,
    )
    findings = run_checks(subject, None if base is None else base.filename)
    if run_deep:
        findings += deep.check_behaviour(
            deep.WheelBytes(wheel.name, content),
            None if base is None else deep.WheelBytes(base.filename, base.archive.data),
            release,
            workshop.environment,
            workshop.environ,
        )
    return Checked(tuple(findings), tuple(notes))


def verify_provenance(wheel: Path, workshop: Workshop) -> list[str]:
    """Verify a wheel against the statement beside it: digest, materials, and a rebuild.

    Returns:
        What was verified, one line each.

    Raises:
        ProvenanceError: the statement is missing, or does not hold.
        BuilderError: the wheel cannot be rebuilt.
    """
    content = _read(wheel)
    beside = provenance_path(wheel)
    try:
        document = provenance.parse(beside.read_bytes(), beside.name)
    except OSError as error:
        raise ProvenanceError(
            f"there is no provenance {beside.name} beside the wheel", "build the wheel again"
        ) from error
    sha256 = hashlib.sha256(content).hexdigest()
    if document["subject"] != [{"name": wheel.name, "digest": {"sha256": sha256}}]:
        raise ProvenanceError(
            f"{wheel.name} is not the file that its provenance speaks of (sha256 {sha256})",
            "do not use it; build it again",
        )
    rebuilt, rebuilt_sha256 = _rebuild(document, workshop)
    differing = provenance.differences(document, rebuilt)
    if differing:
        raise ProvenanceError(f"{beside.name}: {differing[0]}", "do not trust it; build it again")
    if rebuilt_sha256 != sha256:
        raise ProvenanceError(
            f"a rebuild of {wheel.name} gives other bytes (sha256 {rebuilt_sha256})",
            "do not trust it; build it again",
        )
    return ["subject digest", "stock wheel and patches", "a rebuild gives the same bytes"]


def _rebuild(document: dict[str, Any], workshop: Workshop) -> tuple[dict[str, Any], str]:
    asked = provenance.parameters(document)
    release = workshop.catalog.find(str(asked["release"]))
    if release is None:
        raise ProvenanceError(
            f"its release {asked['release']} is not in the catalog",
            "`python -m builder catalog update` pins it",
        )
    identity = _identity(asked)
    stock = workshop.stock(release).content
    try:
        all_series = workshop.series([str(name) for name in asked["series"]])
        overlay = build_overlay(release, stock, all_series, identity)
    except (PatchError, RequestError, WheelError) as error:
        raise ProvenanceError(
            f"the wheel cannot be rebuilt as its provenance says: {error.message}",
            "do not trust it; build it again",
        ) from error
    sha256 = hashlib.sha256(overlay.content).hexdigest()
    statement = provenance.statement(
        overlay.filename,
        sha256,
        release,
        overlay.delta,
        identity,
        series=[s.name for s in all_series],
        commit=workshop.commit,
        epoch=None,
    )
    return provenance.parse(statement, "the rebuild's statement"), sha256


def _identity(asked: dict[str, Any]) -> Identity:
    try:
        kind = IdentityKind(asked["identity"])
        return Identity(kind, asked["name"], asked["version"], asked["buildTag"])
    except (KeyError, ValueError) as error:
        raise ProvenanceError(f"its parameters lack {error}", "build the wheel again") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WheelError(f"{path} cannot be read: {error.strerror}", "name a wheel file") from error


def _release(filename: str, workshop: Workshop) -> Release | None:
    try:
        version = Version(names.parse_filename(filename).version)
    except (WheelError, InvalidVersion):
        return None
    return workshop.catalog.find(version.public)


class _Base(NamedTuple):
    """The stock wheel that another is compared with."""

    filename: str
    archive: Archive


def _delta(
    base: _Base | None,
    release: Release | None,
    series: Sequence[str],
    workshop: Workshop,
    notes: list[str],
) -> Delta | None:
    if base is None or release is None:
        return None
    try:
        return make_delta(release, base.archive, workshop.series(series), workshop.cache)
    except BuilderError as error:
        notes.append(f"what the patches make of it is unknown: {error.message}")
        return None


def _stock(
    given: Path | None, release: Release | None, workshop: Workshop, notes: list[str]
) -> _Base | None:
    if given is not None:
        content = _read(given)
        if release is None:
            notes.append("its version is not in the catalog, so its patches are unknown")
        elif hashlib.sha256(content).hexdigest() != release.wheel.sha256:
            notes.append(f"{given.name} is not the stock wheel that the catalog pins")
        return _Base(given.name, archive.parse(content, given.name))
    if release is None:
        notes.append("its version is not in the catalog: there is no stock wheel to compare with")
        return None
    try:
        content = workshop.stock(release).content
    except IndexLookupError as error:
        notes.append(f"the stock wheel is not at hand: {error.message}")
        return None
    name = release.wheel.filename
    return _Base(name, archive.parse(content, name))


def _claimed_series(wheel: Path) -> list[str] | None:
    beside = provenance_path(wheel)
    if not beside.exists():
        return None
    document = provenance.parse(beside.read_bytes(), beside.name)
    return [str(name) for name in provenance.parameters(document)["series"]]
