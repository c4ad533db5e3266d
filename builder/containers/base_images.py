"""Make base images without a container registry: debootstrap from Debian's packages, then import.

`debootstrap --variant=minbase` makes a root file system from signed packages; the engine imports it
as a tar archive (Engine API, `/images/create?fromSrc=-`). It takes a minute, once on each machine.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from builder.containers.docker_engine import NAMESPACE
from builder.containers.images import has_image, import_root_image
from builder.errors import CommandError, EngineError
from builder.system import command
from builder.system.files import make_temporary_directory

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.containers.docker_engine import ContainerEngine

DEBIAN_SUITE = "bookworm"
# Purpose → the Debian packages of its base image.
BASE_PACKAGES: Mapping[str, tuple[str, ...]] = {
    # No container of ours uses this one. It is the minimum with which the README's commands work.
    "bare": ("ca-certificates", "git", "python3", "python3-pip", "python3-venv"),
    "jupyter": ("ca-certificates", "nodejs", "python3", "python3-venv"),
    # Debian's own Bazel replaces the release's if that one is not available.
    "build": (
        "bazel-bootstrap",
        "ca-certificates",
        "curl",
        "g++",
        "git",
        "patch",
        "python-is-python3",
        "python3",
        "python3-venv",
        "unzip",
        "virtualenv",
        "zip",
    ),
}
# The ones that smoke tests and builds from source use.
USED_PURPOSES = ("build", "jupyter")
_TIMEOUT = 1200.0  # seconds for a download of 150 MB from a slow mirror


def make_base_tag(purpose: str) -> str:
    """Make the tag of the base image of a purpose."""
    return f"{NAMESPACE}/base-{purpose}:{DEBIAN_SUITE}"


def has_base_image(engine: ContainerEngine, purpose: str) -> bool:
    """Whether the engine has the base image of a purpose.

    Raises:
        EngineError: the engine does not respond.
    """
    return has_image(engine, make_base_tag(purpose))


def ensure_base_image(
    engine: ContainerEngine,
    purpose: str,
    env: Mapping[str, str],
    *,
    mirror: str | None = None,
    again: bool = False,
) -> tuple[str, bool]:
    """Make the base image of a purpose, unless the engine has it.

    Args:
        engine: the engine that gets the image.
        purpose: a key of `BASE_PACKAGES`.
        env: the environment variables for debootstrap, which reads the proxy from them.
        mirror: the URL of a Debian mirror, or None for debootstrap's default.
        again: make the image even if it exists, to get current security updates.

    Returns:
        The image's tag, and whether it was made now.

    Raises:
        EngineError: debootstrap is not installed, we are not root, or debootstrap or the engine
            failed.
    """
    tag = make_base_tag(purpose)
    if not again and has_image(engine, tag):
        return tag, False
    if command.find_program("debootstrap") is None or os.geteuid() != 0:
        raise EngineError(
            "a base image without a registry is made by debootstrap, as root",
            "`apt-get install debootstrap`, `sudo`; or name a base image: --base IMAGE",
        )
    with make_temporary_directory("tensorboard-wheels-base-") as workdir:
        root = Path(workdir) / "root"
        # In its own namespaces, debootstrap's mounts and processes disappear however it ends.
        words = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
        words += [
            "debootstrap",
            "--variant=minbase",
            f"--include={','.join(BASE_PACKAGES[purpose])}",
        ]
        words += [DEBIAN_SUITE, str(root), *([mirror] if mirror else [])]
        try:
            command.run_command(words, timeout=_TIMEOUT, env=env)
        except CommandError as error:
            hint = f"is a Debian mirror reachable? --mirror URL names another\n{error.hint}"
            raise EngineError(f"no base image: {error.message}", hint) from error
        _remove_mirror_traces(root)
        packed = Path(workdir) / "root.tar"
        # tar and not tarfile: it keeps device nodes, owners and links.
        command.run_command(["tar", "-C", str(root), "-cf", str(packed), "."], timeout=_TIMEOUT)
        with packed.open("rb") as tar:
            import_root_image(engine, tar, tag)
    return tag, True


def _remove_mirror_traces(root: Path) -> None:
    """Remove the address of a closed network's mirror, and the downloaded packages."""
    (root / "etc/apt/sources.list").unlink(missing_ok=True)
    (root / "var/log/bootstrap.log").unlink(missing_ok=True)
    for directory in ("var/cache/apt/archives", "var/lib/apt/lists"):
        for path in (root / directory).glob("*"):
            if path.is_file():
                path.unlink()
