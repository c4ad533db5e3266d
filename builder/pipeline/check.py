"""Check: any wheel, with what can be found out about where it comes from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from packaging.version import InvalidVersion, Version

from builder import deep, provenance
from builder.checks import run_checks
from builder.checks.subject import Subject
from builder.delta import make_delta
from builder.errors import (
    BuilderError,
    IndexLookupError,
    ProvenanceError,
    WheelError,
)
from builder.output import provenance_path
from builder.wheel import archive, names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from builder.model import Delta, Finding, Release
    from builder.pipeline.workshop import Workshop
    from builder.provenance import Claim
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
    content = read_wheel(wheel)
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


def read_claim(wheel: Path) -> Claim | None:
    """What the statement beside a wheel says; None if there is no statement.

    Raises:
        ProvenanceError: there is one, and it is malformed or cannot be read.
    """
    beside = provenance_path(wheel)
    try:
        return provenance.parse(beside.read_bytes(), beside.name)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ProvenanceError(
            f"{beside} cannot be read: {error.strerror}", "build the wheel again"
        ) from error


def read_wheel(path: Path) -> bytes:
    """A wheel's bytes.

    Raises:
        WheelError: the file cannot be read.
    """
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
        return make_delta(release, base.archive, workshop.series(series))
    except BuilderError as error:
        notes.append(f"what the patches make of it is unknown: {error.message}")
        return None


def _stock(
    given: Path | None, release: Release | None, workshop: Workshop, notes: list[str]
) -> _Base | None:
    if given is not None:
        content = read_wheel(given)
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


def _claimed_series(wheel: Path) -> tuple[str, ...] | None:
    claim = read_claim(wheel)
    return None if claim is None else claim.series
