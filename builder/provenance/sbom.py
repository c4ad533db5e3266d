"""Make the bill of materials (SBOM) of a wheel: CycloneDX 1.6, JSON.

CycloneDX and not SPDX, because its pedigree describes exactly what our wheels are: an ancestor (the
stock wheel, by its sha256) and the patches applied to it. `spdx-tools` also depends on an RDF
stack. The SBOM is made from the wheel and its provenance alone, so that anybody can make it again:
the serial number comes from the wheel's sha256, and it has a time only if SOURCE_DATE_EPOCH is set.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

from builder import __version__
from builder.model import PACKAGE
from builder.provenance.document import decode_statement
from builder.provenance.statements import CODEMODS_URI

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cyclonedx.model.component import Component, Pedigree

    from builder.provenance.document import BuildDefinition, Resource

SBOM_SUFFIX = ".cdx.json"
_LICENCE = "Apache-2.0"
# How the URIs of patches begin in provenance. Those of series.toml do too, but it is no patch.
_PATCH_PREFIXES = ("patches/", CODEMODS_URI)
_SERIES_FILE = "/series.toml"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:tensorboard-proxy-wheels:sbom")


def get_sbom_path(wheel: Path) -> Path:
    """Return the path of a wheel's bill of materials, next to the wheel."""
    return wheel.with_name(wheel.name + SBOM_SUFFIX)


def make_sbom(
    statement: bytes, requires_dist: Sequence[str], requires_python: str | None, epoch: int | None
) -> bytes:
    """Make the bill of materials of one wheel, as the bytes of its file.

    Args:
        statement: its provenance statement, already verified.
        requires_dist: the requirements in its METADATA.
        requires_python: the Pythons that its METADATA allows.
        epoch: SOURCE_DATE_EPOCH in seconds, or None.
    """
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output import make_outputter
    from cyclonedx.schema import OutputFormat, SchemaVersion

    document = decode_statement(statement)
    (subject,) = document.subject
    definition = document.predicate.build_definition
    wheel = _make_wheel_component(subject, definition, requires_python)
    tool = Component(
        name="tensorboard-proxy-wheels", version=__version__, type=ComponentType.APPLICATION
    )
    stamp = datetime.fromtimestamp(epoch or 0, UTC)
    metadata = BomMetaData(component=wheel, timestamp=stamp)
    metadata.tools.components.add(tool)
    needed = _make_required_components(requires_dist)
    bom = Bom(
        serial_number=uuid.uuid5(_NAMESPACE, subject.digest["sha256"]),
        metadata=metadata,
        components=needed,
    )
    bom.register_dependency(wheel, needed)
    text = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string()
    sbom = json.loads(text)
    if epoch is None:
        # The library always writes a time; the format does not require one.
        del sbom["metadata"]["timestamp"]
    return (json.dumps(sbom, indent=2, ensure_ascii=False) + "\n").encode()


def _make_wheel_component(
    subject: Resource, definition: BuildDefinition, requires_python: str | None
) -> Component:
    """Make the component of our wheel: its name, and what it was made from."""
    from cyclonedx.model import Property

    parameters = definition.external_parameters
    wheel = _make_component(
        parameters.name, parameters.version, subject.name, subject.digest["sha256"]
    )
    wheel.pedigree = _make_pedigree(definition.resolved_dependencies, parameters.release)
    if requires_python is not None:
        wheel.properties.add(Property(name="python:requires-python", value=requires_python))
    return wheel


def _make_pedigree(materials: Sequence[Resource], release: str) -> Pedigree:
    from cyclonedx.model import XsUri
    from cyclonedx.model.component import Diff, Patch, PatchClassification, Pedigree

    stock = [m for m in materials if m.uri.startswith(f"pkg:pypi/{PACKAGE}@")]
    patches = [
        m for m in materials if m.uri.startswith(_PATCH_PREFIXES) and _SERIES_FILE not in m.uri
    ]
    notes = "; ".join(f"{p.name} sha256:{p.digest['sha256']}" for p in patches)
    return Pedigree(
        ancestors=[_make_component(PACKAGE, release, m.name, m.digest["sha256"]) for m in stock],
        patches=[
            Patch(type=PatchClassification.UNOFFICIAL, diff=Diff(url=XsUri(p.uri))) for p in patches
        ],
        notes=notes or "no patch was applied",
    )


def _make_component(name: str, version: str, filename: str, sha256: str) -> Component:
    from cyclonedx.contrib.license.factories import LicenseFactory
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    purl = PackageURL("pypi", name=name, version=version, qualifiers={"file_name": filename})
    return Component(
        name=name,
        version=version,
        type=ComponentType.LIBRARY,
        bom_ref=filename,
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sha256)],
        licenses=[LicenseFactory().make_with_expression(_LICENCE)],
        purl=purl,
    )


def _make_required_components(requires_dist: Sequence[str]) -> list[Component]:
    """Make a component for each required project; versions are chosen only at installation."""
    from cyclonedx.model import Property
    from cyclonedx.model.component import Component, ComponentScope, ComponentType
    from packageurl import PackageURL

    by_name: dict[str, list[Requirement]] = {}
    for line in requires_dist:
        found = Requirement(line)
        by_name.setdefault(found.name, []).append(found)
    return [
        Component(
            name=name,
            type=ComponentType.LIBRARY,
            bom_ref=f"requires:{name}",
            scope=ComponentScope.OPTIONAL
            if all(r.marker for r in lines)
            else ComponentScope.REQUIRED,
            purl=PackageURL("pypi", name=name),
            properties=[Property(name="python:requires-dist", value=str(r)) for r in lines],
        )
        for name, lines in sorted(by_name.items())
    ]
