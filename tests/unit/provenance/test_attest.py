"""Attestations: real ones, by sigstore, without a network; and all the ways to be none."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import tarfile
from typing import TYPE_CHECKING

import pytest

from builder.errors import ProvenanceError, PublishError
from builder.provenance.attest import find_attestations, sign_wheel, verify_attestation
from builder.releases.cache import Cache
from builder.releases.index import open_index_client
from builder.system.settings import read_user_settings
from tests.support.isolation import allow

if TYPE_CHECKING:
    from pathlib import Path

# What holds files that were really published with attestations: the library's own test data.
_PROJECT = "pypi-attestations"
_SDIST = "pypi_attestations-0.0.30.tar.gz"
_SDIST_SHA256 = "14ff13c76bbef02a483c2b77532da02bfd746b5141b881f355e06b9807434423"
_ATTESTED = "pypi_attestations-0.0.19.tar.gz"
_SIGNER = "trailofbits/pypi-attestations"


@pytest.fixture(scope="module")
def assets() -> dict[str, bytes]:
    """File name → content, from a pinned source distribution on the index."""
    settings = read_user_settings(os.environ)
    store = Cache(settings.cache)
    content = store.read_file(_SDIST_SHA256)
    if content is None:
        with (
            allow(),
            open_index_client(settings, settings.index_url) as client,
            store.make_download_path() as target,
        ):
            page = client.fetch_project_page(_PROJECT)
            package = next(p for p in page.packages if p.filename == _SDIST)
            client.simple.download_package(package, target, verify=False)
            content = store.add_download(target, _SDIST_SHA256)
    with tarfile.open(fileobj=io.BytesIO(content)) as opened:
        members = [m for m in opened.getmembers() if m.isfile() and "/test/assets/" in m.name]
        return {m.name.rpartition("/")[2]: _read(opened, m) for m in members}


def _read(opened: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = opened.extractfile(member)
    assert file is not None
    return file.read()


@pytest.fixture
def attested(assets: dict[str, bytes], tmp_path: Path) -> tuple[Path, Path]:
    """A file that a GitHub workflow published, and its attestation as the index gives it."""
    file = tmp_path / _ATTESTED
    file.write_bytes(assets[_ATTESTED])
    bundles = json.loads(assets[f"{_ATTESTED}.provenance"])["attestation_bundles"]
    beside = tmp_path / f"{_ATTESTED}.publish.attestation"
    beside.write_text(json.dumps(bundles[0]["attestations"][0]))
    return file, beside


def verify(attestation: Path, file: Path, publisher: str | None) -> str:
    """Verify an attestation of the file as it is now."""
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    return verify_attestation(attestation, file.name, sha256, publisher)


@pytest.mark.parametrize("publisher", [None, _SIGNER])
def test_a_real_attestation_holds(attested: tuple[Path, Path], publisher: str | None) -> None:
    """Signature, certificate and log entry; it says which workflow signed."""
    file, beside = attested
    said = verify(beside, file, publisher)
    assert f"github.com/{_SIGNER}/.github/workflows/release.yml" in said


def test_another_publisher_is_refused(attested: tuple[Path, Path]) -> None:
    """The signature holds, and it is not theirs."""
    file, beside = attested
    with pytest.raises(ProvenanceError, match="does not hold"):
        verify(beside, file, "someone/else")


def test_another_file_is_refused(attested: tuple[Path, Path]) -> None:
    """One byte more, or the same bytes under another name."""
    file, beside = attested
    other = file.with_name("pypi_attestations-0.0.20.tar.gz")
    other.write_bytes(file.read_bytes())
    with pytest.raises(ProvenanceError, match="speaks of"):
        verify(beside, other, None)
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(ProvenanceError, match="speaks of"):
        verify(beside, file, None)


def test_a_statement_that_was_changed_is_refused(attested: tuple[Path, Path]) -> None:
    """It speaks of the changed file then, and its signature does not hold any more."""
    file, beside = attested
    document = json.loads(beside.read_text())
    statement = json.loads(base64.b64decode(document["envelope"]["statement"]))
    file.write_bytes(b"malware")
    statement["subject"][0]["digest"]["sha256"] = hashlib.sha256(b"malware").hexdigest()
    forged = base64.b64encode(json.dumps(statement).encode()).decode()
    document["envelope"]["statement"] = forged
    beside.write_text(json.dumps(document))
    with pytest.raises(ProvenanceError, match="does not hold"):
        verify(beside, file, None)


@pytest.mark.parametrize(
    "name",
    [
        "gitlab_oidc_project-0.0.3.tar.gz",
        "circleci_sign_publish_example-0.0.1.dev137-py3-none-any.whl",
    ],
)
def test_a_good_signature_from_elsewhere_counts_for_nothing(
    name: str, assets: dict[str, bytes], tmp_path: Path
) -> None:
    """Other CI systems signed these; our wheels are published from GitHub."""
    file = tmp_path / name
    file.write_bytes(assets[name])
    beside = tmp_path / f"{name}.publish.attestation"
    beside.write_bytes(assets[beside.name])
    with pytest.raises(ProvenanceError, match="does not hold"):
        verify(beside, file, None)


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", '{"version": 2}', "\x00", '{"version": 1, "envelope": "x"}'],
)
def test_what_is_no_attestation_is_refused(content: str, attested: tuple[Path, Path]) -> None:
    """With its name, and without a traceback."""
    file, beside = attested
    beside.write_text(content)
    with pytest.raises(ProvenanceError, match="is no attestation"):
        verify(beside, file, None)


@pytest.mark.parametrize("statement", ["", "[]", "{}", '{"subject": []}', '{"subject": [1]}'])
def test_a_malformed_statement_is_refused(statement: str, attested: tuple[Path, Path]) -> None:
    """An envelope around something else."""
    file, beside = attested
    document = json.loads(beside.read_text())
    document["envelope"]["statement"] = base64.b64encode(statement.encode()).decode()
    beside.write_text(json.dumps(document))
    with pytest.raises(ProvenanceError, match="no in-toto statement"):
        verify(beside, file, None)


def test_signing_needs_a_workflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here is no identity to sign with; nothing is written."""
    for name in list(os.environ):
        if name.startswith(("GITHUB_", "ACTIONS_", "GITLAB_", "BUILDKITE", "CIRCLE", "SIGSTORE_")):
            monkeypatch.delenv(name)
    wheel = tmp_path / "tensorboardtmp-2.2.1-py3-none-any.whl"
    wheel.write_bytes(b"x")
    with pytest.raises(PublishError, match="no identity"):
        sign_wheel(wheel)
    assert find_attestations(wheel) == ()
