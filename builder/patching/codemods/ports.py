"""Let `tensorboard/program.py` detect that a port is in use.

Werkzeug's server used to raise the `OSError` of a port that it cannot bind; TensorBoard then tries
the next port, or reports the error. From Werkzeug 2.1.0 on (`werkzeug/serving.py`) the server
prints the error and calls `sys.exit(1)` in the exception handler, so the `OSError` is the
`__context__` of the `SystemExit`.
"""

from __future__ import annotations

import ast

from builder.patching.codemods.errors import CodemodError
from builder.patching.codemods.source import SourceModule

_BIND = "__init__(host, port, wsgi_app"
_GUARD = """\
try:
{call}
except SystemExit as exited:
    # Werkzeug 2.1 and later end the process where they used to raise.
    raise exited.__context__ or exited
"""


def raise_port_in_use(source: bytes) -> bytes:
    """Raise the error for which Werkzeug would end the process.

    Precondition: ``WerkzeugServer.__init__`` has one ``try`` that handles ``socket.error``, whose
    only statement is the call of the base class's ``__init__`` with host and port. If upstream
    itself checks the port first (``is_port_in_use``, 2.15.0), nothing is changed.

    Raises:
        CodemodError: the call has another form.
    """
    if b"class WerkzeugServer" not in source or b"is_port_in_use" in source:
        return source
    if b"except SystemExit as exited" in source:
        return source
    module = SourceModule(source)
    call = _find_bind_call(module)
    step = module.indent
    text = module.read_node(call).replace(module.newline, module.newline + step)
    depth = call.col_offset // len(step)
    guard = module.format_lines(_GUARD.rstrip("\n"), depth=depth).lstrip(b" ")
    inner = step * (depth + 1) + text
    edit = module.replace_node(call, guard.replace(step * depth + b"{call}", inner))
    return module.apply_with_notice("a port in use is told from the end of the process", [edit])


def _find_bind_call(module: SourceModule) -> ast.stmt:
    """Find the statement that binds the port, the only one in its ``try``."""
    found = [
        node.body[0]
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Try)
        and len(node.body) == 1
        and _BIND in ast.unparse(node.body[0])
        and any(h.type and ast.unparse(h.type) == "socket.error" for h in node.handlers)
    ]
    if len(found) != 1 or not isinstance(found[0], ast.Expr):
        raise CodemodError("the port is not bound by one call in a try of its own")
    return found[0]
