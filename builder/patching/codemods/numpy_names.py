"""Replace names that numpy removed by code that means the same in every numpy.

Sources: release notes of numpy 1.20 and 1.24 (aliases of builtins), 1.23 (`asscalar`, lists as
indices), 2.0 (`bool8`, `string_`, `unicode_`), 2.3 (`tostring`) and 2.5 (assignment to `dtype`).
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from builder.patching.codemods.errors import CodemodError
from builder.patching.codemods.source import SourceEdit, SourceModule

if TYPE_CHECKING:
    from collections.abc import Iterator

# These always were the same objects under another name.
_SCALAR_TYPES = {"bool8": "bool_", "string_": "bytes_", "unicode_": "str_"}
# These were the builtins of the same name, used as a dtype, in comparisons of types, and as keys or
# values of a table.
_BUILTINS = {"bool", "complex", "float", "int", "object"}
# As the second argument of `issubdtype`, such a builtin meant its whole kind (until numpy 1.20).
_KINDS = {"complex": "complexfloating", "float": "floating"}


def replace_numpy_aliases(source: bytes) -> bytes:
    """Replace aliases such as `np.object`, `np.bool`, `np.float`, `np.string_` according to use.

    An alias of a builtin becomes that builtin, or `builtins.…` if the module binds that name
    itself; in ``np.issubdtype(x, np.float)`` it becomes the kind that it stood for.

    Precondition: numpy is bound as ``np`` by ``import numpy as np``.

    Raises:
        CodemodError: ``np`` is something else, an alias is assigned to, or an alias is used as a
            kind that is not known.
    """
    if not any(b"np." + name.encode() in source for name in (*_SCALAR_TYPES, *_BUILTINS)):
        return source
    module = SourceModule(source)
    kinds = {id(call.args[1]) for call in module.find_calls() if _is_kind_check(call)}
    bound = set(_find_bound_names(module))
    edits = []
    needs_builtins = False
    for node in module.find_attributes("np"):
        name = node.attr
        if name not in _SCALAR_TYPES and name not in _BUILTINS:
            continue
        if not isinstance(node.ctx, ast.Load):
            raise CodemodError(f"line {node.lineno}: np.{name} is assigned to")
        if name in _SCALAR_TYPES:
            new = f"np.{_SCALAR_TYPES[name]}"
        elif id(node) in kinds:
            if name not in _KINDS:
                raise CodemodError(f"line {node.lineno}: np.{name} as a kind is not known")
            new = f"np.{_KINDS[name]}"
        else:
            new = f"builtins.{name}" if name in bound else name
            needs_builtins = needs_builtins or name in bound
        edits.append(module.replace_node(node, new.encode()))
    _check_numpy_import(module, edits)
    if needs_builtins:
        edits.append(_import_builtins(module))
    return module.apply_with_notice("numpy's removed names are replaced", edits)


def _is_kind_check(call: ast.Call) -> bool:
    return ast.unparse(call.func) == "np.issubdtype" and len(call.args) == 2


def _find_bound_names(module: SourceModule) -> Iterator[str]:
    """Every name that the module binds as a variable, parameter, definition or import."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.alias):
            yield node.asname or node.name


def _import_builtins(module: SourceModule) -> SourceEdit:
    """The edit that imports `builtins` before numpy."""
    if list(module.find_name_uses("builtins")):
        raise CodemodError("the module has a `builtins` of its own")
    for node in module.tree.body:
        if isinstance(node, ast.Import) and ast.unparse(node) == "import numpy as np":
            start = module.find_start(node)
            return SourceEdit(start, start, b"import builtins" + module.newline)
    raise CodemodError("numpy is not imported at top level")


