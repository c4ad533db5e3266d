"""Make and verify attestations of wheels (PEP 740).

A publishing workflow makes them, and anybody can verify them. An attestation is the file
`NAME.whl.publish.attestation` next to the wheel, as twine and the index expect.
"""

from __future__ import annotations

import hashlib
import logging
from functools import partial
from typing import TYPE_CHECKING, Any

from builder.errors import BuilderError, ProvenanceError, PublishError
from builder.system.input_files import MAX_DOCUMENT, read_input_file
from builder.system.limits import PAGE_SECONDS
from builder.system.waiting import run_with_deadline

if TYPE_CHECKING:
    from pathlib import Path

    from pypi_attestations import Attestation, Distribution
    from sigstore.verify.policy import VerificationPolicy

_ATTESTATION_SUFFIX = ".attestation"
_PUBLISH_SUFFIX = ".publish.attestation"
# Fulcio's certificate extensions: the repository and the workflow that signed
# (github.com/sigstore/fulcio, docs/oid-info.md).
_REPOSITORY_OID = "1.3.6.1.4.1.57264.1.12"
_WORKFLOW_OID = "1.3.6.1.4.1.57264.1.18"


def find_attestations(wheel: Path) -> tuple[Path, ...]:
    """Find the attestation files next to a wheel, sorted."""
    return tuple(
        sorted(
            p
            for p in wheel.parent.glob("*" + _ATTESTATION_SUFFIX)
            if p.name.startswith(f"{wheel.name}.") and p.is_file()
        )
    )


def verify_attestation(path: Path, filename: str, sha256: str, publisher: str | None) -> str:
    """Verify one attestation of a wheel: its subject, its signature, and who signed it.

    sigstore verifies the signature, the certificate and the transparency log's entry with the trust
    root that it ships. The network is not used.

    Args:
        path: the attestation's file.
        filename: the wheel's file name.
        sha256: the wheel's sha256, in hex.
        publisher: `OWNER/REPOSITORY` on GitHub that must have signed; None for any on
            GitHub.

    Returns:
        A description of what was verified.

    Raises:
        ProvenanceError: it is malformed, is about another file, or its signature is not valid.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from pypi_attestations import AttestationError
    from sigstore.errors import Error as SigstoreError

    found = _read_attestation(path)
    subject = _read_subject(found, path)
    if subject != (filename, sha256):
        raise ProvenanceError(
            f"{path.name} speaks of {subject[0]} (sha256 {subject[1]}), not of {filename}",
            "do not trust it; remove it, or fetch the wheel again",
        )
    # sigstore warns that it works offline, which is intended here.
    logging.getLogger("sigstore").setLevel(logging.ERROR)
    try:
        kind, _ = found.verify(
            _make_policy(publisher), _make_distribution(filename, sha256), offline=True
        )
        claims = found.certificate_claims
    except (AttestationError, SigstoreError, UnsupportedAlgorithm, ValueError) as error:
        raise ProvenanceError(
            f"{path.name} does not hold: {' '.join(str(error).split())}", "do not trust it"
        ) from error
    signer = (
        claims.get(_WORKFLOW_OID) or claims.get(_REPOSITORY_OID) or "someone with no repository"
    )
    return f"attestation {kind} signed by {signer}"


def sign_wheel(wheel: Path, seconds: float = PAGE_SECONDS) -> Path:
    """Sign a wheel with the identity of the current CI run, and write its attestation.

    Args:
        wheel: the wheel's file.
        seconds: the time limit for sigstore's servers and the provider of the identity.

    Returns:
        The attestation's path.

    Raises:
        PublishError: the run has no such identity, or sigstore does not answer.
    """
    target = wheel.with_name(wheel.name + _PUBLISH_SUFFIX)
    try:
        attestation = run_with_deadline(partial(_make_attestation, wheel), seconds, "sigstore")
    except BuilderError:
        raise
    except Exception as error:
        # Errors of Fulcio's and Rekor's clients derive from Exception only; many have no message.
        message = str(error) or f"{type(error).__name__}, {error.__cause__ or 'without a word'}"
        why = " ".join(message.split())
        raise PublishError(
            f"{wheel.name} could not be attested: {why}", "run it again; nothing was uploaded"
        ) from error
    target.write_text(attestation.model_dump_json(), encoding="utf-8")
    return target


def _make_attestation(wheel: Path) -> Attestation:
    from pypi_attestations import Attestation
    from sigstore.models import ClientTrustConfig
    from sigstore.oidc import IdentityToken, detect_credential
    from sigstore.sign import SigningContext

    credential = detect_credential()
    if credential is None:
        raise PublishError(
            "there is no identity to sign with: attestations are made in CI",
            "leave --attest out, or run it in the publish workflow (id-token: write)",
        )
    trust = ClientTrustConfig.production()
    # Attestations cannot contain entries of Rekor v2 yet; pypi_attestations' own signer does the
    # same.
    trust.force_tlog_version = 1
    with SigningContext.from_trust_config(trust).signer(IdentityToken(credential)) as signer:
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        return Attestation.sign(signer, _make_distribution(wheel.name, digest))


def _read_attestation(path: Path) -> Attestation:
    from pydantic import ValidationError
    from pypi_attestations import Attestation

    try:
        return Attestation.model_validate_json(read_input_file(path, MAX_DOCUMENT))
    except (ValidationError, OSError) as error:
        first = " ".join(str(error).split())[:200]
        raise ProvenanceError(
            f"{path.name} is no attestation: {first}", "remove it, or fetch it again"
        ) from error


def _read_subject(found: Attestation, path: Path) -> tuple[str, str]:
    """Read the file name and the sha256 (hex) that the statement is about."""
    try:
        statement: dict[str, Any] = found.statement
        ((name, sha256),) = ((s["name"], s["digest"]["sha256"]) for s in statement["subject"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ProvenanceError(
            f"{path.name} has no in-toto statement about one file", "remove it, or fetch it again"
        ) from error
    return str(name), str(sha256)


def _make_distribution(filename: str, sha256: str) -> Distribution:
    from pypi_attestations import Distribution

    return Distribution(name=filename, digest=sha256)


def _make_policy(publisher: str | None) -> VerificationPolicy:
    from sigstore.verify import policy

    signed_in_ci = policy.OIDCIssuerV2("https://token.actions.githubusercontent.com")
    if publisher is None:
        return signed_in_ci
    from_repository = policy.OIDCSourceRepositoryURI(f"https://github.com/{publisher}")
    return policy.AllOf([signed_in_ci, from_repository])
