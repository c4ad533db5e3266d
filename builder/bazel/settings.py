"""Pass the user's network settings to a build container: proxies, certificates, the index.

All of them are passed at run time: proxies as environment variables, the rest as files below
/settings, which is a separate volume. So none of them is in an image, in its history, or in a key
of Bazel's caches; actions get only fixed paths.
"""

from __future__ import annotations

import configparser
import io
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlsplit, urlunsplit

from builder.errors import RequestError
from builder.system.input_files import MAX_DOCUMENT, read_input_file
from builder.system.warning_filters import ignore_warnings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.system.settings import UserSettings

SETTINGS_DIR = "/settings"
_PROXY_VARIABLES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
_CERTIFICATE_VARIABLES = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "PIP_CERT",
    "NODE_EXTRA_CA_CERTS",
)
# pip's variables for the index. PIP_FIND_LINKS is not passed, as it mostly names host directories.
_PIP_VARIABLES = {"PIP_EXTRA_INDEX_URL": "extra-index-url", "PIP_TRUSTED_HOST": "trusted-host"}
_PEM_BEGIN = b"-----BEGIN CERTIFICATE-----"


class NetworkSettings(NamedTuple):
    """Environment variables, and files by their path below `SETTINGS_DIR`."""

    env: Mapping[str, str]
    files: Mapping[str, bytes]

    @property
    def has_certificates(self) -> bool:
        """Whether there are certificates for the container."""
        return "ca.pem" in self.files


def gather_network_settings(
    env: Mapping[str, str], settings: UserSettings, bundle: bytes | None
) -> NetworkSettings:
    """Gather the network settings for a container.

    Args:
        env: the user's environment.
        settings: the index and the proxy, from the environment and pip's files.
        bundle: PEM certificates for programs in the container, or None for the image's own.

    Raises:
        RequestError: the bundle has no certificate, or one that cannot be read.
    """
    # These variables are for what is not a Bazel action: upstream's `bazel run` (up to 1.14), and
    # rules that fetch. Actions get theirs from the rc file, see `bazelrc`.
    variables = {"PIP_CONFIG_FILE": f"{SETTINGS_DIR}/pip.conf", **_read_proxies(env, settings)}
    files: dict[str, bytes] = {}
    if bundle is not None:
        variables |= dict.fromkeys(_CERTIFICATE_VARIABLES, f"{SETTINGS_DIR}/ca.pem")
        variables["APT_CONFIG"] = f"{SETTINGS_DIR}/apt.conf"
        files["ca.pem"] = bundle
        files["ca.p12"] = make_trust_store(bundle)
        files["apt.conf"] = f'Acquire::https::CAInfo "{SETTINGS_DIR}/ca.pem";\n'.encode()
    files["pip.conf"] = _render_pip_config(env, settings, trusts=bundle is not None)
    return NetworkSettings(variables, files)


def read_ca_bundle(chosen: Path | None, env: Mapping[str, str], settings: UserSettings) -> bytes:
    """Read the certificates that the host trusts.

    Args:
        chosen: a file, or a directory of files as for pip and OpenSSL; None for the host's.
        env: the user's environment.
        settings: has pip's setting for certificates.

    Returns:
        PEM certificates; empty if none are configured and the host has no bundle.

    Raises:
        RequestError: a bundle that was named cannot be read, or a bundle has no certificate.
    """
    named = env.get("REQUESTS_CA_BUNDLE") or settings.ca_bundle
    path = chosen or Path(named or "/etc/ssl/certs/ca-certificates.crt")
    try:
        files = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
        found = b"\n".join(dict.fromkeys(read_input_file(p, MAX_DOCUMENT) for p in files))
    except OSError as error:
        if chosen is None and named is None:
            return b""
        raise RequestError(
            f"the CA bundle {path} cannot be read: {error.strerror}", "name a file of certificates"
        ) from error
    if _PEM_BEGIN not in found:
        raise RequestError(
            f"the CA bundle {path} has no certificate in it", "name a file of PEM certificates"
        )
    return found


def has_foreign_certificates(bundle: bytes) -> bool:
    """Whether a bundle has certificates that are not in certifi's bundle, which is Mozilla's list.

    Linux distributions can be older or newer than certifi. Then this is True, which does no harm.
    """
    import certifi

    return bool(
        _split_certificates(bundle) - _split_certificates(Path(certifi.where()).read_bytes())
    )


