"""Find parts of Python source in its syntax tree, and edit their bytes in place.

Codemods replace only the bytes of what they fix, so everything else of a module (comments, line
ends, indentation) stays as upstream wrote it.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from builder.patching.codemods.errors import CodemodError
from builder.system.warning_filters import ignore_warnings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LINE_END = re.compile(rb"\r\n|\r|\n")
_PROJECT = b"tensorboard-proxy-wheels"


@dataclass(frozen=True)
class SourceEdit:
    """Replace the bytes from ``start`` up to, not including, ``end`` by ``new``."""

    start: int
    end: int
    new: bytes


def apply_edits(source: bytes, edits: Iterable[SourceEdit]) -> bytes:
    """Return ``source`` with all ``edits`` made; offsets are those of ``source`` itself.

    Edits may come in any order. Several insertions at one place stay in the order given.

    Raises:
        CodemodError: edits overlap, or reach outside the source.
    """
    out: list[bytes] = []
    position = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if not position <= edit.start <= edit.end <= len(source):
            raise CodemodError(f"edits overlap or leave the source at byte {edit.start}")
        out += (source[position : edit.start], edit.new)
        position = edit.end
    return b"".join([*out, source[position:]])


class SourceModule:
    """The source of one module, with its syntax tree and byte offsets."""

    def __init__(self, source: bytes) -> None:
        """Parse ``source``.

        Raises:
            CodemodError: the source is not valid Python 3.
        """
        self.source = source
        try:
            # Old sources have invalid escapes, of which Python would warn. They are upstream's.
            with ignore_warnings():
                self.tree = ast.parse(source)
        except (SyntaxError, ValueError) as error:
            raise CodemodError(f"not valid Python: {error}") from error

    @cached_property
    def _lines(self) -> list[int]:
        """The offset at which each line starts."""
        return [0, *(match.end() for match in _LINE_END.finditer(self.source))]

    @cached_property
    def newline(self) -> bytes:
        """The line end that the module's first line has."""
        match = _LINE_END.search(self.source)
        return match.group() if match else b"\n"

    @cached_property
    def indent(self) -> bytes:
        """One step of the module's indentation, from its first indented function or class.

        Upstream indents by two spaces up to 2.1.x, and by four from 2.2.0 on.
        """
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                return b" " * node.body[0].col_offset
        return b"    "

    def find_line_start(self, lineno: int) -> int:
        """The offset of the first byte of a line, counted from 1; past the last, the end."""
        return self._lines[lineno - 1] if lineno <= len(self._lines) else len(self.source)

    def find_start(self, node: ast.expr | ast.stmt) -> int:
        """The offset of a node's first byte."""
        return self._lines[node.lineno - 1] + node.col_offset

    def find_end(self, node: ast.expr | ast.stmt) -> int:
        """The offset after a node's last byte."""
        if node.end_lineno is None or node.end_col_offset is None:  # never for parsed source
            raise CodemodError(f"line {node.lineno}: no end is known")
        return self._lines[node.end_lineno - 1] + node.end_col_offset

    def read_node(self, node: ast.expr | ast.stmt) -> bytes:
        """The bytes of a node."""
        return self.source[self.find_start(node) : self.find_end(node)]

    def replace_node(self, node: ast.expr | ast.stmt, new: bytes) -> SourceEdit:
        """The edit that replaces a node by ``new``."""
        return SourceEdit(self.find_start(node), self.find_end(node), new)

    def format_lines(self, text: str, *, depth: int = 0) -> bytes:
        """Convert ``text``, which uses four spaces and line feeds, to the module's own style.

        Every line is indented by ``depth`` more steps; empty lines stay empty.
        """
        out = []
        for line in text.splitlines():
            body = line.lstrip(" ")
            steps, rest = divmod(len(line) - len(body), 4)
            margin = self.indent * (steps + depth) + b" " * rest
            out.append(margin + body.encode() if body else b"")
        return self.newline.join(out)

    def make_change_notice(self, what: str) -> SourceEdit:
        """The edit that adds a prominent notice of the change (Apache License 2.0, 4(b)).

        The line is put after the comment block that begins the file: the licence header, or the
        generated-by lines of a proto module.
        """
        end = 0
        for start, stop in zip(self._lines, [*self._lines[1:], len(self.source)], strict=True):
            if not self.source[start:stop].startswith(b"#"):
                break
            end = stop
        line = b"# Modified by the %s project: %s.%s" % (_PROJECT, what.encode(), self.newline)
        return SourceEdit(end, end, line)

    def apply_with_notice(self, what: str, edits: Iterable[SourceEdit]) -> bytes:
        """The source with ``edits`` and the change notice; unchanged if there are no edits."""
        found = list(edits)
        return (
            apply_edits(self.source, [self.make_change_notice(what), *found])
            if found
            else self.source
        )

    def find_top_import(self, name: str) -> ast.Import | None:
        """The top-level statement ``import name``, if one has exactly that form, else None."""
        for node in self.tree.body:
            if isinstance(node, ast.Import) and [(a.name, a.asname) for a in node.names] == [
                (name, None)
            ]:
                return node
        return None

    def find_function(self, name: str) -> ast.FunctionDef:
        """The function of that name at top level.

        Raises:
            CodemodError: there is none, or more than one.
        """
        found = [n for n in self.tree.body if isinstance(n, ast.FunctionDef) and n.name == name]
        if len(found) != 1:
            raise CodemodError(f"{name} is not one function at top level")
        return found[0]

    def find_name_uses(self, name: str) -> Iterator[ast.Name]:
        """Every use of a bare name."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name) and node.id == name:
                yield node

    def find_attributes(self, base: str) -> Iterator[ast.Attribute]:
        """Every ``base.something``, where ``base`` is a bare name."""
        for node in ast.walk(self.tree):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == base
            ):
                yield node

    def find_calls(self) -> Iterator[ast.Call]:
        """Every call."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield node
