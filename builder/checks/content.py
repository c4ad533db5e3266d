"""C checks: whether the wheel's content works, as far as reading it can tell.

Members that equal the stock wheel's byte for byte are skipped: they were published, and the D
checks make sure that they are the same.
"""

from __future__ import annotations

import ast
import configparser
import re
from typing import TYPE_CHECKING

from builder.checks.wheel_under_check import MAX_TEXT, TOO_BIG, make_unchecked_findings
from builder.errors import WheelError
from builder.model import PACKAGE, Finding
from builder.system.warning_filters import ignore_warnings
from builder.tensorboard.page import ROOT_ELEMENTS, has_root_element
from builder.wheel import archive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.checks.wheel_under_check import WheelUnderCheck
    from builder.wheel.archive import Archive
    from builder.wheel.member import ZipMember

WEBFILES_PATH = f"{PACKAGE}/webfiles.zip"
_OBJECT_REFERENCE = re.compile(r"(?P<module>\w+(\.\w+)*)(:(?P<attr>\w+(\.\w+)*))?(\s*\[.*\])?")
# In bytes. Upstream's webfiles.zip has at most 6 MB, the page in it 4 MB, and entry_points.txt 157
# bytes.
_MAX_WEBFILES = 64 * 1024 * 1024
_MAX_PAGE = 32 * 1024 * 1024
_MAX_ENTRY_POINTS = 64 * 1024
_PAGE = "index.html"


def check_content(wheel: WheelUnderCheck) -> Iterator[Finding]:
    """Run all C checks on the wheel."""
    yield from _check_entry_points(wheel)
    yield from _check_webfiles(wheel)
    yield from _check_python_modules(wheel)
    yield from _check_licences(wheel)


def _check_entry_points(wheel: WheelUnderCheck) -> Iterator[Finding]:
    content = wheel.read_metadata_file("entry_points.txt")
    if content is None:
        yield Finding("C601", "", wheel.explain_unread_file("entry_points.txt"))
        return
    if len(content) > _MAX_ENTRY_POINTS:
        yield Finding("C601", "entry_points.txt", f"it has {len(content)} bytes")
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
    modules = _ParsedModules(wheel.archive)
    for section in parser.sections():
        for name, value in parser.items(section):
            problem = _find_target_problem(modules, value)
            if problem:
                yield Finding("C601", f"{section}: {name}", problem)


def _find_target_problem(modules: _ParsedModules, value: str) -> str | None:
    match = _OBJECT_REFERENCE.fullmatch(value)
    if match is None:
        return f"{value[:200]!r} has not the form module:attribute"
    module, attribute = match["module"], (match["attr"] or "").partition(".")[0]
    try:
        bound = modules.find_bound_names(module)
    except LookupError:
        return f"there is no module {module}"
    except (SyntaxError, WheelError):
        return f"{module} cannot be read as Python"
    if not attribute or attribute in bound:
        return None
    return f"{module} does not define {attribute}"


class _ParsedModules:
    """The modules of the wheel; each is parsed and walked once, however many names lead to it."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._bound: dict[str, frozenset[str]] = {}

    def find_bound_names(self, module: str) -> frozenset[str]:
        """Parse a module, and find the names that its statements may bind.

        Raises:
            LookupError: there is no such module in the wheel.
            SyntaxError, WheelError: it cannot be read as Python.
        """
        stem = module.replace(".", "/")
        member = self._archive.find_member(f"{stem}.py") or self._archive.find_member(
            f"{stem}/__init__.py"
        )
        if member is None:
            raise LookupError(module)
        if member.name not in self._bound:
            tree = _parse_module(_read_module_source(member))
            self._bound[member.name] = frozenset(
                name for node in ast.walk(tree) for name in _list_bound_names(node)
            )
        return self._bound[member.name]


def _read_module_source(member: ZipMember) -> bytes:
    """Read a module's source.

    Raises:
        SyntaxError: it has more than `MAX_TEXT` bytes.
        WheelError: it does not inflate to what it declares.
    """
    if member.size > MAX_TEXT:
        raise SyntaxError(f"it {TOO_BIG}")
    return member.read()


def _parse_module(content: bytes) -> ast.Module:
    """Parse a module into its syntax tree.

    Raises:
        SyntaxError: it is not Python, or exceeds the limits of Python's parser.
    """
    try:
        # Python's warnings about a module are not findings.
        with ignore_warnings():
            return ast.parse(content)
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(str(error) or type(error).__name__) from error


def _list_bound_names(node: ast.AST) -> list[str]:
    """List the names that a statement may bind, also under `if` and `try`."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [(a.asname or a.name).partition(".")[0] for a in node.names]
    return [node.id] if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else []


def _check_webfiles(wheel: WheelUnderCheck) -> Iterator[Finding]:
    member = wheel.archive.find_member(WEBFILES_PATH)
    if member is None:
        # Without it the server answers 200 with a placeholder page.
        yield Finding("C602", WEBFILES_PATH, "it is missing")
        return
    if wheel.is_same_as_stock(member):
        return
    if member.size > _MAX_WEBFILES:
        yield Finding(
            "C602",
            WEBFILES_PATH,
            f"it is bigger than the {_MAX_WEBFILES} bytes that this tool reads",
        )
        return
    try:
        page = archive.parse_archive(member.read(), WEBFILES_PATH).find_member(_PAGE)
        content = b"" if page is None or page.size > _MAX_PAGE else page.read()
    except WheelError as error:
        yield Finding("C602", WEBFILES_PATH, f"it cannot be read ({error})")
        return
    if not has_root_element(content):
        yield Finding("C602", WEBFILES_PATH, f"it has no page with {ROOT_ELEMENTS[0].decode()}>")


def _check_python_modules(wheel: WheelUnderCheck) -> Iterator[Finding]:
    if wheel.is_oversized:
        yield from make_unchecked_findings("the members were not inflated", "C603")
        return
    for member in wheel.archive.members:
        # `builder.patching.delta` has compiled the outcomes of patches already.
        known = wheel.is_same_as_stock(member) or wheel.is_same_as_patched(member)
        if known or not member.name.endswith(".py"):
            continue
        try:
            _parse_module(_read_module_source(member))
        except WheelError:
            continue  # reported as Z108, Z109 or Z110
        except SyntaxError as error:
            yield Finding("C603", member.name, str(error))


def _check_licences(wheel: WheelUnderCheck) -> Iterator[Finding]:
    document = wheel.read_document("METADATA")
    if document is None:
        yield from make_unchecked_findings("METADATA cannot be read", "C604")
        return
    directory = f"{wheel.dist_info}/"
    names = (m.name for m in wheel.archive.members)
    present = {n.removeprefix(directory) for n in names if n.startswith(directory)}
    named = document.get_values("License-File")
    for name in named:
        # PEP 639 puts them into licenses/, older build tools next to METADATA.
        if f"licenses/{name}" not in present and name not in present:
            yield Finding("C604", name, "METADATA names it and it is not there")
    if not named and not any("LICENSE" in name.upper() for name in present):
        yield Finding("C604", "LICENSE", "there is no licence file")
