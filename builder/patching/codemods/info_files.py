"""Trust only info files and servers of the same user: `tensorboard/manager.py`.

Each TensorBoard writes an info file to `.tensorboard-info` in the directory for temporary files.
All users of a machine share that directory and may write to it, and `%tensorboard` trusted every
file in it. So another user could write an info file with a victim's (predictable) cache key and a
port of the attacker's. The victim's next `%tensorboard` then "reused" the attacker's server and
showed it in a frame, through the proxy, in Jupyter's own origin. On systems with file owners (not
on Windows), the fixed module

- trusts an info file if it belongs to the user or to root, as `fstat` of the opened file reports,
  and follows no symbolic link;
- reuses a server only if the user or root, and nobody else, listens on its port on `localhost`. It
  looks this up in `/proc/net/tcp`; without that table, it only checks that the process exists;
- writes its own info file to the shared directory, where other releases look for it, and to a
  directory of the user's own, from which nobody else can remove it.
"""

from __future__ import annotations

import ast

from builder.patching.codemods.errors import CodemodError
from builder.patching.codemods.info_file_helpers import INFO_FILE_HELPERS
from builder.patching.codemods.source import SourceEdit, SourceModule

_WRITE = "with open(_get_info_file_path(), 'w') as outfile:\n    outfile.write(payload)"
_UNLINK = "os.unlink(_get_info_file_path())"
_FIND = "filepath = os.path.join(info_dir, filename)"
_OPEN = "with open(filepath) as infile:\n    contents = infile.read()"
_CANDIDATES = "[info for info in infos if info.cache_key == cache_key]"


def guard_info_files(source: bytes) -> bytes:
    """Read, reuse and write info files as the docstring of this module describes.

    Precondition: the functions ``_get_info_dir``, ``write_info_file``, ``remove_info_file``,
    ``get_all`` and ``_find_matching_instance`` are at top level and have the code that they have
    in 1.13.0 to 2.21.0.

    Raises:
        CodemodError: a function is missing, or has other code.
    """
    if b"def write_info_file" not in source or b"def _read_info_files" in source:
        return source
    module = SourceModule(source)
    get_dir, write, remove, get_all, find = (
        module.find_function(name)
        for name in (
            *("_get_info_dir", "write_info_file", "remove_info_file", "get_all"),
            "_find_matching_instance",
        )
    )
    offset = module.find_line_start(get_dir.lineno)
    edits = [
        _edit_imports(module),
        SourceEdit(offset, offset, module.format_lines(INFO_FILE_HELPERS) + module.newline),
        module.replace_node(_find_statement(write.body, _WRITE), b"_write_info(payload)"),
        _edit_removal(module, remove),
        *_edit_reading(module, get_all),
        _edit_reuse(module, find),
    ]
    return module.apply_with_notice("files and servers of other users are not believed", edits)


def _find_statement(body: list[ast.stmt], text: str) -> ast.stmt:
    """Find the one statement with this text."""
    found = [node for node in body if ast.unparse(node) == text]
    if len(found) != 1:
        raise CodemodError(f"there is no single `{text.splitlines()[0]}`")
    return found[0]


def _edit_removal(module: SourceModule, remove: ast.FunctionDef) -> SourceEdit:
    """The edit that removes files with the helper, before the function's own code would do it."""
    unlink_try = remove.body[-1]
    if not isinstance(unlink_try, ast.Try) or ast.unparse(unlink_try.body[0]) != _UNLINK:
        raise CodemodError("remove_info_file does not end in a try to unlink the file")
    start = module.find_line_start(unlink_try.lineno)
    guard = "if _HAS_OWNERS:\n    _remove_info()\n    return"
    return SourceEdit(start, start, module.format_lines(guard, depth=1) + module.newline)


def _edit_imports(module: SourceModule) -> SourceEdit:
    """The edit that imports what the helpers use, before the module's own imports."""
    imported = {
        a.name for node in module.tree.body if isinstance(node, ast.Import) for a in node.names
    }
    missing = [
        n for n in ("binascii", "contextlib", "socket", "stat", "struct") if n not in imported
    ]
    for node in module.tree.body:
        if isinstance(node, ast.Import):
            start = module.find_start(node)
            text = "".join(f"import {name}\n" for name in missing)
            return SourceEdit(start, start, text.encode().replace(b"\n", module.newline))
    raise CodemodError("nothing is imported")


def _edit_reading(module: SourceModule, get_all: ast.FunctionDef) -> list[SourceEdit]:
    """The edits that read files with the helper, and drop servers of other users."""
    first = _find_statement(get_all.body, "info_dir = _get_info_dir()")
    loops = [node for node in get_all.body if isinstance(node, ast.For)]
    if len(loops) != 1 or ast.unparse(loops[0].iter) != "os.listdir(info_dir)":
        raise CodemodError("get_all does not go through the files of info_dir")
    find, read, *_ = loops[0].body
    if ast.unparse(find) != _FIND or not isinstance(read, ast.Try):
        raise CodemodError("get_all does not open each file")
    if [ast.unparse(node) for node in read.body] != [_OPEN]:
        raise CodemodError("get_all does not read each file")
    header = b"for filepath, contents in _read_info_files():"
    returned = _find_statement(get_all.body, "return results")
    return [
        SourceEdit(
            module.find_line_start(first.lineno), module.find_line_start(first.lineno + 1), b""
        ),
        SourceEdit(module.find_start(loops[0]), module.find_end(read), header),
        module.replace_node(returned, b"return _drop_strangers(results)"),
    ]


def _edit_reuse(module: SourceModule, find: ast.FunctionDef) -> SourceEdit:
    """The edit that reuses a server only if it runs."""
    for node in find.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.value) == _CANDIDATES:
            return module.replace_node(
                node.value, b"_find_running(" + module.read_node(node.value) + b")"
            )
    raise CodemodError("_find_matching_instance does not look for a cache key")
