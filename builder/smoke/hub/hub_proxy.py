"""Fetch the Hub's proxy, a Node program, on the host by npm, so that the image needs no registry.

npm and its settings (registry, CA, proxy) are the host's; none of them gets into the image.
"""

from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

from builder.errors import CommandError, SmokeError
from builder.system import command
from builder.system.files import make_temporary_directory, open_replacement
from builder.system.ownership import make_private_directory

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# The last version for Debian 12's Node 18: 5.x requires Node 20 (`engines` in its package.json).
PROXY_VERSION = "4.6.3"
_PROGRAM = "configurable-http-proxy"
_NOTES = (".package-lock.json", "package-lock.json")
_INSTALL = 300.0  # seconds, for 30 packages of JavaScript only


def fetch_hub_proxy(env: Mapping[str, str], cache: Path) -> Path:
    """Get the proxy with its dependencies, as a tar archive of a `node_modules` directory.

    Args:
        env: environment variables for npm.
        cache: the directory in which the archive is cached; it is not fetched again.

    Raises:
        SmokeError: there is no npm, or npm cannot fetch the proxy.
    """
    archive = cache / "wheelhouse" / f"{_PROGRAM}-{PROXY_VERSION}.tar"
    if not archive.is_file():
        make_private_directory(archive.parent)
        with (
            make_temporary_directory("tensorboard-wheels-node-") as workdir,
            open_replacement(archive) as new,
        ):
            _install_hub_proxy(env, workdir)
            pack_node_modules(workdir, new)
    return archive


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


def pack_node_modules(root: Path, tar_file: Path) -> None:
    """Pack a directory so that the same files give the same archive.

    Then the engine finds the image's layers in its cache.
    """

    def strip_metadata(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.mtime = entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        return entry

    with tarfile.open(tar_file, "w") as archive:
        for path in sorted(root.rglob("*")):
            # npm's lock files contain the registry's address.
            if path.name not in _NOTES:
                archive.add(
                    path, str(path.relative_to(root)), recursive=False, filter=strip_metadata
                )
