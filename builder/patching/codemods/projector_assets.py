"""Limit which files the projector serves: `tensorboard/plugins/projector/projector_plugin.py`.

A `projector_config.pbtxt` in a log directory names files (metadata, tensors, bookmarks, sprites).
The projector read and served any path, so somebody else's log directory could expose the files of
the user who viewed it. From 2.21.0 on upstream allows only files below the configuration's
directory (`_rel_to_abs_asset_path`), but its code no longer opens remote paths (`gs://…`).
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from builder.patching.codemods.errors import CodemodError
from builder.patching.codemods.source import SourceModule

if TYPE_CHECKING:
    from builder.patching.codemods.source import SourceEdit

_NAME = "_rel_to_abs_asset_path"

_FUNCTION = '''\
def _rel_to_abs_asset_path(fpath, config_fpath):
    """Returns the path of a file that a configuration names.

    It must lie below the configuration's directory, also when symbolic links
    are followed. Remote paths are compared as they are written. Who sets
    TENSORBOARD_PROJECTOR_ANY_PATH=1 may have files anywhere.

    Raises:
      ValueError: it lies somewhere else.
    """
    if config_fpath.startswith(("file://", "local://")):
        config_fpath = config_fpath.partition("://")[2]
        fpath = fpath.partition("://")[2] or fpath
    config_dir = os.path.dirname(config_fpath)
    if os.environ.get("TENSORBOARD_PROJECTOR_ANY_PATH") == "1":
        fpath = os.path.expanduser(fpath)
        return fpath if os.path.isabs(fpath) else os.path.join(config_dir, fpath)
    if "://" in config_dir:
        path = fpath if "://" in fpath else config_dir + "/" + fpath
        inside = path.startswith(config_dir + "/") and ".." not in path.split("/")
    else:
        root = os.path.realpath(os.path.expanduser(config_dir))
        path = os.path.realpath(os.path.join(root, os.path.expanduser(fpath)))
        try:
            inside = "://" not in fpath and os.path.commonpath([root, path]) == root
        except ValueError:  # on another drive
            inside = False
    if not inside:
        raise ValueError(
            'Asset path "%s" resolves outside the config directory '
            "(TENSORBOARD_PROJECTOR_ANY_PATH=1 allows that)" % fpath
        )
    return path
'''

_REFUSED = """\
try:
    {statement}
except ValueError as e:
    return Respond(request, str(e), "text/plain", 400)
"""
_SKIPPED = """\
try:
    {statement}
except ValueError as e:
    logger.warning("Projector: %s", e)
    continue
"""


def confine_projector_assets(source: bytes) -> bytes:
    """Serve only files below the directory of the configuration that names them.

    Precondition: ``_rel_to_abs_asset_path`` is a function at top level with the parameters
    ``fpath`` and ``config_fpath``; it is called in statements ``fpath = …`` only, each in a method
    that responds to a ``request``, in a loop, or in a ``try`` that handles ``ValueError`` (2.21.0).

    Raises:
        CodemodError: the function has other parameters, or is called in another way.
    """
    if b"def " + _NAME.encode() not in source or b"TENSORBOARD_PROJECTOR_ANY_PATH" in source:
        return source
    module = SourceModule(source)
    function = module.find_function(_NAME)
    if [arg.arg for arg in function.args.args] != ["fpath", "config_fpath"]:
        raise CodemodError(f"line {function.lineno}: the parameters of {_NAME} are others")
    calls = {id(c) for c in module.find_calls() if ast.unparse(c.func) == _NAME}
    edits = [module.replace_node(function, module.format_lines(_FUNCTION))]
    for statement, parents in _find_statements(module.tree, ()):
        if isinstance(statement, ast.Assign) and id(statement.value) in calls:
            calls.remove(id(statement.value))
            edits += _guard_statement(module, statement, parents)
    if calls:
        raise CodemodError(f"{_NAME} is called in another way than known")
    return module.apply_with_notice(
        "files outside the configuration's directory are not served", edits
    )


def _find_statements(
    node: ast.AST, parents: tuple[ast.AST, ...]
) -> list[tuple[ast.stmt, tuple[ast.AST, ...]]]:
    """Every statement with the nodes that contain it, from the outermost to the innermost."""
    found = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            found.append((child, (*parents, node)))
        found += _find_statements(child, (*parents, node))
    return found


def _guard_statement(
    module: SourceModule, node: ast.Assign, parents: tuple[ast.AST, ...]
) -> list[SourceEdit]:
    """The edits that handle a refused path: respond, or continue; none if upstream handles it."""
    if any(
        isinstance(handler.type, ast.Name) and handler.type.id == "ValueError"
        for parent in parents
        if isinstance(parent, ast.Try)
        for handler in parent.handlers
    ):
        return []
    functions = [parent for parent in parents if isinstance(parent, ast.FunctionDef)]
    if functions and [a.arg for a in functions[-1].args.args] == ["self", "request"]:
        guard = _REFUSED
    elif functions and any(isinstance(parent, ast.For) for parent in parents):
        guard = _SKIPPED
    else:
        raise CodemodError(f"line {node.lineno}: {_NAME} is called neither in a route nor a loop")
    step = module.indent
    depth = node.col_offset // len(step)
    text = module.format_lines(guard.rstrip("\n"), depth=depth).lstrip(b" ")
    statement = module.read_node(node).replace(module.newline, module.newline + step)
    return [module.replace_node(node, text.replace(b"{statement}", statement))]
