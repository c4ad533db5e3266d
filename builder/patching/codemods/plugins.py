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

_FOREIGN = '''\


# What `get_dynamic_plugins` has found of other distributions, with the entry
# points, and what stands for a plugin that could not be had.
_FOREIGN_PLUGINS = []
_FAILED = object()


def _is_foreign(entry_point):
    return not entry_point.value.startswith("tensorboard.plugins.")


def _is_among(plugin, plugins):
    return any(known is plugin for known in plugins)


def make_loaders(plugins, make_loader):
    """Makes the loaders of plugins, as `make_loader` makes that of one.

    Where that fails for a plugin that another distribution brings, or where
    the plugin itself fails later, it is skipped with a warning.
    """
    loaders = []
    done = []
    for plugin in plugins:
        if _is_among(plugin, done):  # get_plugins() has dynamic ones since 2.3
            continue
        done.append(plugin)
        found = [point for known, point in _FOREIGN_PLUGINS if known is plugin]
        if not found:
            loaders.append(make_loader(plugin))
        else:
            foreign = _ForeignPlugin(found[0])
            loader = foreign.call(foreign.make_guarded, make_loader, plugin)
            if loader is not None:
                loaders.append(loader)
    return loaders


class _ForeignPlugin(object):
    """Calls a plugin of another distribution's, until it fails.

    A plugin for another TensorBoard, say, must not keep this one and its other
    plugins from working. Ctrl-C is still heard.
    """

    def __init__(self, entry_point):
        self._entry_point = entry_point
        self._skipped = False
        self._warned = False

    def call(self, function, *args, otherwise=None, passing=()):
        """Calls a function of the plugin's, unless one has failed before.

        Returns what it gives, or `otherwise` where it fails. Exceptions of
        the types `passing` go through.
        """
        if self._skipped:
            return otherwise
        try:
            return function(*args)
        except KeyboardInterrupt:
            raise
        except BaseException as e:
            if isinstance(e, passing):
                raise
            self._skipped = True
            self._warn(e)
            return otherwise

    def ask(self, function, otherwise):
        """Asks a plugin that is there; what fails now may work later."""
        if self._skipped:
            return otherwise()
        try:
            return function()
        except KeyboardInterrupt:
            raise
        except BaseException as e:
            self._warn(e)
            return otherwise()

    def _warn(self, e):
        if not self._warned:
            self._warned = True
            logger.warning(
                "Skipping plugin %s = %s: %r",
                self._entry_point.name,
                self._entry_point.value,
                e,
            )

    def make_guarded(self, make_loader, plugin):
        """Makes a loader that does nothing any more after its first error."""
        import argparse
        import copy

        from tensorboard.plugins import base_plugin

        loader = make_loader(plugin)
        # The loader may be somebody else's own, and be used once more.
        guarded = copy.copy(loader)

        def define_flags(parser):
            # Flags of which the last fails must not leave the first behind.
            loader.define_flags(argparse.ArgumentParser())
            loader.define_flags(parser)

        # A FlagsError is how plugins tell users of their mistakes.
        for name, method in (
            ("define_flags", lambda parser: self.call(define_flags, parser)),
            (
                "fix_flags",
                lambda flags: self.call(
                    loader.fix_flags, flags, passing=base_plugin.FlagsError
                ),
            ),
            ("load", lambda context: self.call(self._load, loader, context)),
        ):
            object.__setattr__(guarded, name, method)
        return guarded

    def _load(self, loader, context):
        from tensorboard.backend import application
        from tensorboard.plugins import base_plugin

        plugin = loader.load(context)
        if plugin is None:
            return None
        name = plugin.plugin_name
        if not name or not application._VALID_PLUGIN_RE.match(name):
            raise ValueError("its name, %r, is not valid" % (name,))
        if name in context.plugin_name_to_instance:
            raise ValueError("there is a plugin named %r already" % name)
        _check_metadata(plugin.frontend_metadata())
        get_apps = plugin.get_plugin_apps
        object.__setattr__(
            plugin,
            "get_plugin_apps",
            lambda: self.call(lambda: _check_apps(get_apps()), otherwise={}),
        )
        for name, check, otherwise in (
            ("data_plugin_names", _check_names, frozenset),
            ("is_active", bool, bool),
            (
                "frontend_metadata",
                _check_metadata,
                lambda: base_plugin.TBPlugin.frontend_metadata(plugin),
            ),
        ):
            if hasattr(plugin, name):
                self._guard(plugin, name, check, otherwise)
        return plugin

    def _guard(self, plugin, name, check, otherwise):
        method = getattr(plugin, name)
        object.__setattr__(
            plugin,
            name,
            lambda: self.ask(lambda: check(method()), otherwise),
        )


def _check_apps(apps):
    """Returns a plugin's routes, if they are such as TensorBoard can serve."""
    apps = dict(apps.items())
    for route in apps:
        path = route[:-1] if route.endswith("/*") else route
        if not path.startswith("/") or "*" in path:
            raise ValueError("its route %r is not valid" % (route,))
    return apps


def _check_names(names):
    if not all(isinstance(name, str) for name in names):
        raise ValueError("its data_plugin_names %r are not valid" % (names,))
    return frozenset(names)


def _check_metadata(metadata):
    """Returns how a plugin is shown, if that can be told as JSON."""
    from tensorboard.plugins import base_plugin

    texts = [metadata.tab_name, metadata.es_module_path, metadata.element_name]
    both = metadata.element_name is not None and getattr(
        metadata, "is_ng_component", False
    )
    if (
        not isinstance(metadata, base_plugin.FrontendMetadata)
        or not all(text is None or isinstance(text, str) for text in texts)
        or both
    ):
        raise ValueError("its frontend_metadata %r is not valid" % (metadata,))
    return metadata
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
    added = _FOREIGN
    statement = module.find_top_import("pkg_resources")
    if statement is not None:
        if (
            len(list(module.find_name_uses("pkg_resources"))) != 1
            or function is not module.tree.body[-1]
        ):
            raise CodemodError("pkg_resources is used elsewhere, or the function is not the last")
        edits.append(module.replace_node(statement, module.format_lines(_IMPORT)))
        added = _ITERATE + _FOREIGN
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
