"""Upload wheels with twine, used as a library; all uploads go through this module.

twine finds the credentials (environment variables, ~/.pypirc, keyring, Trusted Publishing) and
speaks the upload API. When to send again is decided in `builder.publish.upload`: twine would
repeat a 5xx at once and without asking whether the file arrived.
"""

from __future__ import annotations

import base64
import io
import logging
import os
import sys
from contextlib import contextmanager, redirect_stdout
from functools import partial
from typing import TYPE_CHECKING, Protocol

from builder.errors import PublishError
from builder.publish.responses import UploadRefusedError, UploadResponse, shorten_response
from builder.publish.target import is_on_loopback
from builder.system.known_secrets import register_secret
from builder.system.limits import (
    ANSWER_BYTES,
    PAGE_SECONDS,
    UPLOAD_SECONDS,
    UPLOAD_SILENCE_SECONDS,
)
from builder.system.redact import REDACTED
from builder.system.waiting import DeadlineError, run_with_deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from requests import PreparedRequest, Response
    from requests.auth import AuthBase
    from twine.repository import Repository
    from twine.settings import Settings

    from builder.publish.target import PublishTarget
    from builder.system.http_client import Exchange
    from builder.system.settings import UserSettings

# Seconds to connect.
_CONNECT_SECONDS = 15.0
# How requests encodes the user name and the password.
_HEADER_ENCODING = "latin-1"


class Uploader(Protocol):
    """What `builder.publish.upload` needs of an index's upload side."""

    def send_wheel(self, wheel: Path, attestations: Sequence[Path]) -> UploadResponse:
        """Send a wheel once, and return the response."""
        ...


class UploadCredentials:
    """A user name and a password, which no repr, log or traceback shows."""

    def __init__(self, username: str | None, password: str | None) -> None:
        self.username = username
        self.password = password

    def __repr__(self) -> str:
        return f"UploadCredentials({REDACTED})"


