"""What an index serves: asked anew each time, so that lag can be told from failure."""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from builder.errors import PublishError
from builder.publish.target import on_loopback
from builder.releases.index import open_client
from builder.system.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypi_simple import DistributionPackage, PyPISimple

    from builder.system.settings import Environment

_TIMEOUT = 30.0
# Indexes stand behind caches that keep project pages for minutes; pip asks them in this way too.
_FRESH = {"Cache-Control": "max-age=0"}


class UnansweredError(PublishError):
    """The index did not answer this time; it may the next time."""


class Shelf(Protocol):
    """What the delivery asks of an index's download side."""

    def listed(self, filename: str) -> str | None:
        """The sha256 of a file as the index lists it; None if it lists none of that name."""
        ...

    def served(self, filename: str) -> str | None:
        """The sha256 of the bytes that the index serves; None if it does not serve them yet."""
        ...


class IndexShelf:
    """A project's files on an index that speaks the Simple Repository API (PEP 503, 691)."""

    def __init__(self, environment: Environment, index_url: str, project: str) -> None:
        self._environment = environment
        self._index_url = index_url
        self._project = project

    def listed(self, filename: str) -> str | None:
        """As `Shelf.listed`.

        Raises:
            UnansweredError: the index did not answer.
            PublishError: the index does not let us read.
        """
        with self._client() as client:
            found = self._find(client, filename)
            if found is None:
                return None
            sha256 = (found.digests or {}).get("sha256")
            return sha256 or self._fetch(client, found)

    def served(self, filename: str) -> str | None:
        """As `Shelf.served`; raises the same."""
        with self._client() as client:
            found = self._find(client, filename)
            return None if found is None else self._fetch(client, found)

    def _find(self, client: PyPISimple, filename: str) -> DistributionPackage | None:
        from pypi_simple import NoSuchProjectError

        try:
            page = client.get_project_page(self._project, timeout=_TIMEOUT, headers=_FRESH)
        except NoSuchProjectError:
            return None
        return next((p for p in page.packages if p.filename == filename), None)

    def _fetch(self, client: PyPISimple, package: DistributionPackage) -> str | None:
        from requests import HTTPError

        with tempfile.TemporaryDirectory(prefix="served-") as room:
            target = Path(room) / "file"
            try:
                client.download_package(package, target, verify=False, timeout=_TIMEOUT)
            except HTTPError as error:
                if error.response.status_code == 404:
                    return None
                raise
            with target.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()

    @contextmanager
    def _client(self) -> Iterator[PyPISimple]:
        from requests import HTTPError, RequestException

        try:
            with open_client(self._environment, self._index_url, retries=0) as client:
                if on_loopback(self._index_url):
                    client.s.trust_env = False
                    client.s.proxies = {}
                yield client
        except HTTPError as error:
            status = error.response.status_code
            if status in {401, 403}:
                raise PublishError(
                    f"{redact(self._index_url)} does not let us read ({status})",
                    "put the host's user name and password into ~/.netrc; see also --index-url",
                ) from error
            raise self._unanswered(str(status)) from error
        except (RequestException, OSError, ValueError) as error:
            raise self._unanswered(redact(str(error))) from error

    def _unanswered(self, why: str) -> UnansweredError:
        return UnansweredError(
            f"{redact(self._index_url)} did not answer: {why}",
            "look at the network, the proxy and CA settings, and at --index-url",
        )
