"""Use protobuf's JSON option under its old and its new name, which protobuf 5 introduced.

`including_default_value_fields` is `always_print_fields_with_no_presence` since protobuf 26
(Python 5.26). For proto3 fields without presence, the only ones that are printed here, both mean
the same. The fixed module looks at the function's variables to see which name it has, because
TensorFlow pins old protobufs.
"""

from __future__ import annotations

import ast

from builder.patching.codemods.errors import CodemodError
from builder.patching.codemods.source import SourceEdit, SourceModule

_OLD = "including_default_value_fields"
_HELPER = """\
# protobuf 5 renamed this option of `MessageToJson` and its like.
_PRINT_DEFAULTS = {
    "always_print_fields_with_no_presence"
    if "always_print_fields_with_no_presence"
    in json_format.MessageToJson.__code__.co_varnames
    else "including_default_value_fields": True
}


"""


def adapt_json_options(source: bytes) -> bytes:
    """Pass the JSON option for defaults under the name that the installed protobuf has.

    A module that also names the new option chooses by itself, and is not changed.

    Precondition: ``json_format`` is imported from ``google.protobuf`` at top level, and the
    option is passed as ``including_default_value_fields=True`` to its functions.

    Raises:
        CodemodError: the option is used in another way.
    """
    if _OLD.encode() not in source or b"always_print_fields" in source:
        return source
    module = SourceModule(source)
    edits = []
    for call in module.find_calls():
        for keyword in call.keywords:
            if keyword.arg != _OLD:
                continue
            if ast.unparse(keyword.value) != "True" or not _is_json_format_call(call):
                raise CodemodError(f"line {call.lineno}: {_OLD} is not simply True for json_format")
            start = module.find_end(keyword.value) - len(f"{_OLD}=True")
            edits.append(SourceEdit(start, module.find_end(keyword.value), b"**_PRINT_DEFAULTS"))
            if source[start : module.find_end(keyword.value)] != f"{_OLD}=True".encode():
                raise CodemodError(f"line {call.lineno}: {_OLD}=True is written in another way")
    if not edits:
        return source
    offset = module.find_line_start(_find_first_definition(module).lineno)
    edits.append(SourceEdit(offset, offset, module.format_lines(_HELPER) + module.newline))
    return module.apply_with_notice("protobuf 5's name of a JSON option is known", edits)


def _is_json_format_call(call: ast.Call) -> bool:
    return ast.unparse(call.func) in ("json_format.MessageToJson", "json_format.MessageToDict")


def _find_first_definition(module: SourceModule) -> ast.stmt:
    """The first top-level function or class, if `json_format` is imported before it."""
    is_imported = False
    for node in module.tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "google.protobuf":
            is_imported = is_imported or any(
                alias.name == "json_format" and alias.asname is None for alias in node.names
            )
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.decorator_list:
            if is_imported:
                return node
            break
    raise CodemodError("json_format is not imported in front of the first definition")
