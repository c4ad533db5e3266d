"""Prepare a wheel for its upload: read it once, check it again, collect its statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from builder.errors import NewFindingsError, ProvenanceError, RequestError, UncheckedError
from builder.model import FindingStatus
from builder.provenance import attest
from builder.provenance.claims import describe_patches
from builder.provenance.sbom import make_sbom
from builder.publish.upload import Upload
from builder.system.input_files import MAX_DOCUMENT, read_input_file
from builder.verify.check import check_wheel
from builder.verify.rebuild import verify_provenance
from builder.verify.wheel_file import read_wheel_file
from builder.wheel import archive, metadata
from builder.wheel.rewrite import find_dist_info

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from builder.context import RunContext
    from builder.model import Identity
    from builder.provenance.claims import Claim
    from builder.verify.sources import WheelSources
    from builder.verify.wheel_file import WheelFile


class RequestedWheel(NamedTuple):
    """The wheel that a user asks for: release, identity, series, and commits by their full ids."""

    release: str
    identity: Identity
    series: tuple[str, ...]
    commits: tuple[str, ...]

    def describe(self) -> str:
        """Describe it in words."""
        tag = "" if self.identity.build_tag is None else f" (build {self.identity.build_tag})"
        return (
            f"{self.identity.name} {self.identity.version}{tag} of release {self.release} with "
            f"{describe_patches(self.series, self.commits)}"
        )


class PreparedWheel(NamedTuple):
    """A checked copy of a wheel, in a directory that nothing else writes to, and its statement."""

    upload: Upload
    claim: Claim
    statement: bytes


def prepare_wheel(
    wheel: Path,
    workdir: Path,
    sources: WheelSources,
    context: RunContext,
    *,
    requested: RequestedWheel,
    attested: bool,
) -> PreparedWheel:
    """Read the wheel and the files next to it once, and check what was read.

    Args:
        wheel: the file.
        workdir: where the copy goes that is checked, and sent later.
        sources: what the wheel is rebuilt from.
        context: the context of the run.
        requested: what the user asked for.
        attested: also take and verify the attestations next to the wheel.

    Raises:
        NewFindingsError: it has findings that its stock wheel does not have.
        ProvenanceError: it is not what its provenance says.
        UncheckedError: some checks could not be decided.
        RequestError: it is another wheel than the requested one.
    """
    read = read_wheel_file(wheel)
    copied = workdir / wheel.name
    copied.write_bytes(read.content)
    attestations = []
    for path in attest.find_attestations(wheel) if attested else ():
        attestations.append(workdir / path.name)
        attestations[-1].write_bytes(_read_attestation(path))
        attest.verify_attestation(attestations[-1], wheel.name, read.sha256, None)
    # Findings first: nothing that a statement says may hide them.
    unchecked = _refuse_new_findings(read, sources, context, requested.series)
    if read.statement is not None:
        _refuse_other_wheel(wheel.name, read.statement.claim, requested)
    verified = verify_provenance(read, sources, requested.commits)
    if unchecked:
        raise UncheckedError(
            f"{wheel.name}: {', '.join(unchecked)} could not be decided",
            f"`nox -s check -- {wheel.name}` says what is missing",
        )
    upload = Upload(copied, wheel.name, read.sha256, tuple(attestations))
    return PreparedWheel(upload, verified.statement.claim, verified.statement.content)


def _refuse_other_wheel(filename: str, claim: Claim, requested: RequestedWheel) -> None:
    """Refuse a wheel that is said to be another one; that it is what is said is verified apart."""
    commits = () if claim.picks is None else claim.picks.commits
    claimed = RequestedWheel(claim.release, claim.identity, claim.series, commits)
    if claimed != requested:
        raise RequestError(
            f"{filename} is said to be {claimed.describe()}, and what is to be published is "
            f"{requested.describe()}",
            "build that one (`nox -s build` with --force), or ask for this one (--name, "
            "--local-version, --build-tag, --series, --cherry-pick)",
        )


def _read_attestation(path: Path) -> bytes:
    try:
        return read_input_file(path, MAX_DOCUMENT)
    except OSError as error:
        raise ProvenanceError(
            f"{path} cannot be read: {error.strerror}", "remove it, or fetch it again"
        ) from error


def _refuse_new_findings(
    wheel: WheelFile, sources: WheelSources, context: RunContext, series: Sequence[str]
) -> list[str]:
    """Refuse a wheel with new findings; returns the codes of what could not be decided."""
    checked = check_wheel(
        wheel,
        sources,
        context,
        stock=None,
        series=None,
        default_series=series,
        run_deep=False,
    )
    new = checked.list_codes(FindingStatus.NEW)
    if new:
        raise NewFindingsError(f"{wheel.name} fails {', '.join(new)}", checked.make_hint())
    return checked.list_codes(FindingStatus.UNCHECKED)


def make_wheel_sbom(prepared: PreparedWheel, epoch: int | None) -> bytes:
    """Make a wheel's bill of materials, for SOURCE_DATE_EPOCH in seconds or None."""
    content = prepared.upload.path.read_bytes()
    made = archive.parse_archive(content, prepared.upload.filename)
    document = made.find_member(f"{find_dist_info(made, prepared.upload.filename)}/METADATA")
    stated = metadata.parse_metadata(b"" if document is None else document.read())
    pythons = stated.get_values("Requires-Python")
    return make_sbom(
        prepared.statement,
        stated.get_values("Requires-Dist"),
        pythons[0] if pythons else None,
        epoch,
    )
