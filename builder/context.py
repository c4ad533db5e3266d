"""What every verb works with: the catalog, the series, and the doors."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from builder.errors import InterruptedRunError, RequestError
from builder.git import PUBLIC_REMOTE, Mirror, Remote, open_mirror
from builder.patching.series import load_series
from builder.releases.eras import Era, get_era
from builder.releases.stock_wheels import FetchedWheel, fetch_stock_wheel, look_up_release
from builder.system.pythons import PythonFinder
from builder.system.virtualenvs import make_uv_env

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from builder.model import Release
    from builder.patching.series import Series
    from builder.releases.cache import Cache
    from builder.releases.catalog import Catalog
    from builder.releases.index import PackageIndex
    from builder.releases.request import RequestedReleases
    from builder.system.console import Console
    from builder.system.settings import UserSettings

_SERIES_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True, slots=True)
class Sources:
    """Where upstream's source is: its repository, and one more that has commits, or None."""

    upstream: Remote = PUBLIC_REMOTE
    commits: Remote | None = None
    offline: bool = False


@dataclass(frozen=True)
class Workshop:
    """The doors and the pinned facts of one run.

    Attributes:
        catalog: pinned releases.
        patches: the directory that holds the series.
        cache: stock wheels that were fetched before.
        index: where the others are.
        console: where words go.
        environment: the user's settings.
        environ: the whole environment, for programs that we start.
        commit: the git commit of this tool, or None.
        sources: where upstream's source is; nobody is asked before `mirror` is.
        python_paths: interpreters, or directories with some, that come before all others.
        cancelled: set when the run is interrupted.
    """

    catalog: Catalog
    patches: Path
    cache: Cache
    index: PackageIndex
    console: Console
    environment: UserSettings
    environ: Mapping[str, str]
    commit: str | None
    sources: Sources = Sources()
    python_paths: tuple[Path, ...] = ()
    cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def uv_environ(self) -> dict[str, str]:
        """What uv and pip start with: the environment, with the index and CAs of the user's pip."""
        return make_uv_env(self.environment, self.environ)

    @cached_property
    def pythons(self) -> PythonFinder:
        """The CPythons of this machine, each looked for when it is needed."""
        return PythonFinder(self.uv_environ, self.python_paths, self.console.print_note)

    @cached_property
    def mirror(self) -> Mirror:
        """Upstream's repository, mirrored in the cache.

        Raises:
            SourceError: it cannot be had.
        """
        return open_mirror(
            self.environment.cache / "git",
            self.sources.upstream,
            self.sources.commits,
            self.environ,
            self.environment,
            offline=self.sources.offline,
            note=self.console.print_note,
            check_cancelled=self.check_cancelled,
        )

    def releases(self, wanted: RequestedReleases) -> list[Release]:
        """What was asked for; what the catalog does not have is looked up, with a notice.

        Raises:
            RequestError: no such release.
            IndexLookupError: it cannot be looked up.
        """
        found = list(wanted.releases)
        for version in wanted.unknown:
            release = look_up_release(version, self.catalog, self.index)
            self.console.print_note(
                f"{release.version} is not in the catalog; used as the index lists it now "
                "(`nox -s catalog -- update` pins it)"
            )
            found.append(release)
        for release in found:
            if release.yanked:
                self.console.print_note(f"{release.version} is yanked upstream")
        return found

    def era(self, version: str) -> Era:
        """The Python and the date at which a release of the catalog is at home.

        Raises:
            RequestError: the catalog does not have it.
            IndexLookupError: it is not known when it was uploaded.
        """
        release = self.catalog.find_release(version)
        if release is None:
            raise RequestError(f"{version} is not in the catalog", "`nox -s catalog -- update`")
        return get_era(release)

    def series(self, names: Sequence[str]) -> list[Series]:
        """The series of these names, in this order.

        Raises:
            RequestError: a name is none, or stands twice: names may come from a provenance file,
                and must not lead out of the directory.
            PatchError: one is missing or malformed.
        """
        for name in names:
            if not _SERIES_NAME.fullmatch(name) or names.count(name) > 1:
                raise RequestError(
                    f"{name!r} is no series name, or stands twice",
                    "name series as the directories in patches/ are called, each once",
                )
        return [load_series(self.patches / name) for name in names]

    def stock(self, release: Release) -> FetchedWheel:
        """The release's stock wheel, verified.

        Raises:
            IndexLookupError: it cannot be had.
        """
        wheel = release.wheel
        progress = self.console.make_download_progress(wheel.filename, self.check_cancelled)
        return fetch_stock_wheel(wheel, self.cache, self.index, progress)

    def check_cancelled(self) -> None:
        """Stop here if the run was interrupted.

        Raises:
            InterruptedRunError: it was.
        """
        if self.cancelled.is_set():
            raise InterruptedRunError("interrupted", "nothing was left half-written; run it again")
