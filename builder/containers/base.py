"""Base images that need no container registry: debootstrap from Debian's packages, then import.

`debootstrap --variant=minbase` makes a root file system of signed packages; the engine takes it as
a tar archive (Engine API, `/images/create?fromSrc=-`). It takes a minute, once for each machine.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from builder.containers.door import NAMESPACE
from builder.containers.images import has, import_root
from builder.errors import CommandError, EngineError
from builder.system import command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from builder.containers.door import Engine

SUITE = "bookworm"
# What each purpose finds in its base image, in Debian's package names.
PACKAGES: Mapping[str, tuple[str, ...]] = {
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
USED = ("build", "jupyter")
_TIMEOUT = 1200.0  # seconds; a slow mirror has 150 MB to deliver


def tag_of(purpose: str) -> str:
    """What the base image of a purpose is called."""
    return f"{NAMESPACE}/base-{purpose}:{SUITE}"


def is_there(engine: Engine, purpose: str) -> bool:
    """Whether the engine has the base image of a purpose.

    Raises:
        EngineError: it does not answer.
    """
    return has(engine, tag_of(purpose))


def ensure(
    engine: Engine,
    purpose: str,
    environ: Mapping[str, str],
    *,
    mirror: str | None = None,
    again: bool = False,
) -> tuple[str, bool]:
    """The base image of a purpose, made if it is not there.

    Args:
        engine: gets it.
        purpose: a key of `PACKAGES`.
        environ: for debootstrap, which finds its proxy there.
        mirror: a Debian mirror's URL, or None for debootstrap's own.
        again: make it anew, with today's security updates.

    Returns:
        Its tag, and whether it was made now.

    Raises:
        EngineError: debootstrap is not there, may not run, or failed; or the engine refused.
    """
    tag = tag_of(purpose)
    if not again and has(engine, tag):
        return tag, False
    if command.find("debootstrap") is None or os.geteuid() != 0:
        raise EngineError(
            "a base image without a registry is made by debootstrap, as root",
            "`apt-get install debootstrap`, `sudo`; or name a base image: --base IMAGE",
        )
    with tempfile.TemporaryDirectory(prefix="base-") as room:
        root = Path(room) / "root"
        # In namespaces of its own, what it mounts and starts is gone when it is, however it ends.
        words = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
        words += ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES[purpose])}"]
        words += [SUITE, str(root), *([mirror] if mirror else [])]
        try:
            command.run(words, timeout=_TIMEOUT, env=environ)
        except CommandError as error:
            hint = f"is a Debian mirror reachable? --mirror URL names another\n{error.hint}"
            raise EngineError(f"no base image: {error.message}", hint) from error
        _forget_the_mirror(root)
        packed = Path(room) / "root.tar"
        # tar and not tarfile: device nodes, owners and links as they are.
        command.run(["tar", "-C", str(root), "-cf", str(packed), "."], timeout=_TIMEOUT)
        with packed.open("rb") as tar:
            import_root(engine, tar, tag)
    return tag, True


def _forget_the_mirror(root: Path) -> None:
    """A closed network's mirror must not be in an image; neither need the packages."""
    (root / "etc/apt/sources.list").unlink(missing_ok=True)
    (root / "var/log/bootstrap.log").unlink(missing_ok=True)
    for directory in ("var/cache/apt/archives", "var/lib/apt/lists"):
        for path in (root / directory).glob("*"):
            if path.is_file():
                path.unlink()
