"""The Bazel backend put together: source, toolchain, container, and the wheel that comes out."""

from __future__ import annotations

import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from builder.bazel import binary, outcome, rc, run, settings, toolchain
from builder.bazel.prepare import Source, confirm, prepare, told
from builder.cherrypick.picker import open_picker
from builder.containers import door, images
from builder.provenance.statements import SourceBuild
from builder.wheel import archive
from builder.wheel.blobs import git_blob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from builder.bazel.table import Row
    from builder.cherrypick.picker import Picker
    from builder.context import Workshop
    from builder.model import Delta, Picked, Release
    from builder.patching.series import Series
    from builder.wheel.archive import Archive

_QUIET = 10.0  # seconds between two words of progress


@dataclass(frozen=True, slots=True)
class FoundryOptions:
    """What the user wants of the source build.

    Attributes:
        base: the toolchain's base image, or None for the usual one.
        bazel: `base`, a path or an URL; None for the release's own.
        services: remote cache, executor and flags.
        timeout: seconds for one release's build.
        ca_bundle: certificates to trust inside, or None for the host's.
        caches: the directory of Bazel's caches, or None for a volume of the engine.
        logs: the directory that keeps logs.
        dockerfiles: the directory of our Dockerfiles.
    """

    base: str | None
    bazel: str | None
    services: rc.Services
    timeout: float
    ca_bundle: Path | None
    caches: Path | None
    logs: Path
    dockerfiles: Path


class Cast(NamedTuple):
    """What came of a release's source.

    Attributes:
        wheel: the wheel that Bazel made.
        delta: what series and commits changed in the source; its `changes` are empty, as the wheel
            has them already.
        series: those that are left, for the wheel.
        picked: which commits went into the source.
        source: what provenance says of the build.
        log: where the log is kept.
        processes: how Bazel ran its actions, as it says, or "".
    """

    wheel: bytes
    delta: Delta
    series: Sequence[Series]
    picked: Picked
    source: SourceBuild
    log: Path
    processes: str


