"""What Python's standard library moved or took away between 3.7 and 3.13."""

from __future__ import annotations

import ast

from builder.patching.codemods.errors import CodemodError
from builder.patching.codemods.source import Edit, Module

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


def collections_abc(source: bytes) -> bytes:
    """Import abstract base classes from ``collections.abc`` (gone elsewhere in Python 3.10).

    An import below ``try`` is left: it is somebody's own fallback already.

    Precondition: the statement is at top level and imports such classes only.

    Raises:
        CodemodError: it imports other names as well.
    """
    if b"from collections import" not in source:
        return source
    module = Module(source)
    edits = []
    for node in module.tree.body:
        if not (isinstance(node, ast.ImportFrom) and node.module == "collections"):
            continue
        names = {alias.name for alias in node.names}
        if not names & _ABCS:
            continue
        if not names <= _ABCS:
            raise CodemodError(f"line {node.lineno}: imports more than abstract base classes")
        start = module.start(node) + len(b"from ")
        edits.append(Edit(start, start + len(b"collections"), b"collections.abc"))
    return module.mended("abstract base classes come from collections.abc", edits)


def html_escape(source: bytes) -> bytes:
    """Replace ``cgi.escape`` (gone in Python 3.8, the module in 3.13) by ``html.escape``.

    Both take ``quote``; `html.escape` turns ``'`` into a reference too, which reads the same.
    An import below ``try`` is left: it is upstream's own fallback.

    Precondition: ``import cgi`` at top level, used for nothing but ``cgi.escape(…, quote=…)``.

    Raises:
        CodemodError: ``cgi`` is used in another way, or ``html_escape`` is taken.
    """
    if b"import cgi" not in source:
        return source
    module = Module(source)
    statement = module.top_import("cgi")
    if statement is None:
        return source
    calls = {id(call.func): call for call in module.calls()}
    edits = [module.replace(statement, b"from html import escape as html_escape")]
    for node in module.attributes("cgi"):
        call = calls.get(id(node))
        if node.attr != "escape" or call is None or [k.arg for k in call.keywords] != ["quote"]:
            raise CodemodError(f"line {node.lineno}: cgi.{node.attr} is not a plain escape here")
        edits.append(module.replace(node, b"html_escape"))
    if len(list(module.uses("cgi"))) != len(edits) - 1 or list(module.uses("html_escape")):
        raise CodemodError("cgi or html_escape is used in another way")
    return module.mended("html.escape takes the place of cgi.escape", edits)


def image_types(source: bytes) -> bytes:
    """Tell image types without ``imghdr``, which Python 3.13 no longer has (PEP 594).

    The types are those that TensorBoard maps to a media type; any other was and is served as
    bytes. The images plugin taught `imghdr` SVG for all plugins, so it is known everywhere.

    Precondition: ``import imghdr`` at top level, used in ``imghdr.what(None, data)`` and
    ``imghdr.tests.append(detect_svg)`` only.

    Raises:
        CodemodError: ``imghdr`` is used in another way.
    """
    if b"import imghdr" not in source:
        return source
    module = Module(source)
    statement = module.top_import("imghdr")
    if statement is None:
        raise CodemodError("imghdr is not imported at top level")
    edits = [_whole_line(module, statement)]
    known = 0
    for call in module.calls():
        if ast.unparse(call.func) == "imghdr.what":
            if len(call.args) != 2 or ast.unparse(call.args[0]) != "None" or call.keywords:
                raise CodemodError(f"line {call.lineno}: imghdr.what is not given bytes")
            edits.append(module.replace(call, b"_image_type(" + module.text(call.args[1]) + b")"))
            known += 1
    for node in module.tree.body:
        if ast.unparse(node) == "imghdr.tests.append(detect_svg)":
            edits.append(_whole_line(module, node))
            known += 1
    if len(list(module.uses("imghdr"))) != known:
        raise CodemodError("imghdr is used for more than what() and detect_svg")
    place = module.line_start(_first_definition(module).lineno)
    helper = module.lines(_IMAGE_TYPE) + module.newline
    edits.append(Edit(place, place, helper))
    return module.mended("image types are told without imghdr", edits)


def _whole_line(module: Module, node: ast.stmt) -> Edit:
    """The edit that takes a statement's line away."""
    return Edit(module.line_start(node.lineno), module.line_start(node.lineno + 1), b"")


def _first_definition(module: Module) -> ast.ClassDef:
    """The module's first class, in front of which helpers go."""
    for node in module.tree.body:
        if isinstance(node, ast.ClassDef) and not node.decorator_list:
            return node
    raise CodemodError("no class to put the helper in front of")
