"""Base images that need no container registry: debootstrap from Debian's packages, then import.

`debootstrap --variant=minbase` makes a root file system of signed packages; the engine takes it as
a tar archive (Engine API, `/images/create?fromSrc=-`). It takes a minute, once for each machine.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from builder.containers.docker_engine import NAMESPACE
from builder.containers.images import has_image, import_root_image
from builder.errors import CommandError, EngineError
from builder.system import command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.containers.docker_engine import ContainerEngine

DEBIAN_SUITE = "bookworm"
# What each purpose finds in its base image, in Debian's package names.
BASE_PACKAGES: Mapping[str, tuple[str, ...]] = {
    # Not one that anything runs in: the least with which the README's commands must work.
    "bare": ("ca-certificates", "git", "python3", "python3-pip", "python3-venv"),
    "jupyter": ("ca-certificates", "nodejs", "python3", "python3-venv"),
    # Debian's own Bazel stands in where the release's cannot be had.
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
# Those that smoke tests and builds from source use.
USED_PURPOSES = ("build", "jupyter")
_TIMEOUT = 1200.0  # seconds; a slow mirror has 150 MB to deliver


def make_base_tag(purpose: str) -> str:
    """What the base image of a purpose is called."""
    return f"{NAMESPACE}/base-{purpose}:{DEBIAN_SUITE}"


def has_base_image(engine: ContainerEngine, purpose: str) -> bool:
    """Whether the engine has the base image of a purpose.

    Raises:
        EngineError: it does not answer.
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
    """The base image of a purpose, made if it is not there.

    Args:
        engine: gets it.
        purpose: a key of `BASE_PACKAGES`.
        env: for debootstrap, which finds its proxy there.
        mirror: a Debian mirror's URL, or None for debootstrap's own.
        again: make it anew, with today's security updates.

    Returns:
        Its tag, and whether it was made now.

    Raises:
        EngineError: debootstrap is not there, may not run, or failed; or the engine refused.
    """
    tag = make_base_tag(purpose)
    if not again and has_image(engine, tag):
        return tag, False
    if command.find_program("debootstrap") is None or os.geteuid() != 0:
        raise EngineError(
            "a base image without a registry is made by debootstrap, as root",
            "`apt-get install debootstrap`, `sudo`; or name a base image: --base IMAGE",
        )
    with tempfile.TemporaryDirectory(prefix="base-") as workdir:
        root = Path(workdir) / "root"
        # In namespaces of its own, what it mounts and starts is gone when it is, however it ends.
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
        # tar and not tarfile: device nodes, owners and links as they are.
        command.run_command(["tar", "-C", str(root), "-cf", str(packed), "."], timeout=_TIMEOUT)
        with packed.open("rb") as tar:
            import_root_image(engine, tar, tag)
    return tag, True


def _remove_mirror_traces(root: Path) -> None:
    """A closed network's mirror must not be in an image; neither need the packages."""
    (root / "etc/apt/sources.list").unlink(missing_ok=True)
    (root / "var/log/bootstrap.log").unlink(missing_ok=True)
    for directory in ("var/cache/apt/archives", "var/lib/apt/lists"):
        for path in (root / directory).glob("*"):
            if path.is_file():
                path.unlink()
