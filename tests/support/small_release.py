"""A small release, to check wheels of it in milliseconds, and in this process.

It is 2.2.1 cut down to a dozen members, with a catalog that pins it, a cache that has it, and our
own series for it: builds, checks and rebuilds of it are real.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from builder.build.release import build_release
from builder.cli import cli
from builder.cli.contexts import make_build_options, make_context, make_sources
from builder.cli.options import CommonOptions, IdentityOptions
from builder.errors import BuilderError
from builder.releases import catalog as catalogs
from builder.releases.cache import Cache
from tests.support import forge
from tests.support.cli import WHEEL
from tests.support.releases import CATALOG, ROOT
from tests.support.wheels import small_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from builder.context import RunContext
    from builder.model import ListedWheel
    from builder.verify.sources import WheelSources
    from tests.support.forge import File

VERSION = "2.2.1"
SERIES = ("proxy", "security")
UNTOUCHED = "tensorboard/lazy.py"  # a member that no patch of these series changes
PATCHED = "tensorboard/notebook.py"
_SECURITY = """name = "security"
summary = "The one mend whose module the small release has"
releases = ">=1.13"

[[patch]]
codemod = "projector-assets"
paths = ["tensorboard/plugins/projector/projector_plugin.py"]
releases = ">=1.13"
against = "wheel"
why = "any file that a projector_config.pbtxt names is served"
"""


class SmallRelease(NamedTuple):
    """A directory to work in, with its cache, and the wheels that were really built there."""

    directory: Path
    env: dict[str, str]
    wheel: File
    statement: bytes
    unpatched: File
    unpatched_statement: bytes

    @property
    def words(self) -> tuple[str, ...]:
        """The options with which `check` sees this release and nothing else."""
        return ("--offline", "--catalog", "catalog.json", "--patches", "patches")


def make_small_release(directory: Path) -> SmallRelease:
    """Pin the cut-down release in a catalog of its own, and build it twice: once without series."""
    stock = small_wheel().stock
    _write_catalog(directory / "catalog.json", stock)
    env = {"XDG_CACHE_HOME": str(directory / "cache")}
    kept = Cache(directory / "cache" / "tensorboard-proxy-wheels").get_path(
        hash_content(stock.content)
    )
    kept.parent.mkdir(parents=True)
    kept.write_bytes(stock.content)
    shutil.copytree(ROOT / "patches" / "proxy", directory / "patches" / "proxy")
    (directory / "patches" / "security").mkdir()
    (directory / "patches" / "security" / "series.toml").write_text(_SECURITY)
    listed = json.dumps(list(SERIES))
    (directory / "pyproject.toml").write_text(
        f"[tool.tensorboard-proxy-wheels]\nseries = {listed}\n"
    )
    built, statement = _build(directory, *SERIES)
    return SmallRelease(directory, env, built, statement, *_build(directory, "none"))


def open_small_release(directory: Path) -> tuple[WheelSources, RunContext]:
    """What functions below the command line take, to work with the release in that directory."""
    common = CommonOptions(directory / "catalog.json", patches=directory / "patches", offline=True)
    context = make_context(offline=True)
    settings = replace(context.settings, cache=directory / "cache" / "tensorboard-proxy-wheels")
    context = replace(context, settings=settings)
    return make_sources(common, context), context


def _build(directory: Path, *series: str) -> tuple[File, bytes]:
    output = directory / f"dist-{'-'.join(series)}"
    sources, context = open_small_release(directory)
    release = sources.releases.catalog.find_release(VERSION)
    assert release is not None
    options = make_build_options(series, IdentityOptions(output=output))
    path = build_release(release, options, sources, context).path
    statement = path.with_name(f"{WHEEL}.provenance.json").read_bytes()
    return forge.File(path.name, path.read_bytes()), statement


def _write_catalog(path: Path, stock: File) -> None:
    entries = {e.version: e for e in catalogs.load_entries()}
    release = CATALOG.find_release(VERSION)
    assert release is not None
    pinned: ListedWheel = replace(
        release.wheel, sha256=hash_content(stock.content), size=len(stock.content)
    )
    small = replace(entries[VERSION], wheels=(pinned,))
    path.write_bytes(catalogs.dump_catalog([small, entries["2.2.2"]]))


def hash_content(content: bytes) -> str:
    """The sha256 in hex."""
    return hashlib.sha256(content).hexdigest()


class Checked(NamedTuple):
    """The exit code of a run of `check`, and what its error said."""

    code: int
    message: str = ""
    hint: str = ""


def run_check(small: SmallRelease, *words: Path | str) -> Checked:
    """Run `check` in this process, with the settings and directory of the caller."""
    try:
        code = cli.main(["check", *map(str, words), *small.words], standalone_mode=False)
    except BuilderError as error:
        return Checked(error.exit_code, error.message, error.hint)
    return Checked(code)
