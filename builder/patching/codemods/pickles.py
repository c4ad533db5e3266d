"""Run no code from pickles: `tensorboard/plugins/beholder/file_system_tools.py`.

Beholder (up to 2.3.0, shown if TensorFlow is also installed) stores its configuration and data
about arrays as pickles in the log directory. Whoever writes a pickle decides which code runs when
it is read. Beholder's own pickles contain only strings, numbers and dictionaries of them.
"""

from __future__ import annotations

import ast

from builder.patching.codemods.errors import CodemodError
from builder.patching.codemods.source import SourceEdit, SourceModule

_UNPICKLER = '''\
class _PlainUnpickler(pickle.Unpickler):
    """Reads texts, numbers and tables of them, and runs nothing."""

    def find_class(self, module, name):
        raise ValueError("a pickle of %s.%s is not read" % (module, name))


'''


def restrict_pickles(source: bytes) -> bytes:
    """Read only pickles of plain values; any other raises a ``ValueError``, as a broken one does.

    Precondition: ``import pickle`` at top level, pickles are read with ``pickle.load(file)`` only,
    and there is a function at top level.

    Raises:
        CodemodError: pickles are read in another way, or the import or the function is missing.
    """
    if b"pickle.load" not in source or b"class _PlainUnpickler" in source:
        return source
    module = SourceModule(source)
    calls = {id(call.func): call for call in module.find_calls()}
    edits = []
    for node in module.find_attributes("pickle"):
        if not node.attr.startswith("load"):
            continue
        call = calls.get(id(node))
        if node.attr != "load" or call is None or len(call.args) != 1 or call.keywords:
            raise CodemodError(f"line {node.lineno}: no plain pickle.load(file)")
        file = module.read_node(call.args[0])
        edits.append(module.replace_node(call, b"_PlainUnpickler(" + file + b").load()"))
    first = next((n for n in module.tree.body if isinstance(n, ast.FunctionDef)), None)
    if first is None or module.find_top_import("pickle") is None:
        raise CodemodError("pickle is not imported at top level, or there is no function")
    offset = module.find_line_start(first.lineno)
    helper = module.format_lines(_UNPICKLER) + module.newline
    return module.apply_with_notice(
        "pickles run nothing", [SourceEdit(offset, offset, helper), *edits]
    )
