"""Certificates of a private authority, made anew for each run."""

from __future__ import annotations

import datetime
import ipaddress
from typing import TYPE_CHECKING, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

_DAY = datetime.timedelta(days=1)


class Authority(NamedTuple):
    """An authority that is a server too, by its own word."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        """Its certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def write(self, path: Path) -> Path:
        """Its key and certificate, for a server; the path."""
        secret = self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path.write_bytes(secret + self.pem)
        return path

    def issue(self, request: x509.CertificateSigningRequest) -> bytes:
        """A certificate for whoever asks."""
        unsigned = _builder(self.certificate.subject).public_key(request.public_key())
        issued = unsigned.subject_name(request.subject).sign(self.key, hashes.SHA256())
        return issued.public_bytes(serialization.Encoding.PEM)


def make_authority(address: str) -> Authority:
    """One for a server at that IP address."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a CA of a closed network")])
    at = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    certificate = (
        _builder(name)
        .subject_name(name)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(at, critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(key, certificate)


def _builder(issuer: x509.Name) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + _DAY)
    )
