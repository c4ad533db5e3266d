"""Really built wheels, and what the checks say of them and of what is made of them."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from builder.checks import run_checks
from builder.checks.wheel_under_check import WheelUnderCheck
from builder.checks.writing import check_writing
from builder.model import Delta, Finding, FindingStatus, IdentityKind
from builder.patching.identity import WheelNaming
from builder.patching.overlay import build_overlay
from builder.patching.series import load_series
from builder.system.settings import read_project_settings
from builder.wheel import archive
from tests.support import forge
from tests.support.forge import File
from tests.support.releases import CATALOG, ROOT, stock_path


class Made(NamedTuple):
    """A built wheel, and what it was made from."""

    file: File
    stock: File
    delta: Delta


@cache
def make_wheel(
    version: str = "2.2.1", kind: IdentityKind = IdentityKind.TEST, build_tag: str | None = None
) -> Made:
    """The release with the default series, as `python -m builder build` makes it."""
    release = CATALOG.find_release(version)
    assert release is not None
    stock = stock_path(release.wheel).read_bytes()
    naming = WheelNaming(kind, "tensorboardtmp", "proxy.1", build_tag)
    identity = naming.make_identity(version)
    series = [load_series(ROOT / "patches" / name) for name in read_project_settings(ROOT).series]
    built = build_overlay(release, stock, series, identity)
    return Made(
        File(built.filename, built.content),
        File(release.wheel.filename, stock),
        built.delta,
    )


def findings(file: File, made: Made) -> list[Finding]:
    """What the checks find in the file, compared with what it should be.

    Raises:
        WheelError: it cannot be read as a zip file at all.
    """
    return run_checks(_under_check(file, made), made.stock.filename)


def writing_findings(file: File, made: Made) -> list[Finding]:
    """What D709 finds in the file, compared with what our writer makes of the stock wheel.

    Raises:
        WheelError: it cannot be read as a zip file at all.
    """
    release = CATALOG.find_release(made.stock.filename.split("-")[1])
    return list(check_writing(_under_check(file, made), release))


def _under_check(file: File, made: Made) -> WheelUnderCheck:
    stock = _parse_stock(made.stock)
    parsed = archive.parse_archive(file.content, file.filename)
    return WheelUnderCheck(file.filename, parsed, stock, made.delta)


@cache
def _parse_stock(file: File) -> archive.Archive:
    return archive.parse_archive(file.content, file.filename)


def codes(found: list[Finding], status: FindingStatus = FindingStatus.NEW) -> set[str]:
    """The codes with that standing."""
    return {f.code for f in found if f.status is status}


_KEPT = ("__init__.py", "main.py", "notebook.py", "version.py", "lazy.py")


@cache
def small_wheel() -> Made:
    """A wheel of a dozen members, and the stock wheel that it differs from as it should."""
    made = make_wheel()
    return made._replace(file=_shrunk(made.file), stock=_shrunk(made.stock))


def _shrunk(file: File) -> File:
    kept = {f"tensorboard/{name}".encode() for name in _KEPT}
    projector = "tensorboard/plugins/projector/projector_plugin.py"
    page = forge.write([forge.stored(b"index.html", b"<html><tb-webapp></html>")])
    entries = [
        forge.stored(e.name, page) if e.name == b"tensorboard/webfiles.zip" else e
        for e in forge.read(file.content)
        if e.name in kept
        or e.name in (projector.encode(), b"tensorboard/webfiles.zip")
        or e.name.startswith(file.dist_info.encode())
    ]
    changed = frozenset({b"tensorboard/webfiles.zip"})
    return file._replace(content=forge.write(forge.sealed(entries, file.dist_info, changed)))
