"""Load plugins of other distributions safely, and without `pkg_resources`.

`pkg_resources` is no longer part of setuptools (82), so `tensorboard/default.py` reads entry points
with `importlib.metadata`. A plugin of another distribution that does not work with this TensorBoard
is skipped with one warning. That holds for any error at any time: its import fails, it is no plugin
at all, its flags, constructor or routes fail, or its name is taken. A plugin that two distributions
register (the stock and the renamed one, both installed) is loaded once.
"""

from __future__ import annotations

import ast

from builder.patching.codemods.errors import CodemodError
from builder.patching.codemods.foreign_plugins import FOREIGN_PLUGINS
from builder.patching.codemods.source import SourceEdit, SourceModule

_IMPORT = """\
try:
    from importlib import metadata
except ImportError:  # Python 3.7
    import importlib_metadata as metadata
"""

_LOOP = """\
plugins = []
# TensorBoard's own first: no other plugin takes their names.
for entry_point in sorted(
    _iter_entry_points("tensorboard_plugins"), key=_is_foreign
):
    plugin = _ForeignPlugin(entry_point).call(
        entry_point.load, otherwise=_FAILED
    )
    # Two distributions may register the same plugin, such as
    # `tensorboard` and a renamed build of it.
    if plugin is _FAILED or _is_among(plugin, _PLUGINS + plugins):
        continue
    plugins.append(plugin)
    known = [known for known, _ in _FOREIGN_PLUGINS]
    if _is_foreign(entry_point) and not _is_among(plugin, known):
        _FOREIGN_PLUGINS.append((plugin, entry_point))
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

_LOADERS = """\
from tensorboard import default

self.plugin_loaders = default.make_loaders(plugins, {make_loader})
"""


def guard_plugin_loading(source: bytes) -> bytes:
    """Read entry points with `importlib.metadata`, skip plugins that fail, load each once.

    Precondition: ``get_dynamic_plugins`` ends in one ``return [entry_point.load() for
    entry_point in …]`` (or ``resolve()``), which is the only use of ``pkg_resources``, and the
    module has ``logger`` and ``_PLUGINS``. If upstream itself reads entry points with
    ``_iter_entry_points`` (2.21.0), that function stays.

    Raises:
        CodemodError: the function has another form.
    """
    if b"def get_dynamic_plugins" not in source or b"Skipping plugin" in source:
        return source
    module = SourceModule(source)
    function = module.find_function("get_dynamic_plugins")
    returned = _find_return(function)
    if not all(list(module.find_name_uses(name)) for name in ("logger", "_PLUGINS")):
        raise CodemodError("the module has no logger or no _PLUGINS")
    loop = module.format_lines(_LOOP, depth=1).lstrip(b" ")
    edits = [module.replace_node(returned, loop)]
    added = FOREIGN_PLUGINS
    statement = module.find_top_import("pkg_resources")
    if statement is not None:
        if (
            len(list(module.find_name_uses("pkg_resources"))) != 1
            or function is not module.tree.body[-1]
        ):
            raise CodemodError("pkg_resources is used elsewhere, or the function is not the last")
        edits.append(module.replace_node(statement, module.format_lines(_IMPORT)))
        added = _ITERATE + FOREIGN_PLUGINS
    elif not any(getattr(node, "name", "") == "_iter_entry_points" for node in module.tree.body):
        raise CodemodError("entry points are read neither by pkg_resources nor by a function")
    edits.append(SourceEdit(len(source), len(source), module.format_lines(added) + module.newline))
    return module.apply_with_notice("plugins of other distributions that fail are skipped", edits)


def guard_foreign_plugins(source: bytes) -> bytes:
    """Make plugin loaders with the function that `guard_plugin_loading` adds to `default.py`.

    Precondition: ``self.plugin_loaders = [f(p) for p in plugins]`` occurs once in the module.

    Raises:
        CodemodError: ``self.plugin_loaders`` is set in another way.
    """
    if b"self.plugin_loaders = " not in source or b"default.make_loaders" in source:
        return source
    module = SourceModule(source)
    found = [
        node
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "self.plugin_loaders"
    ]
    if len(found) != 1:
        raise CodemodError("self.plugin_loaders is not set once")
    value = found[0].value
    if not (
        isinstance(value, ast.ListComp)
        and isinstance(value.elt, ast.Call)
        and ast.unparse(value).endswith("(p) for p in plugins]")
    ):
        raise CodemodError(f"line {found[0].lineno}: loaders are not made by one comprehension")
    code = _LOADERS.format(make_loader=ast.unparse(value.elt.func))
    depth = found[0].col_offset // len(module.indent)
    edit = module.replace_node(found[0], module.format_lines(code, depth=depth).lstrip(b" "))
    return module.apply_with_notice("a plugin of somebody else's cannot end TensorBoard", [edit])


def _find_return(function: ast.FunctionDef) -> ast.Return:
    """Find the return statement, which must follow directly after the docstring."""
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
