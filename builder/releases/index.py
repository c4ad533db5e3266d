"""List TensorBoard's wheels on the package index, and download them.

`pypi_simple` does this over `requests`, with the user's proxies, netrc and CA settings. Credentials
in an index URL never appear in a message.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

from builder.errors import DISK_FULL_ERRORS, IndexLookupError
from builder.model import PACKAGE
from builder.releases.project_page import (
    ProjectPageError,
    explain_page_errors,
    to_listed_wheel,
)
from builder.system.addresses import is_proxy_address, is_web_address, mask_address
from builder.system.known_secrets import hide_secrets
from builder.system.limits import DOWNLOAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

    from pypi_simple import DistributionPackage, ProjectPage, PyPISimple

    from builder.model import ListedWheel
    from builder.system.http_client import BoundedSession
    from builder.system.settings import UserSettings

_RETRIES = 3


class Progress(Protocol):
    """The interface for download progress: `with progress(total) as p: p.update(n)`, in bytes."""

    def __call__(self, total: int | None, /) -> ProgressTracker:
        """Begin a download of that many bytes; None if the size is unknown."""
        ...


class ProgressTracker(Protocol):
    """One running download."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> bool | None: ...

    def update(self, increment: int, /) -> None:
        """Add that many received bytes."""
        ...


class PackageIndex(Protocol):
    """The interface of a package index."""

    def list_wheels(self) -> dict[str, list[ListedWheel]]:
        """List the wheels: version → its wheels. A missing hash or size is "" or 0."""
        ...

    def download_file(self, wheel: ListedWheel, target: Path, progress: Progress) -> None:
        """Download a file of at most the wheel's size.

        It is not verified here: the cache does that against its pin.
        """
        ...


class SimpleIndex:
    """An index with the Simple Repository API (PEP 503, 691, 700)."""

    def __init__(
        self, settings: UserSettings, check_cancelled: Callable[[], None] = lambda: None
    ) -> None:
        self._settings = settings
        self._check_cancelled = check_cancelled
        self._packages: list[DistributionPackage] | None = None

    def list_wheels(self) -> dict[str, list[ListedWheel]]:
        """As `PackageIndex.list_wheels`.

        Raises:
            IndexLookupError: the index does not answer, or does not have TensorBoard.
        """
        listed: dict[str, list[ListedWheel]] = {}
        for package in self._list_packages():
            wheel = to_listed_wheel(package)
            if wheel is not None:
                listed.setdefault(str(package.version), []).append(wheel)
        return listed

    def download_file(self, wheel: ListedWheel, target: Path, progress: Progress) -> None:
        """As `PackageIndex.download_file`.

        Raises:
            IndexLookupError: the index does not list the file, or the download fails.
        """
        packages = self._list_packages()
        package = next((p for p in packages if p.filename == wheel.filename), None)
        if package is None:
            raise IndexLookupError(
                f"the index does not list {wheel.filename}",
                "look at PIP_INDEX_URL: a mirror may lack old releases",
            )
        with self._open_client() as client:
            client.session.run_download(
                partial(
                    client.simple.download_package,
                    package,
                    target,
                    verify=False,
                    progress=progress,
                ),
                package.url,
                wheel.size or DOWNLOAD_BYTES,
            )

    def _list_packages(self) -> list[DistributionPackage]:
        if self._packages is None:
            with self._open_client() as client:
                self._packages = client.fetch_project_page(PACKAGE).packages
        return self._packages

    @contextmanager
    def _open_client(self) -> Iterator[IndexClient]:
        # Imported here: together they take 0.2 s, which a build from the cache saves.
        from pypi_simple import NoSuchProjectError
        from requests import RequestException

        try:
            with open_index_client(
                self._settings,
                self._settings.index_url,
                check_cancelled=self._check_cancelled,
            ) as client:
                yield client
        except NoSuchProjectError as error:
            raise IndexLookupError(
                f"the index has no project {PACKAGE}", "look at PIP_INDEX_URL"
            ) from error
        except ProjectPageError as error:
            raise IndexLookupError(
                f"the index cannot be read: {error}", "look at PIP_INDEX_URL"
            ) from error
        except (RequestException, OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno in DISK_FULL_ERRORS:
                raise  # it is about where a file goes, which the caller knows
            raise IndexLookupError(
                f"the index did not answer: {hide_secrets(str(error), 'its client')}",
                "look at the network, PIP_INDEX_URL, the proxy and CA settings; with a warm cache, "
                "--offline works without",
            ) from error


class IndexClient(NamedTuple):
    """A client for an index, and the session that it uses; both have to be closed once."""

    simple: PyPISimple
    session: BoundedSession

    def fetch_project_page(
        self, project: str, headers: dict[str, str] | None = None
    ) -> ProjectPage:
        """Fetch the page of a project.

        Raises:
            NoSuchProjectError: the index has no such project.
            ProjectPageError: the page cannot be read.
            RequestException, OSError, ValueError: it did not answer, in time or at all.
        """
        fetch = partial(
            self.simple.get_project_page,
            project,
            headers=None if headers is None else dict(headers),
        )
        with explain_page_errors():
            return self.session.run_page_request(fetch, self.simple.endpoint)


@contextmanager
def open_index_client(
    settings: UserSettings,
    index_url: str | None,
    *,
    retries: int = _RETRIES,
    check_cancelled: Callable[[], None] = lambda: None,
) -> Iterator[IndexClient]:
    """Open a client for an index, with the user's proxy and CA settings, during the block.

    Args:
        settings: the user's settings.
        index_url: the URL of the Simple API; None for the public index.
        retries: how often a request is repeated that got no answer, 429 or 5xx.
        check_cancelled: called while it waits; raises if the run was interrupted.

    Raises:
        IndexLookupError: the address of the index or of the proxy is malformed.
    """
    proxy = settings.http_proxy
    if index_url is not None and not is_web_address(index_url):
        raise _make_address_error("the index", index_url, "PIP_INDEX_URL")
    if proxy is not None and not is_proxy_address(proxy):
        raise _make_address_error("the proxy", proxy, "PIP_PROXY")
    from pypi_simple import PYPI_SIMPLE_ENDPOINT, PyPISimple

    from builder.system.http_client import BoundedSession

    with BoundedSession(settings, retries=retries, check_cancelled=check_cancelled) as session:
        yield IndexClient(PyPISimple(index_url or PYPI_SIMPLE_ENDPOINT, session=session), session)


def _make_address_error(what: str, address: str, name: str) -> IndexLookupError:
    # A library that cannot parse it would quote it, with what may be its password.
    return IndexLookupError(
        f"the address of {what} is malformed: {mask_address(address)}",
        f"look at {name}; percent-encode what is neither letter nor digit in a user or password",
    )


class OfflineIndex:
    """The index of `--offline`: it has no files, and every call fails with that reason."""

    def list_wheels(self) -> dict[str, list[ListedWheel]]:
        """Always fail.

        Raises:
            IndexLookupError: always.
        """
        raise IndexLookupError(
            "the index was asked for, and --offline forbids it", "leave --offline out"
        )

    def download_file(self, wheel: ListedWheel, target: Path, progress: Progress) -> None:
        """Always fail.

        Raises:
            IndexLookupError: always.
        """
        del wheel, target, progress
        raise IndexLookupError(
            "it is not in the cache, and --offline forbids to fetch it",
            "leave --offline out once, then it is there",
        )
