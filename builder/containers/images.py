"""Build images from a context in memory, or import them from a root file system."""

from __future__ import annotations

import hashlib
import io
import tarfile
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from builder.containers.docker_engine import (
    KEPT_VALUE,
    NAMESPACE,
    RUN_LABEL,
    translate_engine_errors,
)
from builder.errors import EngineError
from builder.system.limits import ENGINE_STREAM_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO

    from builder.containers.docker_engine import ContainerEngine

_TAIL_LINES = 15


def hash_build_context(context: Mapping[str, bytes | Path], arguments: Mapping[str, str]) -> str:
    """Hash a build context and its arguments to twelve hex digits: same input, same image."""
    total = hashlib.sha256()
    for name, content in sorted(context.items()):
        data = content if isinstance(content, bytes) else content.read_bytes()
        total.update(f"{name}\0{len(data)}\0".encode() + data)
    total.update(repr(sorted(arguments.items())).encode())
    return total.hexdigest()[:12]


def has_image(engine: ContainerEngine, tag: str) -> bool:
    """Whether the engine has an image with a tag.

    Raises:
        EngineError: the engine does not respond.
    """
    from docker.errors import ImageNotFound

    with translate_engine_errors(f"look for the image {tag}"):
        try:
            engine.client.images.get(tag)
        except ImageNotFound:
            return False
    return True


def resolve_image_id(engine: ContainerEngine, tag: str) -> str:
    """Find the id of an image, and pull the image first if the engine does not have it.

    Raises:
        EngineError: the image is not available.
    """
    if not has_image(engine, tag):
        hint = "where no registry can be reached: `nox -s base_image`, which needs none"
        with translate_engine_errors(f"pull the base image {tag}", hint):
            engine.client.bounds.run_request(
                partial(engine.client.images.pull, tag), ENGINE_STREAM_SECONDS
            )
    with translate_engine_errors(f"look at the image {tag}"):
        return str(engine.client.images.get(tag).id)


class ImageRecipe(NamedTuple):
    """The input of an image build.

    Attributes:
        name: the first part of the tag, such as `lab`.
        context: path in the build context → content, or the path of a file that has it.
        dockerfile: the path of the Dockerfile in the context.
        arguments: build arguments; never secrets, as the image's history shows them.
        target: the stage to stop at, or None for the last one.
        network: the engine's network for `RUN` steps. By default they have no network, so that none
            of the user's network settings can get into the image or its history.
    """

    name: str
    context: Mapping[str, bytes | Path]
    dockerfile: str
    arguments: Mapping[str, str]
    target: str | None = None
    network: str = "none"

    @property
    def tag(self) -> str:
        """The image's tag, which contains a hash of the whole input."""
        arguments = {**self.arguments, "": self.target or ""}
        return f"{NAMESPACE}/{self.name}:{hash_build_context(self.context, arguments)}"


def build_image(
    engine: ContainerEngine,
    recipe: ImageRecipe,
    log: Path,
    progress: Callable[[str], None] = lambda _: None,
) -> str:
    """Build the image of a recipe, unless the engine has it already, and return its tag.

    Args:
        engine: the engine that builds it.
        recipe: the input of the build.
        log: the file for the engine's output.
        progress: called with the line of each step of the Dockerfile.

    Raises:
        EngineError: the build failed; the log's path and last lines are in the hint.
    """
    tag = recipe.tag
    if has_image(engine, tag):
        return tag
    action = f"build {recipe.name}"
    with io.BytesIO() as packed, log.open("w", encoding="utf-8") as sink:
        _pack_context(recipe.context, packed)
        packed.seek(0)
        with translate_engine_errors(action, f"its log is {log}"):
            failure = _read_build_stream(
                engine.client.bounds.iter_stream(_start_build(engine, recipe, tag, packed)),
                sink.write,
                progress,
            )
    if failure is not None:
        tail = "\n".join(log.read_text(encoding="utf-8").splitlines()[-_TAIL_LINES:])
        raise EngineError(f"building {recipe.name} failed: {failure}", f"its log is {log}:\n{tail}")
    return tag


def _start_build(
    engine: ContainerEngine, recipe: ImageRecipe, tag: str, packed: BinaryIO
) -> Iterator[dict[str, object]]:
    stream: Iterator[dict[str, object]] = engine.client.api.build(
        fileobj=packed,
        custom_context=True,
        dockerfile=recipe.dockerfile,
        tag=tag,
        buildargs=dict(recipe.arguments),
        labels={RUN_LABEL: KEPT_VALUE},
        target=recipe.target,
        network_mode=recipe.network,
        rm=True,
        forcerm=True,
        decode=True,
        # ~/.docker/config.json may have proxies, which must not get into an image.
        use_config_proxy=False,
    )
    return stream


def _read_build_stream(
    stream: Iterable[dict[str, object]],
    write: Callable[[str], object],
    progress: Callable[[str], None],
) -> str | None:
    """Read a build's stream to its end, and return the error message, or None."""
    failure: str | None = None
    for message in stream:
        text = str(message.get("stream") or message.get("error") or "")
        write(text if text.endswith("\n") else text + "\n" if text else "")
        if text.startswith("Step "):
            progress(text.strip())
        if "error" in message:
            failure = " ".join(str(message["error"]).split())
    return failure


def import_root_image(engine: ContainerEngine, tar: BinaryIO, tag: str) -> None:
    """Import an image from a tar archive of a root file system.

    Raises:
        EngineError: the engine refused the request.
    """
    with translate_engine_errors(f"import {tag}"):
        repository, _, version = tag.rpartition(":")
        changes = [f"LABEL {RUN_LABEL}={KEPT_VALUE}", "ENV LANG=C.UTF-8"]
        engine.client.api.import_image_from_data(
            tar, repository=repository, tag=version, changes=changes
        )


def remove_image(engine: ContainerEngine, tag: str) -> None:
    """Remove an image.

    Raises:
        EngineError: the engine refused the request.
    """
    with translate_engine_errors(f"remove the image {tag}"):
        engine.client.images.remove(tag, force=True)


def _pack_context(context: Mapping[str, bytes | Path], sink: BinaryIO) -> None:
    """Write a reproducible tar archive of the context, so that the engine's layer cache hits."""
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, content in sorted(context.items()):
            data = content if isinstance(content, bytes) else content.read_bytes()
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            entry.mode = 0o755 if name.endswith(".sh") else 0o644
            archive.addfile(entry, io.BytesIO(data))
