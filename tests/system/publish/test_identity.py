"""The identity of a CI run: what upload tokens and signatures are made with, and what refuses it.

The CI system, the index, Fulcio and Rekor are one server of ours; the clients of twine, id and
sigstore talk to it over TLS.
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec.structs import replace
from sigstore.models import ClientTrustConfig

from builder.errors import PublishError
from builder.provenance.attest import find_attestations, sign_wheel
from builder.publish.responses import UploadRefusedError, shorten_response
from builder.publish.target import PublishTarget
from builder.publish.uploader import TwineUploader, UploadCredentials
from builder.system.settings import read_user_settings
from tests.support.certificates import Authority
from tests.support.upload_server import Act, Conduct, misbehaving
from tests.support.wheels import make_wheel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_TOKENS = ("pypi-canary-1414213562373", "pypi-canary-1732050807568")
_AUDIENCE, _MINT = "/_/oidc/audience", "/_/oidc/mint-token"
_ENTRIES = "/api/v1/log/entries"
_CERTIFICATES = "/api/v2/signingCert"
_REFUSED = '{"errors": [{"code": "invalid-publisher", "description": "valid token, no publisher"}]}'


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A real one."""
    file = make_wheel().file
    path = tmp_path / file.filename
    path.write_bytes(file.content)
    return path


@pytest.fixture
def conduct() -> Conduct:
    """An index that knows publishers, in a CI system that gives every run an identity."""
    now = int(time.time())
    claims = {"aud": "sigstore", "sub": "us", "iss": "https://ci.example", "iat": now}
    identity = jwt.encode({**claims, "exp": now + 600}, "k" * 32)
    return Conduct(
        besides={
            "/identity": lambda _: (200, json.dumps({"value": identity})),
            _AUDIENCE: lambda _: (200, json.dumps({"audience": claims["aud"]})),
        }
    )


@pytest.fixture
def authority() -> Authority:
    """It vouches for the server, and issues certificates for Fulcio."""
    return Authority("127.0.0.1")


@pytest.fixture
def url(
    conduct: Conduct,
    authority: Authority,
    wheel: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    """Where all of it is, for a process that is such a run from here on, its wheel made."""
    assert wheel.exists()
    bundle = tmp_path / "authority.pem"
    bundle.write_bytes(authority.pem)
    with misbehaving(conduct, authority.write(tmp_path / "server.pem")) as address:
        for name, value in {
            "HOME": str(tmp_path),
            "NO_PROXY": "127.0.0.1",
            "REQUESTS_CA_BUNDLE": str(bundle),
            "SSL_CERT_FILE": str(bundle),
            "GITHUB_ACTIONS": "true",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "of the run",
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{address}identity",
        }.items():
            monkeypatch.setenv(name, value)
        # Where twine takes Trusted Publishing to work.
        monkeypatch.setattr("twine.utils.TEST_REPOSITORY", address)
        yield address


def _uploader(url: str) -> TwineUploader:
    target = PublishTarget(url, url, f"{url}simple/", public=True)
    trusting = replace(read_user_settings(os.environ), ca_bundle=os.environ["REQUESTS_CA_BUNDLE"])
    return TwineUploader(target, UploadCredentials(None, None), trusting)


def _minted(token: str) -> tuple[int, str]:
    """A token that is about to expire: the next request gets another."""
    return 200, json.dumps({"success": True, "token": token, "expires": int(time.time())})


def _answers(conduct: Conduct, path: str, *answers: tuple[int, str]) -> None:
    left = list(answers)
    conduct.besides[path] = lambda _: left.pop(0)


def test_a_renewed_token_is_used_and_not_repeated(conduct: Conduct, url: str, wheel: Path) -> None:
    """The index sends it back, plain and encoded: it is not the one that we began with."""
    _answers(conduct, _MINT, *(_minted(token) for token in _TOKENS))
    conduct.acts = deque([Act(400, "you sent {authorization}")])
    answer = _uploader(url).send_wheel(wheel, ())
    assert "you sent" in answer.text
    (sent,) = conduct.authorizations
    encoded = sent.removeprefix("Basic ")
    assert base64.b64decode(encoded).decode() == f"__token__:{_TOKENS[1]}"
    shown = shorten_response(answer.text)
    assert "is not shown, as it could hold a password" in shown
    assert encoded not in shown
    assert _TOKENS[1] not in shown


@pytest.mark.parametrize(
    ("path", "answer", "words"),
    [
        (_MINT, (422, _REFUSED), "no publisher"),
        (_MINT, (502, "<p>gateway"), "JSON"),
        (_AUDIENCE, (404, ""), "404"),
    ],
    ids=["refused", "no token", "no audience"],
)
def test_a_token_that_is_not_renewed_ends_the_run(
    path: str, answer: tuple[int, str], words: str, conduct: Conduct, url: str, wheel: Path
) -> None:
    """Nothing is sent, and no other release would fare better."""
    _answers(conduct, _MINT, *(_minted(token) for token in _TOKENS))
    _answers(conduct, path, conduct.besides[path](b""), answer)
    with pytest.raises(UploadRefusedError, match=words) as caught:
        _uploader(url).send_wheel(wheel, ())
    assert "there are no credentials" in caught.value.message
    assert conduct.posts == 0


def _issue(authority: Authority, body: bytes) -> tuple[int, str]:
    """As Fulcio does."""
    request = base64.b64decode(json.loads(body)["certificateSigningRequest"])
    key = serialization.load_pem_private_key(authority.ca.private_key_pem.bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    wanted = x509.load_pem_x509_csr(request)
    issuer = x509.load_pem_x509_certificate(authority.pem)
    issued = (
        x509.CertificateBuilder()
        .issuer_name(issuer.subject)
        .subject_name(wanted.subject)
        .public_key(wanted.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(issuer.not_valid_before_utc)
        .not_valid_after(issuer.not_valid_after_utc)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    chain = {"certificates": [issued.decode(), authority.pem.decode()]}
    return 200, json.dumps({"signedCertificateEmbeddedSct": {"chain": chain}})


@pytest.mark.parametrize(
    ("services", "words"),
    [
        ({_CERTIFICATES: (403, "{}")}, "403"),
        ({_CERTIFICATES: (200, "{}")}, "chain"),
        ({_ENTRIES: (500, "")}, "500"),
        ({_ENTRIES: (200, "{}")}, "entries"),
    ],
    ids=["no certificate", "half a certificate", "no log", "half a log"],
)
def test_signing_that_is_refused_is_no_fault_of_ours(
    services: dict[str, tuple[int, str]],
    words: str,
    conduct: Conduct,
    authority: Authority,
    url: str,
    wheel: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What Fulcio and Rekor answer is said, and nothing is left beside the wheel."""
    trust = ClientTrustConfig.production(offline=True)
    chosen = trust._inner.signing_config  # noqa: SLF001 - theirs has no other way in
    for service in (*chosen.ca_urls, *chosen.rekor_tlog_urls):
        service.url = url.rstrip("/")
    chosen.tsa_urls = []
    monkeypatch.setattr(ClientTrustConfig, "production", lambda: trust)
    # Only a real log can vouch for a certificate.
    monkeypatch.setattr("sigstore.sign.verify_sct", lambda *_: None)
    issuing = {_CERTIFICATES: partial(_issue, authority)}
    refusing = {
        path: partial(lambda answer, _: answer, answer) for path, answer in services.items()
    }
    conduct.besides |= issuing | refusing
    with pytest.raises(PublishError, match=words) as caught:
        sign_wheel(wheel)
    assert "could not be attested" in caught.value.message
    assert find_attestations(wheel) == ()
