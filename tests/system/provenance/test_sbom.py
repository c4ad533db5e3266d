"""The bill of materials beside a wheel."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from builder.provenance.sbom import make_sbom

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli import RunBuilder

_REQUIRES = ["absl-py>=0.4", 'futures>=3.1.1; python_version < "3"', "six>=1.10.0"]


@pytest.fixture
def statement(run_builder: RunBuilder, tmp_path: Path) -> bytes:
    """A real one."""
    assert run_builder("build", "2.2.1").returncode == 0
    return next((tmp_path / "dist").glob("*.provenance.json")).read_bytes()


def test_it_is_valid_and_says_what_the_wheel_is_made_of(statement: bytes) -> None:
    """By CycloneDX's own schema; ancestor, patches and requirements are the statement's."""
    made = make_sbom(statement, _REQUIRES, ">=3.7", None)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(made.decode()) is None
    document = json.loads(made)
    claimed = json.loads(statement)
    wheel = document["metadata"]["component"]
    assert wheel["hashes"] == [
        {"alg": "SHA-256", "content": claimed["subject"][0]["digest"]["sha256"]}
    ]
    assert (wheel["name"], wheel["version"]) == ("tensorboardtmp", "2.2.1")
    materials = claimed["predicate"]["buildDefinition"]["resolvedDependencies"]
    (ancestor,) = wheel["pedigree"]["ancestors"]
    assert ancestor["hashes"][0]["content"] == materials[0]["digest"]["sha256"]
    assert _patches(wheel) == {
        m["uri"] for m in materials[1:] if not m["uri"].endswith("series.toml")
    }
    scopes = {c["name"]: c["scope"] for c in document["components"]}
    assert scopes == {"absl-py": "required", "futures": "optional", "six": "required"}


def _patches(wheel: dict[str, Any]) -> set[str]:
    return {p["diff"]["url"] for p in wheel["pedigree"]["patches"]}


def test_it_is_the_same_whenever_it_is_made(statement: bytes) -> None:
    """No clock and no chance; another wheel has another serial number."""
    one, two = (make_sbom(statement, _REQUIRES, None, None) for _ in range(2))
    assert one == two
    assert "timestamp" not in json.loads(one)["metadata"]
    sha256 = json.loads(statement)["subject"][0]["digest"]["sha256"]
    other = make_sbom(statement.replace(sha256.encode(), b"0" * 64), _REQUIRES, None, None)
    assert json.loads(other)["serialNumber"] != json.loads(one)["serialNumber"]


def test_a_time_comes_from_source_date_epoch_only(statement: bytes) -> None:
    """As in the provenance."""
    made = json.loads(make_sbom(statement, _REQUIRES, None, 1_600_000_000))
    assert made["metadata"]["timestamp"] == "2020-09-13T12:26:40+00:00"
