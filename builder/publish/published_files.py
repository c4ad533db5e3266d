"""Query what an index serves, anew each time, so that lag can be told from failure."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from builder.errors import PublishError
from builder.publish.target import is_on_loopback
from builder.releases.index import open_index_client
from builder.system.addresses import mask_address
from builder.system.files import make_temporary_directory
from builder.system.known_secrets import hide_secrets
from builder.system.limits import DOWNLOAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypi_simple import DistributionPackage

    from builder.releases.index import IndexClient
    from builder.system.settings import UserSettings

# Indexes are behind caches that keep project pages for minutes; pip sends this header too.
_NO_CACHE_HEADERS = {"Cache-Control": "max-age=0"}


class IndexUnavailableError(PublishError):
    """The index did not answer this time; it may the next time."""


class PublishedFiles(Protocol):
    """What `builder.publish.upload` needs of an index's download side."""

    def fetch_listed_sha256(self, filename: str) -> str | None:
        """Return the sha256 of a file as the index lists it; None if it lists no such name."""
        ...

    def fetch_served_sha256(self, filename: str) -> str | None:
        """Return the sha256 of the bytes that the index serves; None if it serves none yet."""
        ...


class SimpleIndexFiles:
    """A project's files on an index that speaks the Simple Repository API (PEP 503, 691)."""

    def __init__(self, settings: UserSettings, index_url: str, project: str) -> None:
        self._settings = settings
        self._index_url = index_url
        self._project = project

    def fetch_listed_sha256(self, filename: str) -> str | None:
        """As `PublishedFiles.fetch_listed_sha256`.

        Raises:
            IndexUnavailableError: the index did not answer.
            PublishError: the index does not let us read.
        """
        with self._open_client() as client:
            found = self._find_package(client, filename)
            if found is None:
                return None
            sha256 = (found.digests or {}).get("sha256")
            return sha256 or self._download_sha256(client, found)

    def fetch_served_sha256(self, filename: str) -> str | None:
        """As `PublishedFiles.fetch_served_sha256`; raises the same."""
        with self._open_client() as client:
            found = self._find_package(client, filename)
            return None if found is None else self._download_sha256(client, found)

    def _find_package(self, client: IndexClient, filename: str) -> DistributionPackage | None:
        from pypi_simple import NoSuchProjectError

        try:
            page = client.fetch_project_page(self._project, _NO_CACHE_HEADERS)
        except NoSuchProjectError:
            return None
        return next((p for p in page.packages if p.filename == filename), None)

    def _download_sha256(self, client: IndexClient, package: DistributionPackage) -> str | None:
        from requests import HTTPError

        with make_temporary_directory("tensorboard-wheels-served-") as workdir:
            target = Path(workdir) / "file"
            try:
                # Its digest is not verified here: the caller compares it, and says what differs.
                client.session.run_download(
                    partial(client.simple.download_package, package, target, verify=False),
                    package.url,
                    package.size or DOWNLOAD_BYTES,
                )
            except HTTPError as error:
                if error.response.status_code == 404:
                    return None
                raise
            with target.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()

    @contextmanager
    def _open_client(self) -> Iterator[IndexClient]:
        from requests import HTTPError, RequestException

        try:
            with open_index_client(self._settings, self._index_url, retries=0) as client:
                if is_on_loopback(self._index_url):
                    client.session.trust_env = False
                    client.session.proxies = {}
                yield client
        except HTTPError as error:
            status = error.response.status_code
            if status in {401, 403}:
                raise PublishError(
                    f"{mask_address(self._index_url)} does not let us read ({status})",
                    "put the host's user name and password into ~/.netrc; see also --index-url",
                ) from error
            raise self._make_unavailable_error(str(status)) from error
        except (RequestException, OSError, ValueError) as error:
            raise self._make_unavailable_error(hide_secrets(str(error), "its client")) from error

    def _make_unavailable_error(self, why: str) -> IndexUnavailableError:
        return IndexUnavailableError(
            f"{mask_address(self._index_url)} did not answer: {why}",
            "look at the network, the proxy and CA settings, and at --index-url",
        )
