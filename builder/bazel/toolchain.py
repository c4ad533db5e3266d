"""The image that builds: git, Python, virtualenv, and the Bazel that a release wants."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from builder.bazel import table
from builder.bazel.settings import PLACE
from builder.containers import base as bases
from builder.containers import images
from builder.containers.containers import Started, created
from builder.containers.door import NAMESPACE
from builder.errors import EngineError, RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from builder.bazel.settings import Inside
    from builder.containers.door import Engine

PUBLIC_BASE = "debian:bookworm"
PURPOSE = "build"
FILES = ("Dockerfile.build", "build-wheel.sh", "releases.txt")
SCRIPT = "/opt/tensorboard-build/build-wheel.sh"
# The word for the Bazel that the base image has.
OF_BASE = "base"


class Bazel(NamedTuple):
    """A Bazel.

    Attributes:
        version: as upstream's CI names it, or None where nobody knows.
        sha256: of the binary, in hex, or None for the base image's own.
        content: the binary, or None for the base image's own.
    """

    version: str | None
    sha256: str | None = None
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Workbench:
    """Where toolchains are made.

    Attributes:
        engine: makes and runs them.
        base: their base image; all that a build needs but Bazel is in there.
        dockerfiles: the directory of our Dockerfiles.
        inside: the user's network settings.
        releases: what is known of each release.
    """

    engine: Engine
    base: str
    dockerfiles: Path
    inside: Inside
    releases: Mapping[str, table.Row]

    @property
    def own_base(self) -> bool:
        """Whether the base image is one of ours, which has a Bazel."""
        return self.base == bases.tag_of(PURPOSE)


def open_workbench(
    engine: Engine,
    base: str | None,
    dockerfiles: Path,
    inside: Inside,
    tell: Callable[[str], None],
) -> Workbench:
    """Choose a base image, and put into it what a build needs.

    Args:
        engine: has it, or pulls it.
        base: an image; None for the one that `base_image` made, or else the public one.
        dockerfiles: the directory of our Dockerfiles.
        inside: network settings for what is installed.
        tell: told what takes long.

    Raises:
        EngineError: the image cannot be had, or apt failed in it.
        RequestError: the Dockerfiles are not there.
    """
    own = bases.tag_of(PURPOSE)
    chosen = base or (own if images.has(engine, own) else PUBLIC_BASE)
    try:
        releases = table.parse((dockerfiles / "releases.txt").read_text(encoding="utf-8"))
    except (OSError, TypeError) as error:
        raise RequestError(
            f"{dockerfiles} is not the directory of our Dockerfiles", "build from a checkout"
        ) from error
    if chosen != own:
        chosen = _with_tools(engine, chosen, dockerfiles, inside, tell)
    return Workbench(engine, chosen, dockerfiles, inside, releases)


def make(bench: Workbench, bazel: Bazel, log: Path, progress: Callable[[str], None]) -> str:
    """The toolchain's image for a Bazel; its tag.

    Raises:
        EngineError: the build failed.
    """
    return images.build(bench.engine, recipe(bench, bazel), log, progress)


def recipe(bench: Workbench, bazel: Bazel) -> images.Recipe:
    """What the toolchain's image is made of; no step of it uses the network."""
    context: dict[str, bytes | Path] = {
        f"dockerfiles/{name}": bench.dockerfiles / name for name in FILES
    }
    arguments = {"BASE": bench.base, "BAZEL": OF_BASE}
    if bazel.content is not None and bazel.sha256 is not None:
        name = f"bazel-{bazel.sha256[:12]}"
        context[f"wheelhouse/{name}"] = bazel.content
        arguments |= {"BAZEL": name, "BAZEL_SHA256": bazel.sha256}
    return images.Recipe(
        "toolchain", context, "dockerfiles/Dockerfile.build", arguments, target="toolchain"
    )


def _with_tools(
    engine: Engine,
    base: str,
    dockerfiles: Path,
    inside: Inside,
    tell: Callable[[str], None],
) -> str:
    """A base image with what apt installs in it; made by a commit, which keeps no settings.

    A `RUN` step would need proxies and certificates as build arguments or files of the image.
    """
    script = (dockerfiles / "build-wheel.sh").read_bytes()
    key = hashlib.sha256(images.identify(engine, base).encode() + script).hexdigest()[:12]
    tag = f"{NAMESPACE}/tools:{key}"
    if images.has(engine, tag):
        return tag
    tell(f"installing git, Python and a compiler on {base}")
    how = Started(base, ["sleep", "86400"], user="0", scratch=(PLACE,))
    with created(engine, "tools", how) as container:
        container.put(PLACE, inside.files)
        container.put("/", {"tmp/build-wheel.sh": script})
        container.start()
        words = ["sh", "/tmp/build-wheel.sh", "tools"]  # noqa: S108 - of the container
        code, out = container.run(words, user="0", environ=inside.environ)
        if code:
            tail = "\n".join(out.strip().splitlines()[-8:])
            raise EngineError(
                f"the base image {base} cannot be given what a build needs (exit code {code})",
                f"where Debian's packages cannot be had: another --base\n{tail}",
            )
        container.run(["rm", "-f", "/tmp/build-wheel.sh"], user="0")  # noqa: S108
        container.commit(tag, ['CMD ["bash"]', "ENTRYPOINT []"])
    return tag
