"""Use TensorBoard as other people's code does, and print what came of it as JSON.

It runs in throwaway environments on CPython 3.7 to 3.13, with the standard library and whatever
TensorBoard is installed there: `python interplay_driver.py LOGDIR SCRATCH RUN...`.
"""

from __future__ import annotations

import importlib
import json
import pickle
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEPTH = 2
_INTEGERS, _FLOATS, _BOOL, _ENUM, _MESSAGE = (1, 2, 3, 4), (5, 6), 7, 8, 10  # cpp_type
_BYTES = 12  # type


def main() -> None:
    """Print every fact."""
    logdir, scratch, *runs = sys.argv[1:]
    files, refused = _modules()
    facts = {
        "protobuf": importlib.import_module("google.protobuf").__version__,
        "refused": refused,
        "names": {module.__name__: _names(module) for module in files},
        "structure": {m.full_name: _structure(m) for m, _ in _messages(files)},
        "enums": {module.__name__: _enums(module) for module in files},
        "messages": {m.full_name: _message(cls) for m, cls in _messages(files)},
        "spoken": _spoken(),
        "events": {run: _events(Path(logdir, run)) for run in runs},
        "summaries": _summaries(),
        "written": _written(scratch),
    }
    print(json.dumps(facts))  # noqa: T201 - the answer


def _modules() -> tuple[list[Any], list[str]]:
    """Every generated module of the package, imported by its name, and names of those that refuse.

    2.11.2 has `rpc_options_pb2`, whose message `config_pb2` defines as well: protobuf takes one.
    """
    package: Any = importlib.import_module("tensorboard")
    home = Path(package.__file__).parent
    files: list[Any] = []
    refused: list[str] = []
    for path in sorted(home.rglob("*_pb2.py")):
        name = ".".join(path.relative_to(home.parent).with_suffix("").parts)
        try:
            files.append(importlib.import_module(name))
        except TypeError:
            refused.append(name)
    return files, refused


def _messages(files: list[Any]) -> Iterator[tuple[Any, Any]]:
    for module in files:
        for name in sorted(module.DESCRIPTOR.message_types_by_name):
            yield from _with_nested(getattr(module, name))


def _with_nested(cls: Any) -> Iterator[tuple[Any, Any]]:
    yield cls.DESCRIPTOR, cls
    for nested in cls.DESCRIPTOR.nested_types:
        if not nested.GetOptions().map_entry:
            yield from _with_nested(getattr(cls, nested.name))


def _names(module: Any) -> dict[str, Any]:
    """What `from module import …` gives: classes, enumerations and their values."""
    found: dict[str, Any] = {}
    for name, value in vars(module).items():
        if isinstance(value, int):
            found[name] = value
        elif hasattr(value, "DESCRIPTOR"):
            about = value.DESCRIPTOR
            found[name] = about.full_name if hasattr(about, "full_name") else about.name
    return found


def _structure(message: Any) -> dict[str, Any]:
    """Fields, oneofs and enumerations of a message type."""
    return {
        "fields": [
            [f.number, f.name, f.type, _repeated(f), _of(f), f.containing_oneof is not None]
            for f in message.fields
        ],
        "nested": sorted(nested.full_name for nested in message.nested_types),
        "enums": {e.full_name: [[v.name, v.number] for v in e.values] for e in message.enum_types},
    }


def _of(field: Any) -> str:
    kind = field.message_type or field.enum_type
    return kind.full_name if kind else ""


def _repeated(field: Any) -> bool:
    # `label` until protobuf 6, which says so loudly; `is_repeated` from 6.31 on.
    return bool(field.is_repeated if hasattr(field, "is_repeated") else field.label == 3)


def _enums(module: Any) -> dict[str, Any]:
    kinds = module.DESCRIPTOR.enum_types_by_name
    return {name: dict(getattr(module, name).items()) for name in kinds}


def _message(cls: Any) -> dict[str, Any]:
    """A message with every field set: its bytes, its text, and what survives the way there."""
    text_format = importlib.import_module("google.protobuf.text_format")
    message = cls()
    _fill(message, _DEPTH)
    encoded = message.SerializeToString(deterministic=True)
    text = text_format.MessageToString(message, as_utf8=True)  # the default has changed
    return {
        "class": cls.__module__ + ":" + cls.__name__,
        "bytes": encoded.hex(),
        "text": text,
        "from bytes": cls.FromString(encoded) == message,
        "from text": text_format.Parse(text, cls()) == message,
        "from pickle": pickle.loads(pickle.dumps(message)) == message,  # noqa: S301 - our own
    }


def _fill(message: Any, depth: int) -> None:
    for field in message.DESCRIPTOR.fields:
        if field.cpp_type != _MESSAGE:
            value = _value(field)
            if _repeated(field):
                getattr(message, field.name).extend([value, value])
            else:
                setattr(message, field.name, value)
        elif depth:
            _fill_message(getattr(message, field.name), field, depth - 1)


