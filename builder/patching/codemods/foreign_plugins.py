"""The code that `tensorboard/default.py` gains: no plugin of others can end TensorBoard."""

from __future__ import annotations

FOREIGN_PLUGINS = '''\


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
