"""A Jupyter that is not ours, and what it says of the TensorBoard in it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from builder.errors import RequestError, SmokeError
from builder.smoke.kernel import started
from builder.smoke.model import VARIABLE, Deployment, ProbeFailure, Site
from builder.smoke.web import Web

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from builder.smoke.model import Frontend

_LAYERS = ("kernel", "only", "endpoints", "ports", "browser", "reopen")
_ASK = f"""
import json, os
try:
    from tensorboard.version import VERSION
except ImportError:
    VERSION = None
print(json.dumps([VERSION, os.environ.get({VARIABLE!r})]))
"""


class Existing(NamedTuple):
    """A running Jupyter: its address with a slash at the end, and a token that lets us in."""

    url: str
    token: str

    @property
    def host(self) -> str:
        """The name or address of its host."""
        return urlsplit(self.url).hostname or ""

    @property
    def label(self) -> str:
        """Host and port, fit for a directory's name."""
        return urlsplit(self.url).netloc.replace(":", "-")


def parse(url: str, token_file: Path) -> Existing:
    """Take an address and a token file from the command line.

    Raises:
        RequestError: the address is none of a Jupyter, or there is no token in the file.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
        raise RequestError(
            f"{url!r} is not the address of a Jupyter",
            "the user's own server, such as https://hub.example.org/user/ann/",
        )
    if parts.username or parts.password:
        raise RequestError("the address holds a password", "put a token into --token-file")
    try:
        token = token_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"{token_file} cannot be read: {error}", "put a token there") from error
    if not token or not token.isprintable() or " " in token:
        raise RequestError(f"{token_file} holds no token", "one line with the token alone")
    return Existing(url if url.endswith("/") else f"{url}/", token)


def ask(there: Existing, frontend: Frontend, ca_bundle: str | None) -> tuple[Deployment, str]:
    """Ask a kernel which TensorBoard it has and what its variable is.

    Returns:
        The deployment as it turns out to be, and the TensorBoard release.

    Raises:
        SmokeError: it cannot be reached, does not let us in, or has no TensorBoard.
    """
    import requests

    web = Web(there.url, there.token, ca_bundle=ca_bundle)
    try:
        with started(web, "tensorboard-proxy-question.ipynb") as kernel:
            release, variable = kernel.value(_ASK)
    except (ProbeFailure, requests.RequestException) as error:
        raise SmokeError(
            f"no kernel can be had at {there.url}: {error}",
            "is it running, is it the user's own server, and does the token belong to it?",
        ) from error
    finally:
        web.close()
    if release is None:
        raise SmokeError(f"the kernel at {there.url} has no TensorBoard", "install a wheel there")
    base_url = urlsplit(there.url).path
    return Deployment(there.label, frontend, base_url, variable, _LAYERS), str(release)


@contextmanager
def visiting(there: Existing, deployment: Deployment, release: str) -> Iterator[Site]:
    """The site of a Jupyter that runs anyway; nothing is started or ended."""
    yield Site(deployment, there.url, there.token, release)
