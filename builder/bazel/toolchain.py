"""Build the toolchain image: git, Python, virtualenv, and the Bazel for a release."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from builder.bazel import release_table
from builder.bazel.settings import SETTINGS_DIR
from builder.containers import base_images, images
from builder.containers.containers import ContainerOptions, create_container
from builder.containers.docker_engine import NAMESPACE
from builder.errors import EngineError, RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from builder.bazel.settings import NetworkSettings
    from builder.containers.docker_engine import ContainerEngine

PUBLIC_BASE_IMAGE = "debian:bookworm"
PURPOSE = "build"
FILES = ("Dockerfile.build", "build-wheel.sh", "releases.txt")
SCRIPT = "/opt/tensorboard-build/build-wheel.sh"
# The value of `--bazel` and of the build argument for the Bazel that the base image has.
BASE_IMAGE_BAZEL = "base"


class BazelBinary(NamedTuple):
    """A Bazel binary, or the Bazel of the base image.

    Attributes:
        version: the version in upstream's CI, or None if it is not known.
        sha256: the sha256 of the binary, in hex, or None for the base image's own.
        content: the bytes of the binary, or None for the base image's own.
    """

    version: str | None
    sha256: str | None = None
    content: bytes | None = None


class ToolchainBuilder(msgspec.Struct, frozen=True):
    """The input of toolchain images, except for the Bazel.

    Attributes:
        engine: the engine that builds and runs them.
        base: the base image, which has all that a build needs except perhaps Bazel.
        dockerfiles: the directory of our Dockerfiles.
        network_settings: the user's network settings.
        releases: version → row of the release table.
    """

    engine: ContainerEngine
    base: str
    dockerfiles: Path
    network_settings: NetworkSettings
    releases: Mapping[str, release_table.ReleaseRow]

    @property
    def has_own_base(self) -> bool:
        """Whether the base image is ours, which has a Bazel."""
        return self.base == base_images.make_base_tag(PURPOSE)


def make_toolchain_builder(
    engine: ContainerEngine,
    base: str | None,
    dockerfiles: Path,
    network_settings: NetworkSettings,
    note: Callable[[str], None],
) -> ToolchainBuilder:
    """Choose a base image, and install in it what a build needs.

    Args:
        engine: the engine that has the image, or pulls it.
        base: an image; None for the one that `base_image` made, or else the public one.
        dockerfiles: the directory of our Dockerfiles.
        network_settings: the network settings for the installation.
        note: called with a message before the installation, which takes long.

    Raises:
        EngineError: the image is not available, or the installation in it failed.
        RequestError: the directory does not have our Dockerfiles.
    """
    own_tag = base_images.make_base_tag(PURPOSE)
    chosen = base or (own_tag if images.has_image(engine, own_tag) else PUBLIC_BASE_IMAGE)
    try:
        releases = release_table.parse_release_table(
            (dockerfiles / "releases.txt").read_text(encoding="utf-8")
        )
    except (OSError, TypeError) as error:
        raise RequestError(
            f"{dockerfiles} is not the directory of our Dockerfiles", "build from a checkout"
        ) from error
    if chosen != own_tag:
        chosen = _install_tools(engine, chosen, dockerfiles, network_settings, note)
    return ToolchainBuilder(engine, chosen, dockerfiles, network_settings, releases)


def build_toolchain_image(
    toolchain_builder: ToolchainBuilder,
    bazel: BazelBinary,
    log: Path,
    progress: Callable[[str], None],
) -> str:
    """Build the toolchain image for a Bazel, unless the engine has it, and return its tag.

    Raises:
        EngineError: the build of the image failed.
    """
    return images.build_image(
        toolchain_builder.engine, make_toolchain_recipe(toolchain_builder, bazel), log, progress
    )


def make_toolchain_recipe(
    toolchain_builder: ToolchainBuilder, bazel: BazelBinary
) -> images.ImageRecipe:
    """Make the recipe of the toolchain image; no step of it uses the network."""
    context: dict[str, bytes | Path] = {
        f"dockerfiles/{name}": toolchain_builder.dockerfiles / name for name in FILES
    }
    arguments = {"BASE": toolchain_builder.base, "BAZEL": BASE_IMAGE_BAZEL}
    if bazel.content is not None and bazel.sha256 is not None:
        name = f"bazel-{bazel.sha256[:12]}"
        context[f"wheelhouse/{name}"] = bazel.content
        arguments |= {"BAZEL": name, "BAZEL_SHA256": bazel.sha256}
    return images.ImageRecipe(
        "toolchain", context, "dockerfiles/Dockerfile.build", arguments, target="toolchain"
    )


def _install_tools(
    engine: ContainerEngine,
    base: str,
    dockerfiles: Path,
    network_settings: NetworkSettings,
    note: Callable[[str], None],
) -> str:
    """Install what a build needs in a container of a base image, commit it and return the tag.

    The committed image has no network settings. A `RUN` step would need proxies and certificates as
    build arguments, or as files of the image.
    """
    script = (dockerfiles / "build-wheel.sh").read_bytes()
    key = hashlib.sha256(images.resolve_image_id(engine, base).encode() + script).hexdigest()[:12]
    tag = f"{NAMESPACE}/tools:{key}"
    if images.has_image(engine, tag):
        return tag
    note(f"installing git, Python and a compiler on {base}")
    # The container only has to run longer than the installation; the block below removes it.
    container_options = ContainerOptions(
        base, ["sleep", "86400"], user="0", scratch=(SETTINGS_DIR,)
    )
    with create_container(engine, "tools", container_options) as container:
        container.write_files(SETTINGS_DIR, network_settings.files)
        container.write_files("/", {"tmp/build-wheel.sh": script})
        container.start()
        words = ["sh", "/tmp/build-wheel.sh", "tools"]  # noqa: S108 - of the container
        code, out = container.run_program(words, user="0", env=network_settings.env)
        if code:
            tail = "\n".join(out.strip().splitlines()[-8:])
            raise EngineError(
                f"the base image {base} cannot be given what a build needs (exit code {code})",
                f"where Debian's packages cannot be had: another --base\n{tail}",
            )
        container.run_program(["rm", "-f", "/tmp/build-wheel.sh"], user="0")  # noqa: S108
        container.commit_image(tag, ['CMD ["bash"]', "ENTRYPOINT []"])
    return tag
