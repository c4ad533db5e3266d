"""The Hub's proxy, a node program: fetched on the host by npm, so that the image needs no registry.

npm and its settings (registry, CA, proxy) are the host's; nothing of them gets into the image.
"""

from __future__ import annotations

import os
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import CommandError, SmokeError
from builder.system import command

if TYPE_CHECKING:
    from collections.abc import Mapping

# The last one that runs on Debian 12's node 18: 5.x asks for node 20 (its package.json, `engines`).
PROXY_VERSION = "4.6.3"
_PROGRAM = "configurable-http-proxy"
_NOTES = (".package-lock.json", "package-lock.json")
_INSTALL = 300.0  # seconds; it is 30 packages of JavaScript alone


def fetch_hub_proxy(env: Mapping[str, str], cache: Path) -> Path:
    """The proxy with all that it needs, as a tar archive of a `node_modules` directory.

    Args:
        env: for npm.
        cache: the directory that keeps it; what is there already is not fetched again.

    Raises:
        SmokeError: there is no npm, or it cannot fetch it.
    """
    place = cache / "wheelhouse" / f"{_PROGRAM}-{PROXY_VERSION}.tar"
    if not place.is_file():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".making-", dir=place.parent) as name:
            workdir = Path(name)
            _install_hub_proxy(env, workdir / "node")
            packed = workdir / place.name
            pack_node_modules(workdir / "node", packed)
            os.replace(packed, place)  # noqa: PTH105 - two runs may do so at once
    return place


def _install_hub_proxy(env: Mapping[str, str], workdir: Path) -> None:
    words = [
        "npm",
        "install",
        "--prefix",
        str(workdir),
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
    ]
    words += ["--omit=dev", "--omit=optional", f"{_PROGRAM}@{PROXY_VERSION}"]
    try:
        command.run_command(words, timeout=_INSTALL, env=env)
    except CommandError as error:
        raise SmokeError(
            f"the Hub's proxy, {_PROGRAM} {PROXY_VERSION}, cannot be fetched: {error.message}",
            f"it takes npm on this machine, with npm's own settings\n{error.hint}",
        ) from error


def pack_node_modules(root: Path, place: Path) -> None:
    """The same files make the same archive, so that the engine's layers are found again."""

    def strip_metadata(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.mtime = entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        return entry

    with tarfile.open(place, "w") as archive:
        for path in sorted(root.rglob("*")):
            # npm's own notes have the registry's address in them.
            if path.name not in _NOTES:
                archive.add(
                    path, str(path.relative_to(root)), recursive=False, filter=strip_metadata
                )