@dataclass(frozen=True)
class Foundry:
    """Where wheels are made from source; one for each run.

    Attributes:
        bench: makes toolchains.
        options: what the user wants.
        workshop: the doors.
    """

    bench: toolchain.Workbench
    options: FoundryOptions
    workshop: Workshop

    def cast(
        self, release: Release, stock: Archive, all_series: Sequence[Series], picker: Picker | None
    ) -> Cast:
        """Build a release from its source.

        Args:
            release: what to build.
            stock: the wheel that upstream published.
            all_series: what to apply, in order; those against git go into the source.
            picker: has the commits to pick before, or None.

        Raises:
            PatchError: a commit or a series does not go onto the source.
            SourceError: the source cannot be had, Bazel failed, or its wheel is not as it should.
            EngineError: the engine refused.
        """
        source = prepare(release, all_series, picker or open_picker((), self.workshop))
        row = self.bench.releases.get(release.version)
        bazel = self._bazel(row, release)
        log = self.options.logs / f"{release.version}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        tell = _Teller(release.version, self.workshop.console.note)
        image = toolchain.make(self.bench, bazel, log.with_suffix(".image.log"), tell.step)
        with tempfile.TemporaryDirectory(prefix="tensorboard-source-") as room:
            tar = Path(room) / "source.tar"
            source.picker.mirror.export(source.picked.head, tar)
            job = self._job(release, image, tar, source, bazel)
            watch = run.Watch(log, tell.step, self.workshop.check_cancelled)
            files = run.run(self.bench.engine, job, watch)
        wheel = outcome.find_wheel(files, release.wheel.filename)
        confirm(release, archive.parse(wheel, release.wheel.filename), stock, source)
        return Cast(
            wheel=wheel,
            delta=told(source),
            series=source.left,
            picked=source.picked,
            source=SourceBuild(self._materials(bazel, source), self._about(bazel, source)),
            log=log,
            processes=_processes(log),
        )

    def _job(
        self, release: Release, image: str, tar: Path, source: Source, bazel: toolchain.Bazel
    ) -> run.Job:
        inside = self.bench.inside
        services = self.options.services
        lines = rc.render(services, bazel.version, trusts=inside.has_certificates)
        return run.Job(
            release=release.version,
            image=image,
            source=tar,
            changed={path: change.after for path, change in source.delta.changes.items()},
            environ=inside.environ,
            settings={**inside.files, "bazelrc": lines},
            timeout=self.options.timeout,
            caches=self.options.caches,
        )

    def _bazel(self, row: Row | None, release: Release) -> toolchain.Bazel:
        workshop = self.workshop
        fetch = binary.Fetch(
            workshop.cache,
            workshop.environment,
            workshop.console.download(f"Bazel for {release.version}", workshop.check_cancelled),
            offline=workshop.sources.offline,
        )
        return binary.choose(
            self.options.bazel,
            row,
            own_base=self.bench.own_base,
            architecture=self.bench.engine.architecture,
            fetch=fetch,
        )

    def _materials(self, bazel: toolchain.Bazel, source: Source) -> list[Mapping[str, Any]]:
        """The source, the base image and Bazel, by their digests."""
        picked = source.picked
        image = images.identify(self.bench.engine, self.bench.base).removeprefix("sha256:")
        found: list[Mapping[str, Any]] = [
            {"name": "base image", "uri": self.bench.base, "digest": {"sha256": image}}
        ]
        if not picked.commits:  # else the cherry-pick names it
            where = f"git+{picked.upstream}@{picked.base}"
            found.append({"name": "release", "uri": where, "digest": {"gitCommit": picked.base}})
        if bazel.sha256 is not None:
            found.append({"name": "bazel", "digest": {"sha256": bazel.sha256}})
        return found

    def _about(self, bazel: toolchain.Bazel, source: Source) -> dict[str, Any]:
        """Nothing of it may hold an address or a value that is secret."""
        services = self.options.services
        return {
            "bazel": "given" if bazel.sha256 else "the base image's own",
            "flags": rc.names(services.flags),
            "remoteCache": services.remote_cache is not None,
            "remoteExecutor": services.remote_executor is not None,
            "built": {"gitCommit": source.picked.head, "gitTree": source.picked.tree},
            "changedInSource": {
                path: {"gitBlob": git_blob(change.after)}
                for path, change in sorted(source.delta.changes.items())
            },
        }


@contextmanager
def open_foundry(options: FoundryOptions, workshop: Workshop) -> Iterator[Foundry]:
    """Connect to the engine and choose the base image.

    Raises:
        EngineError: no engine answers, or the image cannot be had.
        RequestError: an option makes no sense.
    """
    rc.check(options.services)
    binary.check(options.bazel)
    bundle = settings.read_bundle(options.ca_bundle, workshop.environ, workshop.environment)
    trusted = bundle if options.ca_bundle or settings.foreign(bundle) else None
    inside = settings.gather(workshop.environ, workshop.environment, trusted)
    engine = door.connect(workshop.environ)
    yield Foundry(
        toolchain.open_workbench(
            engine, options.base, options.dockerfiles, inside, workshop.console.note
        ),
        options,
        workshop,
    )


def _processes(log: Path) -> str:
    found = outcome.processes(log.read_text(encoding="utf-8", errors="replace"))
    if found is None:
        return ""
    return ", ".join(f"{n} {kind}" for kind, n in found.kinds.items())


class _Teller:
    """Says now and then how far a build has come; every step would be hundreds of lines."""

    def __init__(self, release: str, note: Callable[[str], None]) -> None:
        self._release = release
        self._note = note
        self._last = time.monotonic()

    def step(self, text: str) -> None:
        """It has come to this step."""
        if time.monotonic() - self._last >= _QUIET:
            self._last = time.monotonic()
            self._note(f"{self._release}: {text}")
