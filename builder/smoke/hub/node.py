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
VERSION = "4.6.3"
_PROGRAM = "configurable-http-proxy"
_NOTES = (".package-lock.json", "package-lock.json")
_INSTALL = 300.0  # seconds; it is 30 packages of JavaScript alone


def fetch(environ: Mapping[str, str], cache: Path) -> Path:
    """The proxy with all that it needs, as a tar archive of a `node_modules` directory.

    Args:
        environ: for npm.
        cache: the directory that keeps it; what is there already is not fetched again.

    Raises:
        SmokeError: there is no npm, or it cannot fetch it.
    """
    place = cache / "wheelhouse" / f"{_PROGRAM}-{VERSION}.tar"
    if not place.is_file():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".making-", dir=place.parent) as name:
            room = Path(name)
            _install(environ, room / "node")
            packed = room / place.name
            pack(room / "node", packed)
            os.replace(packed, place)  # noqa: PTH105 - two runs may do so at once
    return place


def _install(environ: Mapping[str, str], room: Path) -> None:
    words = ["npm", "install", "--prefix", str(room), "--no-audit", "--no-fund", "--ignore-scripts"]
    words += ["--omit=dev", "--omit=optional", f"{_PROGRAM}@{VERSION}"]
    try:
        command.run(words, timeout=_INSTALL, env=environ)
    except CommandError as error:
        raise SmokeError(
            f"the Hub's proxy, {_PROGRAM} {VERSION}, cannot be fetched: {error.message}",
            f"it takes npm on this machine, with npm's own settings\n{error.hint}",
        ) from error


def pack(root: Path, place: Path) -> None:
    """The same files make the same archive, so that the engine's layers are found again."""

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.mtime = entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        return entry

    with tarfile.open(place, "w") as archive:
        for path in sorted(root.rglob("*")):
            # npm's own notes have the registry's address in them.
            if path.name not in _NOTES:
                archive.add(path, str(path.relative_to(root)), recursive=False, filter=plain)
