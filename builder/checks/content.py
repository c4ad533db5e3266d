"""C: what is in the wheel works as far as reading can tell.

What is byte for byte the stock wheel's is passed over: it was published, and the difference checks
say that it is the same.
"""

from __future__ import annotations

import ast
import configparser
import io
import re
import zipfile
from typing import TYPE_CHECKING

from builder.errors import WheelError
from builder.model import PACKAGE, Finding
from builder.wheel import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.checks.subject import Subject

ROOT_ELEMENTS = (b"<tb-webapp", b"<tf-tensorboard")
WEBFILES = f"{PACKAGE}/webfiles.zip"
_OBJECT = re.compile(r"(?P<module>\w+(\.\w+)*)(:(?P<attr>\w+(\.\w+)*))?(\s*\[.*\])?")
# Upstream's page is below 1 MB; more than this is not read while looking for it.
_MAX_PAGE = 32 * 1024 * 1024
_MAX_WEBFILES = 64 * 1024 * 1024


def check_content(subject: Subject) -> Iterator[Finding]:
    """All C codes for the wheel."""
    yield from _entry_points(subject)
    yield from _webfiles(subject)
    yield from _python(subject)
    yield from _licences(subject)


def _entry_points(subject: Subject) -> Iterator[Finding]:
    content = subject.metadata_file("entry_points.txt")
    if content is None:
        yield Finding("C601", "", "entry_points.txt is missing or cannot be read")
        return
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[method-assign,assignment] # names keep their case
    try:
        parser.read_string(content.decode())
    except (configparser.Error, UnicodeDecodeError) as error:
        yield Finding("C601", "entry_points.txt", str(error).splitlines()[0])
        return
    if not parser.has_option("console_scripts", PACKAGE):
        yield Finding("C601", "console_scripts", f"there is no {PACKAGE} script")
    for section in parser.sections():
        for name, value in parser.items(section):
            problem = _target_problem(subject, value)
            if problem:
                yield Finding("C601", f"{section}: {name}", problem)


def _target_problem(subject: Subject, value: str) -> str | None:
    match = _OBJECT.fullmatch(value)
    if match is None:
        return f"{value!r} has not the form module:attribute"
    stem = match["module"].replace(".", "/")
    member = subject.archive.find(f"{stem}.py") or subject.archive.find(f"{stem}/__init__.py")
    if member is None:
        return f"there is no module {match['module']}"
    attribute = (match["attr"] or "").partition(".")[0]
    if not attribute:
        return None
    try:
        bound = _bound_names(ast.parse(member.read()))
    except (WheelError, SyntaxError, ValueError):
        return f"{match['module']} cannot be read as Python"
    return None if attribute in bound else f"{match['module']} does not define {attribute}"


def _bound_names(tree: ast.Module) -> set[str]:
    """Names that a module may bind, also under `if` and `try`."""
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            bound |= {(a.asname or a.name).partition(".")[0] for a in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
    return bound


def _webfiles(subject: Subject) -> Iterator[Finding]:
    member = subject.archive.find(WEBFILES)
    if member is None:
        # Without it the server answers 200 with a placeholder page.
        yield Finding("C602", WEBFILES, "it is missing")
        return
    if subject.same_as_stock(member):
        return
    if member.size > _MAX_WEBFILES:
        yield Finding("C602", WEBFILES, f"it has {member.size} bytes")
        return
    try:
        with zipfile.ZipFile(io.BytesIO(member.read())) as inner:
            pages = [i for i in inner.infolist() if i.filename.endswith("index.html")]
            found = any(
                element in inner.open(page).read(_MAX_PAGE)
                for page in pages
                for element in ROOT_ELEMENTS
            )
    except (WheelError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        yield Finding("C602", WEBFILES, f"it cannot be read ({error})")
        return
    if not found:
        yield Finding("C602", WEBFILES, f"it has no page with {ROOT_ELEMENTS[0].decode()}>")


def _python(subject: Subject) -> Iterator[Finding]:
    if subject.oversized:
        return
    for member in subject.archive.members:
        if not member.name.endswith(".py") or subject.same_as_stock(member):
            continue
        try:
            ast.parse(member.read())
        except WheelError:
            continue  # Z109 and Z110 have said so
        except (SyntaxError, ValueError) as error:
            yield Finding("C603", member.name, str(error))


def _licences(subject: Subject) -> Iterator[Finding]:
    content = subject.metadata_file("METADATA")
    if content is None:
        return
    present = {m.name.partition(".dist-info/")[2] for m in subject.archive.members}
    named = metadata.parse(content).values("License-File")
    for name in named:
        # PEP 639 puts them under licenses/, older builders beside METADATA.
        if f"licenses/{name}" not in present and name not in present:
            yield Finding("C604", name, "METADATA names it and it is not there")
    if not named and not any("LICENSE" in name.upper() for name in present):
        yield Finding("C604", "LICENSE", "there is no licence file")
