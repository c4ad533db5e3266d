"""The one door for uploads: twine, used as a library.

twine finds the credentials (environment, ~/.pypirc, keyring, Trusted Publishing) and speaks the
upload API. When to send again is decided in `builder.publish.delivery`: twine would repeat a 5xx at
once and without asking whether the file arrived.
"""

from __future__ import annotations

import base64
import io
import logging
import os
import sys
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any, Protocol

from builder.errors import PublishError
from builder.publish.answers import Answer, RefusedError, shorten
from builder.publish.target import on_loopback
from builder.system.redact import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from requests import PreparedRequest, Response
    from requests.auth import AuthBase
    from twine.repository import Repository
    from twine.settings import Settings

    from builder.publish.target import Target
    from builder.system.settings import Environment

# Seconds to connect, and seconds without a byte: an index may take its time over a large wheel.
_TIMEOUT = (15.0, 120.0)
# Characters. A password of fewer is none, and would be found in any sentence.
_SECRET = 4
# How requests encodes both.
_WIRE = "latin-1"


class Uploader(Protocol):
    """What the delivery asks of an index's upload side."""

    def send(self, wheel: Path, attestations: Sequence[Path]) -> Answer:
        """Send a wheel once, and say what came back."""
        ...


class Password:
    """A user name and a password that no repr, log or traceback spells out."""

    def __init__(self, username: str | None, password: str | None) -> None:
        self.username = username
        self.password = password

    def __repr__(self) -> str:
        return "Password(***)"


class TwineUploader:
    """Uploads to one repository."""

    def __init__(
        self,
        target: Target,
        credentials: Password,
        environment: Environment,
        *,
        timeout: tuple[float, float] = _TIMEOUT,
    ) -> None:
        self._target = target
        self._timeout = timeout
        self._environment = environment
        self._credentials = credentials
        self._repository: Repository | None = None

    def send(self, wheel: Path, attestations: Sequence[Path]) -> Answer:
        """As `Uploader.send`.

        Raises:
            RefusedError: there are no credentials for this repository, or none any more.
            PublishError: twine does not take the file for a distribution.
        """
        from requests import RequestException
        from twine.exceptions import InvalidDistribution
        from twine.package import PackageFile

        repository = self._open()
        try:
            package = PackageFile.from_filename(str(wheel), comment=None)
            if attestations:
                package.add_attestations([str(path) for path in attestations])
        except InvalidDistribution as error:
            raise PublishError(
                f"{wheel.name} cannot be uploaded: {shorten(str(error))}", "build it again"
            ) from error
        try:
            # One attempt; a progress bar goes where notes go.
            terminal = sys.stderr.isatty()
            with redirect_stdout(sys.stderr if terminal else io.StringIO()):
                response = repository.upload(package, max_redirects=1)
        except (RequestException, OSError) as error:
            # Not `from error`: it holds the request, and that holds the password.
            return Answer(None, self._clean(f"{type(error).__name__}: {error}"))
        return self._answer(response)

    def _answer(self, response: Response) -> Answer:
        from urllib3.exceptions import InvalidHeader
        from urllib3.util.retry import Retry

        said = response.headers.get("Location") if response.is_redirect else response.text
        reason = response.reason or ""
        text = self._clean(f"{reason} {'' if said is None else said}")
        wait = response.headers.get("Retry-After")
        try:
            seconds = None if wait is None else Retry().parse_retry_after(wait)
        except InvalidHeader:
            seconds = None
        return Answer(response.status_code, text, seconds)

    def _open(self) -> Repository:
        """The repository, with credentials; found once."""
        if self._repository is None:
            with _explained(self._target):
                settings = self._settings()
                settings.check_repository_url()
                self._repository = settings.create_repository()
                self._repository.session.auth = self._signer(settings.auth.authenticator)
            self._prepare(self._repository)
        return self._repository

    def _signer(self, authenticator: AuthBase) -> Callable[[PreparedRequest], PreparedRequest]:
        """What puts credentials into a request, and remembers them for what comes back.

        Trusted Publishing's tokens live for 15 minutes: twine mints another in here when it must.
        """

        def sign(request: PreparedRequest) -> PreparedRequest:
            with _explained(self._target):
                signed = authenticator(request)
            encoded = signed.headers["Authorization"].removeprefix("Basic ")
            username, _, password = base64.b64decode(encoded).decode(_WIRE).partition(":")
            self._credentials = Password(username, password)
            return signed

        return sign

    def _settings(self) -> Settings:
        from twine.settings import Settings

        target = self._target
        settings = Settings(
            repository_name=target.name,
            repository_url=None if target.from_pypirc else target.upload_url,
            username=self._credentials.username,
            password=self._credentials.password,
            cacert=self._environment.ca_bundle,
            non_interactive=not sys.stdin.isatty(),
            disable_progress_bar=not sys.stderr.isatty(),
        )
        # It would announce attempts of its own that there are none of.
        logging.getLogger("twine").setLevel(logging.ERROR)
        return settings

    def _prepare(self, repository: Repository) -> None:
        """Time-outs, which twine sets none of; no repeats beyond a connection that never was."""
        from requests.adapters import HTTPAdapter
        from urllib3.util.retry import Retry

        patience = self._timeout

        class Timed(HTTPAdapter):
            def send(self, *args: Any, **kwargs: Any) -> Response:
                kwargs["timeout"] = patience
                return super().send(*args, **kwargs)

        again = Retry(connect=2, read=0, redirect=0, status=0, other=0)
        for scheme in ("https://", "http://"):
            repository.session.mount(scheme, Timed(max_retries=again))
        if on_loopback(self._target.upload_url):
            repository.session.trust_env = False
        elif self._environment.http_proxy is not None:
            proxies = dict.fromkeys(("http", "https"), self._environment.http_proxy)
            repository.session.proxies = proxies

    def _clean(self, text: str) -> str:
        """What a server said, without our password should it send that back."""
        given = self._credentials
        if given.password and len(given.password) >= _SECRET:
            pair = f"{given.username}:{given.password}".encode(_WIRE, "replace")
            for secret in (given.password, base64.b64encode(pair).decode()):
                text = text.replace(secret, "***")
        return redact(text)


def credentials(environ: Mapping[str, str]) -> Password:
    """What the environment says; what it does not say twine finds elsewhere."""
    return Password(environ.get("TWINE_USERNAME") or None, environ.get("TWINE_PASSWORD") or None)


@contextmanager
def _explained(target: Target) -> Iterator[None]:
    from requests import RequestException
    from twine.exceptions import TwineException

    try:
        yield
    except (TwineException, RequestException, EOFError) as error:
        why = redact(shorten(str(error))) or type(error).__name__
        where = os.path.expanduser("~/.pypirc")  # noqa: PTH111 - twine's own way
        raise RefusedError(
            f"there are no credentials for {target.name}: {why}",
            f"put a token into {where} (mode 600) or TWINE_PASSWORD; in CI use Trusted Publishing",
        ) from error
