"""Run the build in a container: copy the source in, the log and the wheels out; keep the caches."""

from __future__ import annotations

import io
import tarfile
import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from builder.bazel import build_output
from builder.bazel.bazelrc import CACHE_DIR
from builder.bazel.settings import SETTINGS_DIR
from builder.containers import volumes
from builder.containers.containers import ContainerOptions, create_container
from builder.errors import BuilderError, EngineError, SourceError
from builder.system.interruption import is_interrupted
from builder.system.known_secrets import redact_known_secrets
from builder.system.limits import GRACE_SECONDS
from builder.system.redact import redact_credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO

    from builder.containers.container import Container
    from builder.containers.docker_engine import ContainerEngine

CACHE_VOLUME = "bazel-cache"
_SOURCE, _DIST = "/src", "/dist"
_POLL_SECONDS = 0.2  # seconds between two checks for the time-out and for Ctrl-C
_LOG_END_SECONDS = 30.0  # seconds to wait for the rest of the log after the container is removed


class BazelJob(NamedTuple):
    """The input of one build.

    Attributes:
        release: the TensorBoard release.
        image: the toolchain image.
        source: the path of a tar archive of the source.
        changed: path → content of files that replace those of the archive.
        env: environment variables of the container.
        settings: path below `SETTINGS_DIR` → content; `bazelrc` is one of them.
        timeout: time limit of the build, in seconds.
        volume: the name of the volume of the caches.
        caches: a directory on the engine's host for the caches, used instead of the volume.
    """

    release: str
    image: str
    source: Path
    changed: Mapping[str, bytes]
    env: Mapping[str, str]
    settings: Mapping[str, bytes]
    timeout: float
    volume: str = CACHE_VOLUME
    caches: Path | None = None


class BuildMonitor(NamedTuple):
    """The path for the log, the callback for progress, and the check that raises on Ctrl-C."""

    log: Path
    progress: Callable[[str], None]
    check_cancelled: Callable[[], None]


def run_bazel_build(
    engine: ContainerEngine, job: BazelJob, monitor: BuildMonitor
) -> dict[str, bytes]:
    """Run one build in a new container.

    Returns:
        File name → content of the files that Bazel made.

    Raises:
        SourceError: the build failed or took too long; the error has the most useful lines of the
            log and its path.
        EngineError: the engine refused a request, or the connection broke off.
    """
    deadline = time.monotonic() + job.timeout
    env = {**job.env, "TB_VER": job.release, "SRC": _SOURCE, "DIST": _DIST}
    container_options = ContainerOptions(
        job.image, env=env, user="0", scratch=(SETTINGS_DIR, _SOURCE)
    )
    if job.caches is None:
        container_options = container_options._replace(
            volumes={volumes.ensure_volume(engine, job.volume): CACHE_DIR}
        )
    else:
        container_options = container_options._replace(binds={str(job.caches): f"{CACHE_DIR}:rw"})
    with ExitStack() as stack:
        log = stack.enter_context(_LogWriter.open_log(monitor))
        container = stack.enter_context(
            create_container(engine, f"bazel-{job.release}", container_options)
        )
        container.write_files(SETTINGS_DIR, job.settings)
        with job.source.open("rb") as tar:
            container.unpack_tar(_SOURCE, tar)
        container.write_files(_SOURCE, job.changed)
        log.write_note(f"building {job.release} in the container {container.name}")
        container.start()
        log.follow_container(container)
        while not log.wait_for_end(_POLL_SECONDS):
            monitor.check_cancelled()
            if time.monotonic() > deadline:
                raise SourceError(
                    f"building {job.release} took longer than {job.timeout:.0f} s",
                    f"--timeout gives it more; its log is {monitor.log}",
                )
        _check_exit_code(container.read_exit_code(), job.release, monitor.log)
        return read_tar_files(container.read_tar(_DIST))


def read_tar_files(pieces: Iterator[bytes]) -> dict[str, bytes]:
    """Read the regular files of a tar archive in pieces: last part of the path → content."""
    packed = io.BytesIO(b"".join(pieces))
    with tarfile.open(fileobj=packed) as archive:
        found = {}
        for entry in archive:
            content = archive.extractfile(entry) if entry.isfile() else None
            if content is not None:
                found[entry.name.rpartition("/")[2]] = content.read()
    return found


def _check_exit_code(code: int | None, release: str, path: Path) -> None:
    if code == 0:
        return
    if code is None:
        raise EngineError(
            f"the engine broke off while it built {release}",
            f"is it still there (`docker info`)? What came of the log is in {path}",
        )
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    first, kept = build_output.find_error_lines(lines)
    hint = f"its log is {path}"
    if any("No space left on device" in line for line in lines):
        hint = f"free space in the engine: `nox -s prune`; {hint}"
    raise SourceError(
        f"Bazel failed for {release} with exit code {code}: {first}", "\n".join([hint, *kept])
    )


class _LogWriter:
    """Copy a container's log to a file, line by line, in its own thread."""

    def __init__(self, sink: BinaryIO, progress: Callable[[str], None]) -> None:
        self._sink = sink
        self._progress = progress
        self._rest = b""
        self._thread: threading.Thread | None = None
        self._error: BuilderError | None = None

    @classmethod
    @contextmanager
    def open_log(cls, monitor: BuildMonitor) -> Iterator[_LogWriter]:
        """Open the log file; on exit, when the container is gone, wait for the rest of its log."""
        monitor.log.parent.mkdir(parents=True, exist_ok=True)
        with monitor.log.open("wb") as sink:
            log = cls(sink, monitor.progress)
            try:
                yield log
            finally:
                if log._thread is not None:
                    log._thread.join(GRACE_SECONDS if is_interrupted() else _LOG_END_SECONDS)

    def write_note(self, text: str) -> None:
        """Write a line of our own, before the container's."""
        self._write_lines(f"{text}\n".encode())

    def follow_container(self, container: Container) -> None:
        """Start to copy the container's log."""
        self._thread = threading.Thread(target=self._copy_log, args=(container,), daemon=True)
        self._thread.start()

    def wait_for_end(self, seconds: float) -> bool:
        """Wait for the end of the container, at most so many seconds; whether it has ended.

        Raises:
            EngineError: the connection to the engine broke off.
        """
        assert self._thread is not None  # noqa: S101 - it follows something
        self._thread.join(seconds)
        if self._error is not None:
            raise self._error
        return not self._thread.is_alive()

    def _copy_log(self, container: Container) -> None:
        try:
            container.follow_log(self._write_lines)
            self._write_lines(b"\n" if self._rest else b"")
        except BuilderError as error:
            self._error = error

    def _write_lines(self, piece: bytes) -> None:
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            text = line.rstrip(b"\r").decode("utf-8", "replace")
            redacted = redact_known_secrets(redact_credentials(text))
            self._sink.write(f"{redacted}\n".encode())
            step = build_output.parse_progress(redacted)
            if step is not None:
                self._progress(step)
        self._sink.flush()