class TwineUploader:
    """Uploads to one repository."""

    def __init__(
        self,
        target: PublishTarget,
        credentials: UploadCredentials,
        settings: UserSettings,
    ) -> None:
        self._target = target
        self._user_settings = settings
        self._credentials = credentials
        register_secret(credentials.password)
        self._repository: Repository | None = None

    def send_wheel(self, wheel: Path, attestations: Sequence[Path]) -> UploadResponse:
        """As `Uploader.send_wheel`.

        Raises:
            UploadRefusedError: there are no credentials for this repository, or none any more.
            PublishError: twine does not accept the file as a distribution.
        """
        from requests import RequestException
        from twine.exceptions import InvalidDistribution
        from twine.package import PackageFile

        from builder.system.http_client import BodyTooLargeError, name_server

        repository, exchange = self._open_repository()
        try:
            package = PackageFile.from_filename(str(wheel), comment=None)
            if attestations:
                package.add_attestations([str(path) for path in attestations])
        except InvalidDistribution as error:
            raise PublishError(
                f"{wheel.name} cannot be uploaded: {shorten_response(str(error))}", "build it again"
            ) from error
        try:
            # One attempt. The progress bar goes to stderr, as notes do.
            terminal = sys.stderr.isatty()
            with redirect_stdout(sys.stderr if terminal else io.StringIO()):
                response = run_with_deadline(
                    partial(repository.upload, package, max_redirects=1),
                    self._user_settings.get_timeout(UPLOAD_SECONDS),
                    name_server(self._target.upload_url),
                    exchange.abandon,
                )
        except (RequestException, OSError, ValueError) as error:
            # Keep only its text: the exception holds the request, and that holds the password.
            ours = isinstance(error, (DeadlineError, BodyTooLargeError))
            kind = "" if ours else f"{type(error).__name__}: "
            return UploadResponse(None, f"{kind}{error}")
        return self._to_upload_response(response)

    def _to_upload_response(self, response: Response) -> UploadResponse:
        from urllib3.exceptions import InvalidHeader
        from urllib3.util.retry import Retry

        response.encoding = "utf-8"  # what requests would guess may hide the password from us
        body = response.headers.get("Location") if response.is_redirect else response.text
        reason = response.reason or ""
        text = f"{reason} {'' if body is None else body}"
        wait = response.headers.get("Retry-After")
        try:
            seconds = None if wait is None else Retry().parse_retry_after(wait)
        except InvalidHeader:
            seconds = None
        return UploadResponse(response.status_code, text, seconds)

    def _open_repository(self) -> tuple[Repository, Exchange]:
        """Open the repository with its credentials, once, for an exchange of its own."""
        if self._repository is None:
            # A person may be asked for a password, which has no deadline.
            with _explain_login_errors(self._target):
                self._repository = (
                    self._log_in()
                    if sys.stdin.isatty()
                    else run_with_deadline(
                        self._log_in,
                        self._user_settings.get_timeout(PAGE_SECONDS),
                        "whoever gives the credentials",
                    )
                )
        return self._repository, self._configure_session(self._repository)

    def _log_in(self) -> Repository:
        twine_settings = self._make_twine_settings()
        twine_settings.check_repository_url()
        repository = twine_settings.create_repository()
        repository.session.auth = self._make_signer(twine_settings.auth.authenticator)
        return repository

    def _make_signer(self, authenticator: AuthBase) -> Callable[[PreparedRequest], PreparedRequest]:
        """Make what puts credentials into a request, and remembers them to hide them in responses.

        Trusted Publishing's tokens live for 15 minutes: twine mints another in here when it must.
        """

        def sign_request(request: PreparedRequest) -> PreparedRequest:
            with _explain_login_errors(self._target):
                signed = authenticator(request)
            encoded = signed.headers["Authorization"].removeprefix("Basic ")
            _, _, password = base64.b64decode(encoded).decode(_HEADER_ENCODING).partition(":")
            register_secret(password)
            return signed

        return sign_request

    def _make_twine_settings(self) -> Settings:
        from twine.settings import Settings

        target = self._target
        twine_settings = Settings(
            repository_name=target.name,
            repository_url=None if target.from_pypirc else target.upload_url,
            username=self._credentials.username,
            password=self._credentials.password,
            cacert=self._user_settings.ca_bundle,
            non_interactive=not sys.stdin.isatty(),
            disable_progress_bar=not sys.stderr.isatty(),
        )
        # It would announce retries of its own, which are not made.
        logging.getLogger("twine").setLevel(logging.ERROR)
        return twine_settings

    def _configure_session(self, repository: Repository) -> Exchange:
        """Bound answers and times, which twine does not; retry only connections that failed."""
        from urllib3.util.retry import Retry

        from builder.system.http_client import BoundedAdapter, Exchange

        exchange = Exchange()
        retry = Retry(connect=2, read=0, redirect=0, status=0, other=0)
        timeout = self._user_settings.timeout
        # Never before the user's own deadline.
        seconds = UPLOAD_SILENCE_SECONDS if timeout is None else timeout + 1
        adapter = BoundedAdapter(
            exchange, retry, lambda: ANSWER_BYTES, (min(seconds, _CONNECT_SECONDS), seconds)
        )
        for scheme in ("https://", "http://"):
            repository.session.mount(scheme, adapter)
        if is_on_loopback(self._target.upload_url):
            repository.session.trust_env = False
        elif self._user_settings.http_proxy is not None:
            proxies = dict.fromkeys(("http", "https"), self._user_settings.http_proxy)
            repository.session.proxies = proxies
        return exchange


def read_credentials(env: Mapping[str, str]) -> UploadCredentials:
    """Read credentials from environment variables; twine looks elsewhere for missing ones."""
    return UploadCredentials(env.get("TWINE_USERNAME") or None, env.get("TWINE_PASSWORD") or None)


@contextmanager
def _explain_login_errors(target: PublishTarget) -> Iterator[None]:
    from requests import RequestException
    from twine.exceptions import TwineException

    try:
        yield
    except (TwineException, RequestException, DeadlineError, EOFError) as error:
        why = shorten_response(str(error)) or type(error).__name__
        where = os.path.expanduser("~/.pypirc")  # noqa: PTH111 - twine's own way
        raise UploadRefusedError(
            f"there are no credentials for {target.name}: {why}",
            f"put a token into {where} (mode 600) or TWINE_PASSWORD; in CI use Trusted Publishing",
        ) from error
