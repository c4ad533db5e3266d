"""How `tensorboard/default.py` finds the plugins that other distributions bring.

`pkg_resources` is no longer part of setuptools (82), so entry points are read with
`importlib.metadata`. One plugin that cannot be loaded does not take TensorBoard down, and one
that two distributions register (stock and renamed, side by side) is taken once.
"""

from __future__ import annotations

import ast

from builder.codemods.errors import CodemodError
from builder.codemods.source import Edit, Module

_IMPORT = """\
try:
    from importlib import metadata
except ImportError:  # Python 3.7
    import importlib_metadata as metadata
"""

_LOOP = """\
plugins = []
for entry_point in _iter_entry_points("tensorboard_plugins"):
    try:
        plugin = entry_point.load()
    except Exception as e:
        # A plugin of somebody else's, such as an outdated one, must not
        # keep TensorBoard from starting.
        logger.warning("Skipping plugin %r: %r", entry_point.value, e)
        continue
    # Two distributions may register the same plugin, such as
    # `tensorboard` and a renamed build of it.
    if plugin not in _PLUGINS and plugin not in plugins:
        plugins.append(plugin)
return plugins
"""

_ITERATE = '''\


def _iter_entry_points(group):
    """Returns the entry points of a group, on every Python from 3.7 on."""
    entry_points = metadata.entry_points()
    # A dictionary before Python 3.10, and something to select from since.
    if hasattr(entry_points, "select"):
        return entry_points.select(group=group)
    return entry_points.get(group, ())
'''


def plugin_loading(source: bytes) -> bytes:
    """Read entry points with `importlib.metadata`, skip broken plugins, take each once.

    Precondition: ``get_dynamic_plugins`` ends in one ``return [entry_point.load() for
    entry_point in …]`` (or ``resolve()``), which is the only use of ``pkg_resources``, and the
    module has ``logger`` and ``_PLUGINS``. Where upstream itself reads entry points by
    ``_iter_entry_points`` (2.21.0), only the return is replaced.

    Raises:
        CodemodError: the function has another shape.
    """
    if b"def get_dynamic_plugins" not in source or b"Skipping plugin" in source:
        return source
    module = Module(source)
    function = _function(module, "get_dynamic_plugins")
    returned = _returned(function)
    if not all(list(module.uses(name)) for name in ("logger", "_PLUGINS")):
        raise CodemodError("the module has no logger or no _PLUGINS")
    loop = module.lines(_LOOP, depth=1).lstrip(b" ")
    edits = [module.replace(returned, loop)]
    statement = module.top_import("pkg_resources")
    if statement is not None:
        if len(list(module.uses("pkg_resources"))) != 1 or function is not module.tree.body[-1]:
            raise CodemodError("pkg_resources is used elsewhere, or the function is not the last")
        edits.append(module.replace(statement, module.lines(_IMPORT)))
        edits.append(Edit(len(source), len(source), module.lines(_ITERATE) + module.newline))
    elif not any(getattr(node, "name", "") == "_iter_entry_points" for node in module.tree.body):
        raise CodemodError("entry points are read neither by pkg_resources nor by a function")
    return module.mended("plugins are found without pkg_resources, broken ones skipped", edits)


def _function(module: Module, name: str) -> ast.FunctionDef:
    for node in module.tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node
    raise CodemodError(f"{name} is not a function at top level")


def _returned(function: ast.FunctionDef) -> ast.Return:
    """The function's return statement, after nothing but its docstring."""
    last = function.body[-1]
    if len(function.body) == 2 and isinstance(last, ast.Return):
        text = "".join(ast.unparse(last).split())
        for load in ("load", "resolve"):
            for iterate in ("pkg_resources.iter_entry_points", "_iter_entry_points"):
                if text == (
                    f"return[entry_point.{load}()forentry_pointin{iterate}('tensorboard_plugins')]"
                ):
                    return last
    raise CodemodError(f"line {function.lineno}: plugins are not loaded by one comprehension")
