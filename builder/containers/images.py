"""Images: built from a context in memory, or imported from a root file system."""

from __future__ import annotations

import hashlib
import io
import tarfile
from typing import TYPE_CHECKING, NamedTuple

from builder.containers.docker_engine import (
    KEPT_VALUE,
    NAMESPACE,
    RUN_LABEL,
    translate_engine_errors,
)
from builder.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO

    from builder.containers.docker_engine import ContainerEngine

_TAIL_LINES = 15


def hash_build_context(context: Mapping[str, bytes | Path], arguments: Mapping[str, str]) -> str:
    """Twelve hex digits over a context and its build arguments: the same input, the same image."""
    total = hashlib.sha256()
    for name, content in sorted(context.items()):
        data = content if isinstance(content, bytes) else content.read_bytes()
        total.update(f"{name}\0{len(data)}\0".encode() + data)
    total.update(repr(sorted(arguments.items())).encode())
    return total.hexdigest()[:12]


def has_image(engine: ContainerEngine, tag: str) -> bool:
    """Whether the engine has an image of that name.

    Raises:
        EngineError: it does not answer.
    """
    from docker.errors import ImageNotFound

    with translate_engine_errors(f"look for the image {tag}"):
        try:
            engine.client.images.get(tag)
        except ImageNotFound:
            return False
    return True


def resolve_image_id(engine: ContainerEngine, tag: str) -> str:
    """The id of an image, pulled first if the engine does not have it.

    Raises:
        EngineError: it cannot be had.
    """
    if not has_image(engine, tag):
        hint = "where no registry can be reached: `nox -s base_image`, which needs none"
        with translate_engine_errors(f"pull the base image {tag}", hint):
            engine.client.images.pull(tag)
    with translate_engine_errors(f"look at the image {tag}"):
        return str(engine.client.images.get(tag).id)


class ImageRecipe(NamedTuple):
    """What an image is made of.

    Attributes:
        name: what its tag begins with, such as `lab`.
        context: path in the context → content, or the file that holds it.
        dockerfile: path of the Dockerfile in the context.
        arguments: build arguments; never secrets, as the history shows them.
        target: the stage to stop at, or None for the last one.
        network: the engine's network for `RUN` steps. None at all unless it is asked for, so that
            nothing of the user's network settings can get into the image or its history.
    """

    name: str
    context: Mapping[str, bytes | Path]
    dockerfile: str
    arguments: Mapping[str, str]
    target: str | None = None
    network: str = "none"

    @property
    def tag(self) -> str:
        """The same for the same input, another for any other."""
        arguments = {**self.arguments, "": self.target or ""}
        return f"{NAMESPACE}/{self.name}:{hash_build_context(self.context, arguments)}"


def build_image(
    engine: ContainerEngine,
    recipe: ImageRecipe,
    log: Path,
    progress: Callable[[str], None] = lambda _: None,
) -> str:
    """The image of a recipe, or the one that was built of the very same recipe before; its tag.

    Args:
        engine: builds it.
        recipe: what it is made of.
        log: the file that gets the engine's words.
        progress: told of each step of the Dockerfile.

    Raises:
        EngineError: the build failed; the last lines and the log's path are in the hint.
    """
    tag = recipe.tag
    if has_image(engine, tag):
        return tag
    what = f"build {recipe.name}"
    with io.BytesIO() as packed, log.open("w", encoding="utf-8") as sink:
        _pack_context(recipe.context, packed)
        packed.seek(0)
        with translate_engine_errors(what, f"its log is {log}"):
            failure = _read_build_stream(
                _start_build(engine, recipe, tag, packed), sink.write, progress
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
        # ~/.docker/config.json may hold proxies: they are no business of an image.
        use_config_proxy=False,
    )
    return stream


def _read_build_stream(
    stream: Iterable[dict[str, object]],
    write: Callable[[str], object],
    progress: Callable[[str], None],
) -> str | None:
    """Read a build's stream to its end; what failed, or None."""
    failure: str | None = None
    for message in stream:
        words = str(message.get("stream") or message.get("error") or "")
        write(words if words.endswith("\n") else words + "\n" if words else "")
        if words.startswith("Step "):
            progress(words.strip())
        if "error" in message:
            failure = " ".join(str(message["error"]).split())
    return failure


def import_root_image(engine: ContainerEngine, tar: BinaryIO, tag: str) -> None:
    """Make an image of a root file system, a tar archive.

    Raises:
        EngineError: the engine refused.
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
        EngineError: the engine refused.
    """
    with translate_engine_errors(f"remove the image {tag}"):
        engine.client.images.remove(tag, force=True)


def _pack_context(context: Mapping[str, bytes | Path], sink: BinaryIO) -> None:
    """A tar archive that is the same for the same files, so that the engine's layer cache hits."""
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for name, content in sorted(context.items()):
            data = content if isinstance(content, bytes) else content.read_bytes()
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            entry.mode = 0o755 if name.endswith(".sh") else 0o644
            archive.addfile(entry, io.BytesIO(data))
