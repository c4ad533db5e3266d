"""Make generated protobuf modules of the old form work with every protobuf from 3.6 to 7.

protobuf 4 refuses descriptors that are created one by one ("Descriptors cannot be created
directly"). An old module also contains its whole file descriptor in serialized form. From 3.20 on,
`google.protobuf.internal.builder` creates the same names from that. With protobuf before 3.20,
which TensorFlow 2.8 to 2.11 require, the original code runs.
"""

from __future__ import annotations

import ast

from builder.patching.codemods.errors import CodemodError
from builder.patching.codemods.source import SourceEdit, SourceModule, apply_edits

_MARK = b"# @@protoc_insertion_point(module_scope)"
_DESCRIPTOR_CLASSES = {"Descriptor", "EnumDescriptor", "ServiceDescriptor"}
_NOTICE = "messages are built by protobuf's own builder where there is one"


def use_protobuf_builder(source: bytes) -> bytes:
    """Build a generated module's classes with protobuf's builder, if it has one, else as before.

    The imports of dependencies, and whatever follows the generated part, stay as they are. The
    generated part becomes the ``else`` branch, indented by two more spaces.

    Precondition: one ``DESCRIPTOR = _descriptor.FileDescriptor(…, serialized_pb=_b('…'), …)``
    at top level, one ``module_scope`` insertion point after it, no imports between them, and
    only function definitions after the insertion point.

    Raises:
        CodemodError: a module of the old form differs from that.
    """
    if b"serialized_pb=" not in source or b"_builder." in source:
        return source
    module = SourceModule(source)
    descriptor = _find_file_descriptor(module)
    serialized = _find_serialized(descriptor)
    start, end = module.find_start(descriptor), _find_insertion_point(module, descriptor)
    generated = [node for node in module.tree.body if start <= module.find_start(node) < end]
    if any(isinstance(node, ast.Import | ast.ImportFrom) for node in generated):
        raise CodemodError("an import stands inside the generated part")
    if any(mark in source[start:end] for mark in (b'"""', b"'''", b"\\\n")):
        raise CodemodError("the generated part holds a string over several lines")
    head = _render_head(module.read_node(serialized), _read_offsets(generated), module.newline)
    return apply_edits(
        source,
        [
            module.make_change_notice(_NOTICE),
            SourceEdit(start, start, head),
            module.replace_node(serialized, b"_SERIALIZED_PB"),
            *_indent_lines(source, start, module.find_start(serialized)),
            *_indent_lines(source, module.find_end(serialized), end),
        ],
    )


def _find_file_descriptor(module: SourceModule) -> ast.Assign:
    found = [
        node
        for node in module.tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and ast.unparse(node.targets[0]) == "DESCRIPTOR"
        and ast.unparse(node.value.func) == "_descriptor.FileDescriptor"
    ]
    if len(found) != 1:
        raise CodemodError(f"{len(found)} file descriptors instead of one")
    return found[0]


def _find_serialized(descriptor: ast.Assign) -> ast.Call:
    """Find the expression `_b('…')` that contains the serialized file descriptor."""
    for keyword in ast.walk(descriptor):
        if not isinstance(keyword, ast.keyword):
            continue
        value = keyword.value
        if (
            keyword.arg == "serialized_pb"
            and isinstance(value, ast.Call)
            and ast.unparse(value.func) == "_b"
            and [type(part) for part in value.args] == [ast.Constant]
        ):
            return value
    line = descriptor.lineno
    raise CodemodError(f"line {line}: the file descriptor does not hold serialized_pb=_b('…')")


def _find_insertion_point(module: SourceModule, descriptor: ast.Assign) -> int:
    """Find the offset of the line that ends the generated part."""
    mark = module.source.find(_MARK)
    if mark < module.find_end(descriptor) or module.source.count(_MARK) != 1:
        raise CodemodError("no single module_scope insertion point behind the file descriptor")
    rest = [node for node in module.tree.body if module.find_start(node) > mark]
    if not all(isinstance(node, ast.FunctionDef) for node in rest):
        raise CodemodError("statements other than functions behind the generated part")
    return mark


def _read_offsets(generated: list[ast.stmt]) -> list[tuple[str, str, int]]:
    """Read the offsets of descriptors in the serialized file, as `(name, keyword, offset)`.

    The pure-Python protobuf uses them in `CopyToProto`; protoc writes them too. `keyword` is
    `serialized_start` or `serialized_end`.
    """
    found = []
    for node in generated:
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)):
            continue
        if getattr(node.value.func, "attr", None) in _DESCRIPTOR_CLASSES:
            for keyword in node.value.keywords:
                if keyword.arg in ("serialized_start", "serialized_end"):
                    name, value = ast.unparse(node.targets[0]), ast.literal_eval(keyword.value)
                    found.append((name, keyword.arg, value))
    return found


def _render_head(serialized: bytes, offsets: list[tuple[str, str, int]], newline: bytes) -> bytes:
    lines = [
        b"from google.protobuf import descriptor_pool as _descriptor_pool",
        b"try:",
        b"  from google.protobuf.internal import builder as _builder",
        b"except ImportError:  # protobuf < 3.20",
        b"  _builder = None",
        b"",
        b"_SERIALIZED_PB = " + serialized,
        b"",
        b"if _builder is not None:",
        b"  DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile(_SERIALIZED_PB)",
        b"  _builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())",
        b"  _builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, __name__, globals())",
    ]
    if offsets:
        lines.append(b"  if not _descriptor._USE_C_DESCRIPTORS:")
        lines += [b"    %s._%s = %d" % (n.encode(), w.encode(), o) for n, w, o in offsets]
    return newline.join([*lines, b"else:", b""])


def _indent_lines(source: bytes, start: int, end: int) -> list[SourceEdit]:
    """The edits that indent the non-empty lines that start in this part by two spaces."""
    edits = []
    if source[start - 1 : start] not in (b"", b"\n"):
        start = source.find(b"\n", start, end) + 1 or end
    while start < end:
        stop = source.find(b"\n", start) + 1 or end
        if source[start:stop].strip():
            edits.append(SourceEdit(start, start, b"  "))
        start = stop
    return edits
