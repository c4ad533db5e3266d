"""Find out where a wheel goes: a rehearsal, a public index, a name from ~/.pypirc, or a URL."""

from __future__ import annotations

import configparser
import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from builder.errors import RequestError
from builder.system.addresses import is_web_address, mask_address
from builder.system.input_files import MAX_DOCUMENT, open_input_file

REHEARSAL = "rehearsal"
TESTPYPI = "testpypi"
# How the URL of uploads ends in warehouse's legacy API, and that of the Simple API; other indexes
# have both below one address.
_UPLOAD_PATH = "/legacy/"
_SIMPLE_PATH = "/simple/"
# Characters that uv does not accept in the name of an index.
_UNLABELLED = re.compile(r"[^A-Za-z0-9_-]+")


class PublishTarget(msgspec.Struct, frozen=True):
    """A repository that wheels are published to.

    Attributes:
        name: as the user called it.
        upload_url: where files are posted.
        index_url: where they are served (Simple Repository API).
        public: whether it is one of the public indexes, which never accept a file name again.
        from_pypirc: whether the name is that of a section of ~/.pypirc.
    """

    name: str
    upload_url: str
    index_url: str
    public: bool
    from_pypirc: bool = False

    @property
    def label(self) -> str:
        """What a project's configuration calls the index: the name, or the host for a URL."""
        name = (urlsplit(self.name).hostname or "") if "://" in self.name else self.name
        return _UNLABELLED.sub("-", name)


def resolve_repository(repository: str, index_url: str | None) -> PublishTarget:
    """Find out where uploads to a repository go, and where it serves them.

    Args:
        repository: `testpypi`, `pypi`, another section of ~/.pypirc, or the URL of uploads.
        index_url: where it serves files; None to derive it from where uploads go.

    Raises:
        RequestError: there is no such section, or the URL is malformed or has a password in it.
    """
    url = repository if "://" in repository else _find_upload_url(repository)
    for given in (url, index_url):
        if given is not None:
            _refuse_unusable_url(given, repository)
    return PublishTarget(
        name=repository,
        upload_url=url,
        index_url=index_url or _derive_index_url(url),
        public=is_public_index(url),
        from_pypirc="://" not in repository,
    )


def get_testpypi_index() -> str:
    """Return TestPyPI's index URL: the public index's, on the host with `test.` in front.

    twine knows where TestPyPI takes uploads, but it is not installed where one only builds.
    """
    from pypi_simple import PYPI_SIMPLE_ENDPOINT

    parts = urlsplit(PYPI_SIMPLE_ENDPOINT)
    return parts._replace(netloc=f"test.{parts.netloc}").geturl()


def is_public_index(url: str) -> bool:
    """Whether the URL is one of the public indexes', for uploads or for downloads."""
    from pypi_simple import PYPI_SIMPLE_ENDPOINT

    public = urlsplit(PYPI_SIMPLE_ENDPOINT).hostname or ""
    host = (urlsplit(url).hostname or "").rstrip(".")
    return host == public or host.endswith(f".{public}")


def is_on_loopback(url: str) -> bool:
    """Whether the URL is on this machine, where no proxy must be used."""
    return urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"}


def _find_upload_url(name: str) -> str:
    """Find the upload URL of a name, in ~/.pypirc or among twine's own two.

    Raises:
        RequestError: there is no such name.
    """
    from twine.exceptions import TwineException
    from twine.utils import DEFAULT_CONFIG_FILE, get_repository_from_config

    config = Path(DEFAULT_CONFIG_FILE).expanduser()
    try:
        with suppress(FileNotFoundError), open_input_file(config, MAX_DOCUMENT):
            pass  # twine would wait for a named pipe, and read a device without end
        found = get_repository_from_config(DEFAULT_CONFIG_FILE, name)
    except OSError as error:
        raise RequestError(
            f"{DEFAULT_CONFIG_FILE} cannot be read: {error.strerror}",
            "name the URL of uploads instead of a section",
        ) from error
    except (TwineException, configparser.Error, UnicodeDecodeError) as error:
        # twine's message quotes what it was given, and its cause quotes the file, which has
        # passwords. The first of its lines says what is wrong.
        masked, lines = mask_address(name), str(error).splitlines()
        is_shown = masked == name and isinstance(error, TwineException)
        raise RequestError(
            f"{masked} is no repository" + (f": {lines[0].rstrip('.')}" if is_shown else ""),
            f"name testpypi, pypi, a section of {DEFAULT_CONFIG_FILE}, or the URL of uploads",
        ) from None
    return found["repository"] or ""


def _refuse_unusable_url(url: str, repository: str) -> None:
    try:
        parts = urlsplit(url)
        credentials = parts.username or parts.password or parts.query
        usable = is_web_address(url) and parts.port != 0
    except ValueError:
        credentials, usable = None, False
    if credentials:
        raise RequestError(
            "the repository's URL has a user name or password in it, or a query, where others can "
            "read it",
            "put them into ~/.pypirc (mode 600) or TWINE_USERNAME and TWINE_PASSWORD",
        )
    if not usable:
        raise RequestError(
            f"{mask_address(repository)!r} has no usable address: {mask_address(url)!r}",
            "a URL begins with https://",
        )


def _derive_index_url(upload_url: str) -> str:
    """Derive the URL of the Simple API from the URL of uploads, by convention."""
    from pypi_simple import PYPI_SIMPLE_ENDPOINT
    from twine.utils import DEFAULT_REPOSITORY

    if upload_url.rstrip("/") == DEFAULT_REPOSITORY.rstrip("/"):
        return PYPI_SIMPLE_ENDPOINT
    base = upload_url.rstrip("/") + "/"
    return base.removesuffix(_UPLOAD_PATH).rstrip("/") + _SIMPLE_PATH
