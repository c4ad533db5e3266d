"""Choose the Bazel for a release, and fetch it."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from builder.bazel.toolchain import BASE_IMAGE_BAZEL, BazelBinary
from builder.errors import DISK_FULL_ERRORS, IndexLookupError, RequestError
from builder.system.input_files import MAX_PROGRAM, read_input_file
from builder.system.known_secrets import hide_secrets
from builder.system.limits import DOWNLOAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.bazel.release_table import ReleaseRow
    from builder.releases.cache import Cache
    from builder.releases.index import Progress
    from builder.system.http_client import BoundedSession
    from builder.system.settings import UserSettings

_DOWNLOAD_URL = "https://github.com/bazelbuild/bazel/releases/download/{0}/bazel-{0}-linux-x86_64"
_CHUNK_BYTES = 1 << 20


def choose_bazel(
    wanted: str | None,
    row: ReleaseRow | None,
    *,
    own_base: bool,
    architecture: str,
    fetch: Callable[[str, str], bytes],
) -> BazelBinary:
    """Choose the Bazel for a release.

    Args:
        wanted: `base`, a path or a URL; None for the base image's own Bazel if that image is ours,
            else for the version that upstream's CI used.
        row: the release's row in the release table, or None.
        own_base: whether the base image is ours.
        architecture: the architecture of the engine's images, as in uname, such as `x86_64`.
        fetch: fetches a binary by its URL and sha256.

    Raises:
        RequestError: the binary cannot be read, or its sha256 is not known.
        IndexLookupError: it cannot be fetched, or has another sha256.
    """
    version = None if row is None or row.bazel == "-" else row.bazel
    if wanted == BASE_IMAGE_BAZEL or (wanted is None and own_base):
        return BazelBinary(version)
    path = _parse_bazel_path(wanted)
    if path is not None:
        content = _read_bazel(path)
        return BazelBinary(version, hashlib.sha256(content).hexdigest(), content)
    if row is None or version is None or row.sha256 == "-":
        raise RequestError(
            "no Bazel is known for that release", "name a Bazel of yours: --bazel PATH"
        )
    if architecture != "x86_64":
        raise RequestError(
            f"Bazel's checksums are known for x86_64, and the engine is {architecture}",
            "name a Bazel of yours: --bazel PATH",
        )
    return BazelBinary(
        version, row.sha256, fetch(wanted or _DOWNLOAD_URL.format(version), row.sha256)
    )


def check_bazel_path(wanted: str | None) -> None:
    """Check early that a Bazel given by its path can be read.

    Raises:
        RequestError: it cannot be read.
    """
    path = _parse_bazel_path(wanted)
    if path is not None:
        _read_bazel(path)


def _parse_bazel_path(wanted: str | None) -> Path | None:
    return None if wanted is None or wanted == BASE_IMAGE_BAZEL or "://" in wanted else Path(wanted)


class BazelFetcher:
    """Get a file by its sha256 from the cache, or download it into the cache.

    The download happens on the host, so that the container needs neither the URL nor the network.
    """

    def __init__(
        self, cache: Cache, settings: UserSettings, progress: Progress, *, offline: bool
    ) -> None:
        self._cache = cache
        self._settings = settings
        self._progress = progress
        self._offline = offline

    def __call__(self, url: str, sha256: str) -> bytes:
        """Return the file's bytes.

        Raises:
            IndexLookupError: it cannot be fetched, or has another sha256.
        """
        content = self._cache.read_file(sha256)
        if content is not None:
            return content
        if self._offline:
            raise IndexLookupError(
                "Bazel is not in the cache, and --offline forbids to fetch it",
                "leave --offline out once; or name a Bazel of yours: --bazel PATH",
            )
        with self._cache.make_download_path() as path:
            self._download(url, path)
            return self._cache.add_download(path, sha256)

    def _download(self, url: str, target: Path) -> None:
        import requests

        from builder.system.http_client import BoundedSession

        try:
            with BoundedSession(self._settings) as session:
                session.run_download(
                    partial(self._copy_body, session, url, target), url, DOWNLOAD_BYTES
                )
        except (requests.RequestException, OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno in DISK_FULL_ERRORS:
                raise  # the cache says what to do
            raise IndexLookupError(
                f"Bazel cannot be fetched: {hide_secrets(str(error), 'its client')}",
                "look at the network and the proxy; or name a Bazel of yours: --bazel PATH|URL",
            ) from error

    def _copy_body(self, session: BoundedSession, url: str, target: Path) -> None:
        with session.get(url, stream=True) as response, target.open("wb") as sink:
            response.raise_for_status()
            size = response.headers.get("Content-Length", "")
            with self._progress(int(size) if size.isdigit() else None) as bar:
                for piece in response.iter_content(_CHUNK_BYTES):
                    sink.write(piece)
                    bar.update(len(piece))


def _read_bazel(path: Path) -> bytes:
    try:
        return read_input_file(path, MAX_PROGRAM)
    except OSError as error:
        raise RequestError(
            f"the Bazel {path} cannot be read: {error.strerror}",
            f"name a binary, an URL, or `{BASE_IMAGE_BAZEL}` for the base image's own",
        ) from error
