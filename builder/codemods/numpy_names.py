"""Names that numpy took away, by others that are the same thing in every numpy.

Sources: release notes of numpy 1.20 and 1.24 (aliases of builtins), 1.23 (`asscalar`), 2.0
(`bool8`, `string_`, `unicode_`) and 2.3 (`tostring`).
"""

from __future__ import annotations

import ast

from builder.codemods.errors import CodemodError
from builder.codemods.source import Edit, Module

# An alias of a builtin becomes the scalar type that numpy turns that builtin into, never the
# builtin: some modules bind `bool` themselves. The others always were these very objects.
_ALIASES = {
    "bool": "bool_",
    "bool8": "bool_",
    "complex": "complex128",
    "float": "float64",
    "int": "int_",
    "object": "object_",
    "string_": "bytes_",
    "unicode_": "str_",
}


def numpy_aliases(source: bytes) -> bytes:
    """Replace `np.object`, `np.bool`, `np.float`, `np.string_` and their like.

    Precondition: numpy is bound as ``np`` by ``import numpy as np``.

    Raises:
        CodemodError: ``np`` is something else, or an alias is assigned to.
    """
    if not any(b"np." + name.encode() in source for name in _ALIASES):
        return source
    module = Module(source)
    edits = []
    for node in module.attributes("np"):
        if node.attr in _ALIASES:
            if not isinstance(node.ctx, ast.Load):
                raise CodemodError(f"line {node.lineno}: np.{node.attr} is assigned to")
            edits.append(module.replace(node, b"np." + _ALIASES[node.attr].encode()))
    _need_numpy(module, edits)
    return module.mended("numpy's removed names are replaced", edits)


def numpy_asscalar(source: bytes) -> bytes:
    """Replace ``np.asscalar(x)`` by ``np.asarray(x).item()``, as numpy itself did it.

    Precondition: every use is a call with one positional argument.

    Raises:
        CodemodError: ``np.asscalar`` is used in another way.
    """
    if b"np.asscalar" not in source:
        return source
    module = Module(source)
    calls = {id(call.func): call for call in module.calls()}
    edits = []
    for node in module.attributes("np"):
        if node.attr != "asscalar":
            continue
        call = calls.get(id(node))
        if call is None or len(call.args) != 1 or call.keywords:
            raise CodemodError(f"line {node.lineno}: np.asscalar is not called with one argument")
        end = module.end(call)
        edits += [module.replace(node, b"np.asarray"), Edit(end, end, b".item()")]
    _need_numpy(module, edits)
    return module.mended("numpy's removed asscalar is replaced", edits)


def ndarray_tobytes(source: bytes) -> bytes:
    """Replace an array's method ``tostring()`` by ``tobytes()``.

    Precondition: the module uses numpy as ``np``, and calls ``tostring`` on a bare name
    without arguments.

    Raises:
        CodemodError: such a method is called in another way.
    """
    if b".tostring(" not in source:
        return source
    module = Module(source)
    edits = []
    for call in module.calls():
        method = call.func
        if not (isinstance(method, ast.Attribute) and method.attr == "tostring"):
            continue
        if call.args or call.keywords or not isinstance(method.value, ast.Name):
            raise CodemodError(f"line {call.lineno}: tostring is not an array's plain method here")
        edits.append(module.replace(method, module.text(method.value) + b".tobytes"))
    _need_numpy(module, edits)
    return module.mended("an array's tostring() is called tobytes()", edits)


def _need_numpy(module: Module, edits: list[Edit]) -> None:
    """Raise where there is something to mend, but ``np`` is not numpy."""
    imports = [
        alias.name
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if (alias.asname or alias.name) == "np"
    ]
    if edits and set(imports) != {"numpy"}:
        raise CodemodError("np is not bound by `import numpy as np`")
