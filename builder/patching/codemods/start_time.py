"""Let `tensorboard/manager.py` recognize the TensorBoard that it has just started.

It looks for one with the right pid whose start is not earlier than the command. A TensorBoard
records its start in whole seconds, rounded down. So one that started within the same second as the
command seemed older: `%tensorboard` waited for a minute and reported a timeout.
Upstream compares cache keys from 2.5.0 on (tensorboard #4300).
"""

from __future__ import annotations

import ast

from builder.patching.codemods.errors import CodemodError
from builder.patching.codemods.source import SourceModule

_COMPARED = "info.start_time >= start_time_seconds"


def fix_start_time(source: bytes) -> bytes:
    """Compare start times in whole seconds on both sides.

    Precondition: there is exactly one comparison ``info.start_time >= start_time_seconds``.

    Raises:
        CodemodError: ``info.start_time`` is compared in another way.
    """
    if b"info.start_time" not in source or b">= int(start_time_seconds)" in source:
        return source
    module = SourceModule(source)
    compared = [
        node
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Compare) and "info.start_time" in ast.unparse(node.left)
    ]
    if not compared:
        return source
    if len(compared) != 1 or ast.unparse(compared[0]) != _COMPARED:
        raise CodemodError("info.start_time is compared in another way than known")
    edit = module.replace_node(compared[0].comparators[0], b"int(start_time_seconds)")
    return module.apply_with_notice(
        "a TensorBoard that starts within a second is known again", [edit]
    )
