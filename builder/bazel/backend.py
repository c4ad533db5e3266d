"""Build a release from source: prepare source and toolchain, run Bazel, verify the wheel."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from builder.bazel import bazelrc, binary, build_output, container_build, settings, toolchain
from builder.bazel.prepare import (
    PreparedSource,
    make_source_delta,
    prepare_source,
    verify_built_wheel,
)
from builder.cherrypick.picker import make_cherry_picker
from builder.containers import docker_engine, images
from builder.containers.run_lock import lock_run
from builder.provenance.statements import SourceBuildProvenance
from builder.system.files import make_temporary_directory
from builder.wheel import archive
from builder.wheel.blobs import hash_git_blob

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from builder.bazel.release_table import ReleaseRow
    from builder.cherrypick.picker import CherryPicker
    from builder.context import RunContext
    from builder.git.upstream import Upstream
    from builder.model import Delta, PickedCommits, Release
    from builder.patching.series import Series
    from builder.releases.cache import Cache
    from builder.wheel.archive import Archive

_PROGRESS_SECONDS = 10.0  # at least so many seconds between two progress notes


class BazelOptions(msgspec.Struct, frozen=True):
    """The user's options for builds from source.

    Attributes:
        base: the toolchain's base image, or None for the default one.
        bazel: which Bazel: `base`, a path or a URL; None for the default, see `choose_bazel`.
        services: remote cache, remote executor and flags.
        timeout: time limit for the build of one release, in seconds.
        ca_bundle: certificates to trust in the container, or None for the host's.
        caches: the directory of Bazel's caches, or None for a volume of the engine.
        logs: the directory for logs.
        dockerfiles: the directory of our Dockerfiles.
    """

    base: str | None
    bazel: str | None
    services: bazelrc.BazelServices
    timeout: float
    ca_bundle: Path | None
    caches: Path | None
    logs: Path
    dockerfiles: Path


class SourceBuild(NamedTuple):
    """The outcome of a build from source.

    Attributes:
        wheel: the bytes of the wheel that Bazel built.
        delta: what series and commits changed in the source; its `changes` are empty, as the wheel
            already has them.
        remaining_series: the series that are still to be applied, to the wheel.
        picked: the commits that went into the source.
        provenance: the facts about the build for the statement.
        log: the path of the log.
        processes: how Bazel ran its actions, according to its log, or "".
    """

    wheel: bytes
    delta: Delta
    remaining_series: Sequence[Series]
    picked: PickedCommits
    provenance: SourceBuildProvenance
    log: Path
    processes: str


class BazelBackend(msgspec.Struct, frozen=True):
    """Build wheels from source; one instance for each run.

    Attributes:
        toolchain_builder: builds the toolchain images.
        options: the user's options.
        upstream: upstream's repository, which has the source.
        cache: the cache of Bazel binaries.
        context: the context of the run.
    """

    toolchain_builder: toolchain.ToolchainBuilder
    options: BazelOptions
    upstream: Upstream
    cache: Cache
    context: RunContext

    def build_from_source(
        self,
        release: Release,
        stock: Archive,
        all_series: Sequence[Series],
        picker: CherryPicker | None,
    ) -> SourceBuild:
        """Build a release from its source.

        Args:
            release: the release to build.
            stock: the stock wheel.
            all_series: the series to apply, in order; the first ones, as long as they are made
                against git, are applied to the source.
            picker: picks commits before the series are applied, or None.

        Raises:
            PatchError: a commit or a series does not apply to the source.
            SourceError: the source is not available, Bazel failed, or its wheel is not as expected.
            EngineError: the engine refused a request.
        """
        source = prepare_source(
            release, all_series, picker or make_cherry_picker((), self.upstream)
        )
        row = self.toolchain_builder.releases.get(release.version)
        bazel = self._choose_bazel(row, release)
        log = self.options.logs / f"{release.version}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        reporter = _ProgressReporter(release.version, self.context.console.print_note)
        image = toolchain.build_toolchain_image(
            self.toolchain_builder, bazel, log.with_suffix(".image.log"), reporter.report_step
        )
        with make_temporary_directory("tensorboard-wheels-source-") as workdir:
            tar = Path(workdir) / "source.tar"
            source.picker.mirror.export_tar(source.picked.head, tar)
            job = self._make_job(release, image, tar, source, bazel)
            monitor = container_build.BuildMonitor(
                log, reporter.report_step, self.context.check_cancelled
            )
            files = container_build.run_bazel_build(self.toolchain_builder.engine, job, monitor)
        wheel = build_output.find_wheel(files, release.wheel.filename)
        verify_built_wheel(
            release, archive.parse_archive(wheel, release.wheel.filename), stock, source
        )
        return SourceBuild(
            wheel=wheel,
            delta=make_source_delta(source),
            remaining_series=source.remaining_series,
            picked=source.picked,
            provenance=SourceBuildProvenance(
                self._list_materials(bazel, source), self._describe_build(bazel, source)
            ),
            log=log,
            processes=_describe_actions(log),
        )

    def _make_job(
        self,
        release: Release,
        image: str,
        tar: Path,
        source: PreparedSource,
        bazel: toolchain.BazelBinary,
    ) -> container_build.BazelJob:
        network_settings = self.toolchain_builder.network_settings
        services = self.options.services
        lines = bazelrc.render_bazelrc(
            services, bazel.version, trusts=network_settings.has_certificates
        )
        return container_build.BazelJob(
            release=release.version,
            image=image,
            source=tar,
            changed={path: change.after for path, change in source.delta.changes.items()},
            env=network_settings.env,
            settings={**network_settings.files, "bazelrc": lines},
            timeout=self.options.timeout,
            caches=self.options.caches,
        )

    def _choose_bazel(self, row: ReleaseRow | None, release: Release) -> toolchain.BazelBinary:
        context = self.context
        fetch = binary.BazelFetcher(
            self.cache,
            context.settings,
            context.console.make_download_progress(
                f"Bazel for {release.version}", context.check_cancelled
            ),
            offline=self.upstream.offline,
        )
        return binary.choose_bazel(
            self.options.bazel,
            row,
            own_base=self.toolchain_builder.has_own_base,
            architecture=self.toolchain_builder.engine.architecture,
            fetch=fetch,
        )

    def _list_materials(
        self, bazel: toolchain.BazelBinary, source: PreparedSource
    ) -> list[Mapping[str, Any]]:
        """List the source, the base image and Bazel as materials, with their digests."""
        picked = source.picked
        image = images.resolve_image_id(
            self.toolchain_builder.engine, self.toolchain_builder.base
        ).removeprefix("sha256:")
        found: list[Mapping[str, Any]] = [
            {"name": "base image", "uri": self.toolchain_builder.base, "digest": {"sha256": image}}
        ]
        if not picked.commits:  # else the material of the cherry-pick names it
            uri = f"git+{picked.upstream}@{picked.base}"
            found.append({"name": "release", "uri": uri, "digest": {"gitCommit": picked.base}})
        if bazel.sha256 is not None:
            found.append({"name": "bazel", "digest": {"sha256": bazel.sha256}})
        return found

    def _describe_build(
        self, bazel: toolchain.BazelBinary, source: PreparedSource
    ) -> dict[str, Any]:
        """Describe the build for the statement, without addresses and values that may be secret."""
        services = self.options.services
        return {
            "bazel": "given" if bazel.sha256 else "the base image's own",
            "flags": bazelrc.strip_flag_values(services.flags),
            "remoteCache": services.remote_cache is not None,
            "remoteExecutor": services.remote_executor is not None,
            "built": {"gitCommit": source.picked.head, "gitTree": source.picked.tree},
            "changedInSource": {
                path: {"gitBlob": hash_git_blob(change.after)}
                for path, change in sorted(source.delta.changes.items())
            },
        }


def make_bazel_backend(
    options: BazelOptions, upstream: Upstream, cache: Cache, context: RunContext
) -> BazelBackend:
    """Check the options, connect to the engine and prepare the base image.

    Args:
        options: the user's options.
        upstream: upstream's repository, which has the source.
        cache: the cache of Bazel binaries.
        context: the context of the run.

    Raises:
        EngineError: no engine responds, or the image is not available.
        RequestError: an option is malformed.
    """
    bazelrc.check_services(options.services)
    binary.check_bazel_path(options.bazel)
    bundle = settings.read_ca_bundle(options.ca_bundle, context.env, context.settings)
    trusted = bundle if options.ca_bundle or settings.has_foreign_certificates(bundle) else None
    network_settings = settings.gather_network_settings(context.env, context.settings, trusted)
    engine = docker_engine.connect_engine(context.env)
    lock_run(engine, context.settings.cache, context.console.print_note)
    return BazelBackend(
        toolchain.make_toolchain_builder(
            engine, options.base, options.dockerfiles, network_settings, context.console.print_note
        ),
        options,
        upstream,
        cache,
        context,
    )


def _describe_actions(log: Path) -> str:
    found = build_output.count_actions(log.read_text(encoding="utf-8", errors="replace"))
    if found is None:
        return ""
    return ", ".join(f"{n} {kind}" for kind, n in found.kinds.items())


class _ProgressReporter:
    """Print the progress of a build every few seconds, as all steps would be hundreds of lines."""

    def __init__(self, release: str, note: Callable[[str], None]) -> None:
        self._release = release
        self._note = note
        self._last = time.monotonic()

    def report_step(self, text: str) -> None:
        """Print this step, unless another one was printed shortly before."""
        if time.monotonic() - self._last >= _PROGRESS_SECONDS:
            self._last = time.monotonic()
            self._note(f"{self._release}: {text}")