def make_trust_store(bundle: bytes) -> bytes:
    """Make a trust store for Java: PKCS #12 with Java's trust attribute, password `changeit`.

    It is encrypted with old algorithms (3DES, SHA-1), since the Java in Bazel 0.21 supports nothing
    newer; nothing in it is secret.

    Raises:
        RequestError: the bundle has a certificate that cannot be read, or none.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.serialization import PrivateFormat
    from cryptography.hazmat.primitives.serialization.pkcs12 import (
        PBES,
        PKCS12Certificate,
        serialize_java_truststore,
    )

    try:
        # cryptography warns of roots in common bundles whose serial numbers are no longer allowed.
        with ignore_warnings():
            parsed = dict.fromkeys(x509.load_pem_x509_certificates(bundle))
    except ValueError as error:
        raise RequestError(
            "the CA bundle has a certificate that cannot be read", "name PEM certificates"
        ) from error
    entries = [
        PKCS12Certificate(certificate, f"ca{number}".encode())
        for number, certificate in enumerate(parsed)
    ]
    old = PrivateFormat.PKCS12.encryption_builder().hmac_hash(SHA1())  # noqa: S303 - see above
    encryption = old.key_cert_algorithm(PBES.PBESv1SHA1And3KeyTripleDESCBC).build(b"changeit")
    return serialize_java_truststore(entries, encryption)


def _split_certificates(bundle: bytes) -> set[bytes]:
    """Split a bundle into the base64 texts of its certificates, without white space."""
    blocks = bundle.split(_PEM_BEGIN)[1:]
    return {b"".join(block.partition(b"-----END")[0].split()) for block in blocks}


def _read_proxies(env: Mapping[str, str], settings: UserSettings) -> dict[str, str]:
    """Read the proxy variables; set each in lower and upper case, as programs read only one."""
    found = {n: env.get(n) or env.get(n.upper()) or "" for n in _PROXY_VARIABLES}
    if settings.http_proxy:
        for name in ("http_proxy", "https_proxy"):
            found[name] = found[name] or settings.http_proxy
    return {spelling: v for n, v in found.items() if v for spelling in (n, n.upper())}


def _render_pip_config(env: Mapping[str, str], settings: UserSettings, *, trusts: bool) -> bytes:
    """Render pip's configuration, including the proxy, as actions get no proxy variables."""
    values: dict[str, str] = {}
    if settings.index_url:
        values["index-url"] = _add_netrc_login(settings.index_url)
    values |= {key: env[name] for name, key in _PIP_VARIABLES.items() if env.get(name)}
    proxy = _find_index_proxy(env, settings)
    if proxy:
        values["proxy"] = proxy
    if trusts:
        values["cert"] = f"{SETTINGS_DIR}/ca.pem"
    parser = configparser.RawConfigParser()
    parser["global"] = {key: " ".join(value.split()) for key, value in values.items()}
    sink = io.StringIO()
    parser.write(sink)
    return sink.getvalue().encode()


def _find_index_proxy(env: Mapping[str, str], settings: UserSettings) -> str | None:
    """Find the proxy for the index; None if there is none, or NO_PROXY excludes the index."""
    from pypi_simple import PYPI_SIMPLE_ENDPOINT
    from requests.utils import select_proxy, should_bypass_proxies

    variables = _read_proxies(env, settings)
    url = settings.index_url or PYPI_SIMPLE_ENDPOINT
    if should_bypass_proxies(url, variables.get("no_proxy", "")):
        return None
    proxies = {n.removesuffix("_proxy"): v for n, v in variables.items() if n != "no_proxy"}
    return select_proxy(url, proxies)


def _add_netrc_login(url: str) -> str:
    """Add the user and password from netrc to a URL, as a container has no netrc."""
    from requests.utils import get_netrc_auth

    parts = urlsplit(url)
    found = None if "@" in parts.netloc else get_netrc_auth(url)
    if not found:
        return url
    userinfo = ":".join(quote(word, safe="") for word in found)
    return urlunsplit(parts._replace(netloc=f"{userinfo}@{parts.netloc}"))
