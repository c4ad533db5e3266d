"""Replace what Python's standard library moved or removed between 3.7 and 3.13."""

from __future__ import annotations

import ast

from builder.patching.codemods.errors import CodemodError
from builder.patching.codemods.source import SourceEdit, SourceModule

_ABCS = {"Iterable", "Mapping", "MutableMapping", "Sequence"}

_IMAGE_TYPE = '''\
def _image_type(data):
    """Tells the types of images that are served by their first bytes, as `imghdr` did.

    That module is gone since Python 3.13 (PEP 594).
    """
    if data[6:10] in (b"JFIF", b"Exif") or data[:4] == b"\\xff\\xd8\\xff\\xdb":
        return "jpeg"
    if data[:8] == b"\\x89PNG\\r\\n\\x1a\\n":
        return "png"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "gif"
    if data[:2] == b"BM":
        return "bmp"
    if data[:6] == b"<?xml " or data[:5] == b"<svg ":
        return "svg"
    return None


'''


def use_collections_abc(source: bytes) -> bytes:
    """Import abstract base classes from ``collections.abc``, the only place since Python 3.10.

    An import in a ``try`` is not changed: it already has a fallback.

    Precondition: the statement is at top level and imports only such classes.

    Raises:
        CodemodError: the statement also imports other names.
    """
    if b"from collections import" not in source:
        return source
    module = SourceModule(source)
    edits = []
    for node in module.tree.body:
        if not (isinstance(node, ast.ImportFrom) and node.module == "collections"):
            continue
        names = {alias.name for alias in node.names}
        if not names & _ABCS:
            continue
        if not names <= _ABCS:
            raise CodemodError(f"line {node.lineno}: imports more than abstract base classes")
        start = module.find_start(node) + len(b"from ")
        edits.append(SourceEdit(start, start + len(b"collections"), b"collections.abc"))
    return module.apply_with_notice("abstract base classes come from collections.abc", edits)


def use_html_escape(source: bytes) -> bytes:
    """Replace ``cgi.escape`` (removed in Python 3.8, the module in 3.13) by ``html.escape``.

    Both have the parameter ``quote``; `html.escape` also escapes ``'``, which displays the same.
    An import in a ``try`` is not changed: it is upstream's own fallback.

    Precondition: ``import cgi`` at top level, used only for ``cgi.escape(…, quote=…)``.

    Raises:
        CodemodError: ``cgi`` is used in another way, or the name ``html_escape`` is taken.
    """
    if b"import cgi" not in source:
        return source
    module = SourceModule(source)
    statement = module.find_top_import("cgi")
    if statement is None:
        return source
    calls = {id(call.func): call for call in module.find_calls()}
    edits = [module.replace_node(statement, b"from html import escape as html_escape")]
    for node in module.find_attributes("cgi"):
        call = calls.get(id(node))
        if node.attr != "escape" or call is None or [k.arg for k in call.keywords] != ["quote"]:
            raise CodemodError(f"line {node.lineno}: cgi.{node.attr} is not a plain escape here")
        edits.append(module.replace_node(node, b"html_escape"))
    if len(list(module.find_name_uses("cgi"))) != len(edits) - 1 or list(
        module.find_name_uses("html_escape")
    ):
        raise CodemodError("cgi or html_escape is used in another way")
    return module.apply_with_notice("html.escape takes the place of cgi.escape", edits)


def replace_imghdr(source: bytes) -> bytes:
    """Detect image types without ``imghdr``, which Python 3.13 no longer has (PEP 594).

    The types are those that TensorBoard maps to a media type; any other was and is served as
    bytes. The images plugin registered SVG with `imghdr` for all plugins, so every module detects
    it.

    Precondition: ``import imghdr`` at top level, used in ``imghdr.what(None, data)`` and
    ``imghdr.tests.append(detect_svg)`` only.

    Raises:
        CodemodError: ``imghdr`` is used in another way.
    """
    if b"import imghdr" not in source:
        return source
    module = SourceModule(source)
    statement = module.find_top_import("imghdr")
    if statement is None:
        raise CodemodError("imghdr is not imported at top level")
    edits = [_remove_line(module, statement)]
    known = 0
    for call in module.find_calls():
        if ast.unparse(call.func) == "imghdr.what":
            if len(call.args) != 2 or ast.unparse(call.args[0]) != "None" or call.keywords:
                raise CodemodError(f"line {call.lineno}: imghdr.what is not given bytes")
            edits.append(
                module.replace_node(call, b"_image_type(" + module.read_node(call.args[1]) + b")")
            )
            known += 1
    for node in module.tree.body:
        if ast.unparse(node) == "imghdr.tests.append(detect_svg)":
            edits.append(_remove_line(module, node))
            known += 1
    if len(list(module.find_name_uses("imghdr"))) != known:
        raise CodemodError("imghdr is used for more than what() and detect_svg")
    offset = module.find_line_start(_find_first_class(module).lineno)
    helper = module.format_lines(_IMAGE_TYPE) + module.newline
    edits.append(SourceEdit(offset, offset, helper))
    return module.apply_with_notice("image types are told without imghdr", edits)


def _remove_line(module: SourceModule, node: ast.stmt) -> SourceEdit:
    """The edit that removes a statement's line."""
    return SourceEdit(
        module.find_line_start(node.lineno), module.find_line_start(node.lineno + 1), b""
    )


def _find_first_class(module: SourceModule) -> ast.ClassDef:
    """Find the module's first class, before which helpers are inserted."""
    for node in module.tree.body:
        if isinstance(node, ast.ClassDef) and not node.decorator_list:
            return node
    raise CodemodError("no class to put the helper in front of")