def _fill_message(value: Any, field: Any, depth: int) -> None:
    if field.message_type.GetOptions().map_entry:
        inner = field.message_type.fields_by_name["value"]
        key = _value(field.message_type.fields_by_name["key"])
        if inner.cpp_type == _MESSAGE:
            _fill(value[key], depth)
        else:
            value[key] = _value(inner)
    elif _repeated(field):
        _fill(value.add(), depth)
    else:
        value.SetInParent()
        _fill(value, depth)


def _value(field: Any) -> Any:
    """A value of the field's type that every protobuf writes in the same way."""
    if field.cpp_type in _INTEGERS:
        return field.number
    if field.cpp_type in _FLOATS:
        return field.number + 0.25
    if field.cpp_type == _BOOL:
        return True
    if field.cpp_type == _ENUM:
        return field.enum_type.values[-1].number
    return b"\0\xff\n" if field.type == _BYTES else field.name + ' "ü"'


def _spoken() -> dict[str, Any]:
    """The messages that other projects make by hand, from the modules that they import."""
    proto = importlib.import_module("tensorboard.compat.proto")
    names = ("event_pb2", "summary_pb2", "graph_pb2", "tensor_pb2", "types_pb2")
    for name in names:
        importlib.import_module("tensorboard.compat.proto." + name)
    event_pb2, summary_pb2, graph_pb2, tensor_pb2, types_pb2 = (getattr(proto, n) for n in names)
    tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, float_val=[0.5])
    values = [
        summary_pb2.Summary.Value(tag="loss", simple_value=0.25),
        summary_pb2.Summary.Value(tag="new", tensor=tensor),
    ]
    event = event_pb2.Event(wall_time=1.5, step=7, summary=summary_pb2.Summary(value=values))
    graph = graph_pb2.GraphDef()
    graph.node.add(name="a", op="Const").attr["dtype"].type = types_pb2.DT_INT32
    return {
        "event": str(event),
        "graph": str(graph),
        "which": event.WhichOneof("what"),
        "type": types_pb2.DataType.Name(tensor.dtype),
        "names": [m.DESCRIPTOR.full_name for m in (event, values[0], graph, tensor)],
        "read": [
            pickle.loads(pickle.dumps(event)) == event,  # noqa: S301 - our own
            event_pb2.Event.FromString(event.SerializeToString()) == event,
        ],
    }


def _accumulator(place: Path) -> Any:
    module = importlib.import_module("tensorboard.backend.event_processing.event_accumulator")
    accumulator = module.EventAccumulator(str(place))
    accumulator.Reload()
    return accumulator


def _events(place: Path) -> dict[str, Any]:
    """All scalars and tensors of one run, as an event accumulator gives them."""
    accumulator = _accumulator(place)
    tags = accumulator.Tags()
    make_ndarray = importlib.import_module("tensorboard.util.tensor_util").make_ndarray
    tensors = {}
    for tag in tags["tensors"]:
        arrays = [(e.step, make_ndarray(e.tensor_proto)) for e in accumulator.Tensors(tag)]
        tensors[tag] = [[s, str(a.dtype), repr(a.tolist())] for s, a in arrays]
    return {
        "tags": {k: v if isinstance(v, bool) else sorted(v) for k, v in tags.items()},
        "scalars": {
            tag: [[e.wall_time, e.step, e.value] for e in accumulator.Scalars(tag)]
            for tag in tags["scalars"]
        },
        "tensors": tensors,
    }


def _summaries() -> dict[str, str]:
    """Summaries that need no TensorFlow, as bytes."""
    scalar = importlib.import_module("tensorboard.plugins.scalar.summary_v2")
    histogram = importlib.import_module("tensorboard.plugins.histogram.summary_v2")
    hparams = importlib.import_module("tensorboard.plugins.hparams.summary_v2")
    made = {
        "scalar": scalar.scalar_pb("a", 0.5, description="*b*"),
        "histogram": histogram.histogram_pb("h", [0.0, 1.0, 1.0, 4.0], buckets=4),
        "hparams": hparams.hparams_pb({"rate": 0.25}, trial_id="t", start_time_secs=1.0),
    }
    return {k: m.SerializeToString(deterministic=True).hex() for k, m in made.items()}


def _written(scratch: str) -> dict[str, Any]:
    """What `tensorboard.summary` has, and scalars written through it, read back by run."""
    summary = importlib.import_module("tensorboard.summary")
    public = sorted(name for name in vars(summary) if not name.startswith("_"))
    writers = importlib.import_module("tensorboard.summary.writer.event_file_writer")
    event_pb2 = importlib.import_module("tensorboard.compat.proto.event_pb2")
    writer = writers.EventFileWriter(str(Path(scratch, "file")))
    for step in range(3):
        event = event_pb2.Event(wall_time=step + 0.5, step=step)
        event.summary.value.add(tag="a", simple_value=step / 4)
        writer.add_event(event)
    writer.close()
    runs = ["file"]
    if "Writer" in public:
        output = summary.Writer(summary.DirectoryOutput(str(Path(scratch, "output"))))
        output.add_scalar("a", 0.5, 3, wall_time=2.5, description="d")
        output.close()
        runs.append("output")
    return {"public": public, "runs": {run: _events(Path(scratch, run)) for run in runs}}


if __name__ == "__main__":
    main()