def replace_numpy_asscalar(source: bytes) -> bytes:
    """Replace ``np.asscalar(x)`` by ``np.asarray(x).item()``, as numpy itself did it.

    Precondition: every use is a call with one positional argument.

    Raises:
        CodemodError: ``np.asscalar`` is used in another way.
    """
    if b"np.asscalar" not in source:
        return source
    module = SourceModule(source)
    calls = {id(call.func): call for call in module.find_calls()}
    edits = []
    for node in module.find_attributes("np"):
        if node.attr != "asscalar":
            continue
        call = calls.get(id(node))
        if call is None or len(call.args) != 1 or call.keywords:
            raise CodemodError(f"line {node.lineno}: np.asscalar is not called with one argument")
        end = module.find_end(call)
        edits += [module.replace_node(node, b"np.asarray"), SourceEdit(end, end, b".item()")]
    _check_numpy_import(module, edits)
    return module.apply_with_notice("numpy's removed asscalar is replaced", edits)


def replace_ndarray_tostring(source: bytes) -> bytes:
    """Replace an array's method ``tostring()`` by ``tobytes()``.

    Precondition: the module uses numpy as ``np``, and calls ``tostring`` on a bare name
    without arguments.

    Raises:
        CodemodError: such a method is called in another way.
    """
    if b".tostring(" not in source:
        return source
    module = SourceModule(source)
    edits = []
    for call in module.find_calls():
        method = call.func
        if not (isinstance(method, ast.Attribute) and method.attr == "tostring"):
            continue
        if call.args or call.keywords or not isinstance(method.value, ast.Name):
            raise CodemodError(f"line {call.lineno}: tostring is not an array's plain method here")
        edits.append(module.replace_node(method, module.read_node(method.value) + b".tobytes"))
    _check_numpy_import(module, edits)
    return module.apply_with_notice("an array's tostring() is called tobytes()", edits)


def index_by_tuple(source: bytes) -> bytes:
    """Index an array by a tuple instead of by a list of indices and slices (numpy 1.23).

    Precondition: the index is a bare name, to which the function assigns a list that has a
    ``slice`` in it.
    """
    if b"slice(None)" not in source:
        return source
    module = SourceModule(source)
    edits = []
    for function in ast.walk(module.tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        lists = {
            target.id
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and _is_list_of_slices(node.value)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        edits += [
            module.replace_node(node.slice, b"tuple(" + module.read_node(node.slice) + b")")
            for node in ast.walk(function)
            if isinstance(node, ast.Subscript)
            and isinstance(node.slice, ast.Name)
            and node.slice.id in lists
        ]
    return module.apply_with_notice("an array is indexed by a tuple", edits)


def _is_list_of_slices(value: ast.expr) -> bool:
    """Whether an expression is a list, or a sum of lists, with a call of `slice` in it."""
    parts = [value.left, value.right] if isinstance(value, ast.BinOp) else [value]
    lists = [part for part in parts if isinstance(part, ast.List)]
    return any(
        isinstance(item, ast.Call) and ast.unparse(item.func) == "slice"
        for part in lists
        for item in part.elts
    )


def replace_dtype_assignment(source: bytes) -> bytes:
    """Read an array's bytes as another dtype by ``view`` instead of by assignment (numpy 2.5).

    Precondition: each assignment to ``dtype`` is a statement on a bare name, as in
    ``x.dtype = y``, and ``np`` is numpy.

    Raises:
        CodemodError: it has another form.
    """
    if b".dtype = " not in source:
        return source
    module = SourceModule(source)
    edits = []
    for node in ast.walk(module.tree):
        if not (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Attribute)
            and node.targets[0].attr == "dtype"
        ):
            continue
        array = node.targets[0].value
        if len(node.targets) != 1 or not isinstance(array, ast.Name) or array.id == "self":
            raise CodemodError(f"line {node.lineno}: no plain array's dtype is assigned to")
        name = module.read_node(array)
        new = name + b" = " + name + b".view(" + module.read_node(node.value) + b")"
        edits.append(module.replace_node(node, new))
    _check_numpy_import(module, edits)
    return module.apply_with_notice("an array is viewed as another dtype", edits)


def _check_numpy_import(module: SourceModule, edits: list[SourceEdit]) -> None:
    """Raise an error if there are edits to make, but ``np`` is not numpy."""
    imports = [
        alias.name
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Import)
        for alias in node.names
        if (alias.asname or alias.name) == "np"
    ]
    if edits and set(imports) != {"numpy"}:
        raise CodemodError("np is not bound by `import numpy as np`")
