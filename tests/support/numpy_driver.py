"""What TensorBoard makes of every dtype of numpy, and of text of every rank, printed as JSON.

It runs in throwaway environments on CPython 3.7 to 3.13, with numpy and TensorBoard of any age:
`python numpy_driver.py SEED [strict]`. Where it is strict, an announcement that what
TensorBoard's own code does will no longer work is an error.
"""

from __future__ import annotations

import importlib
import json
import random
import sys
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

np: Any = importlib.import_module("numpy")

_CODES = "?bBhHiIlLqQefdgFDGOSUVmM"
_NAMES = (
    *("bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "longdouble", "complex64", "complex128", "clongdouble"),
    *("object_", "bytes_", "str_", "void", "datetime64", "timedelta64"),
)
_BUILTINS = (bool, int, float, complex, object, str, bytes)
_SHAPES = ((), (0,), (4,), (2, 2), (1, 2, 2))
_RANKS = ((), (3,), (2, 2), (2, 1, 2), (1, 2, 1, 2), (1, 1, 2, 2, 1))
_ABOUT = ("name", "size", "is_floating", "is_integer", "is_complex", "is_bool", "min", "max")


def main() -> None:
    """Print every fact."""
    warnings.simplefilter("ignore")
    if "strict" in sys.argv:
        for kind in (DeprecationWarning, FutureWarning, PendingDeprecationWarning):
            warnings.filterwarnings("error", category=kind, module=r"tensorboard\.(?!_vendor)")
    chance = random.Random(int(sys.argv[1]))  # noqa: S311 - no secret
    facts = {**_types(), **_arrays(chance), **_texts()}
    print(json.dumps(facts, sort_keys=True))  # noqa: T201 - the answer


def _types() -> dict[str, Any]:
    """What each type is to the stub of TensorFlow, and what its types are to numpy."""
    dtypes = importlib.import_module("tensorboard.compat.tensorflow_stub.dtypes")
    asked = {
        **{f"dtype {code}": np.dtype(code) for code in _CODES},
        **{f"numpy {name}": getattr(np, name) for name in _NAMES},
        **{f"builtin {kind.__name__}": kind for kind in _BUILTINS},
        **{f"number {number}": number for number in range(140)},
        **{f"name {name}": name for name in ("bool", "half", "float", "string", "qint8", "x")},
    }
    facts = {f"as_dtype {name}": _try(_name_of, dtypes, kind) for name, kind in asked.items()}
    for number in range(140):
        kind = _try(dtypes.as_dtype, number)
        for about in _ABOUT if isinstance(kind, dtypes.DType) else ():
            facts[f"{about} of {number}"] = _try(_attribute, kind, about)
        facts[f"numpy of {number}"] = _try(_identity, kind)
    return facts


def _name_of(dtypes: Any, kind: Any) -> Any:
    return dtypes.as_dtype(kind).name


def _attribute(kind: Any, name: str) -> Any:
    return _plain(getattr(kind, name))


def _identity(kind: Any) -> str:
    """The numpy type of one of the stub's, such that a builtin is told from numpy's own."""
    found = kind.as_numpy_dtype
    return found.__name__ if found in _BUILTINS else f"numpy {np.dtype(found).str}"


def _arrays(chance: random.Random) -> dict[str, Any]:
    """Arrays of every dtype as messages, back from them, and their health."""
    util = importlib.import_module("tensorboard.util.tensor_util")
    facts: dict[str, Any] = {}
    for code in _CODES:
        for shape in _SHAPES:
            size = int(np.prod(shape))
            values = [chance.randrange(-4, 5) / 2 for _ in range(size)]
            array = _array(code, values).reshape(shape)
            name = f"{code} {shape} {values}"
            facts[f"message {name}"] = _try(_message, util, array)
            facts[f"back {name}"] = _try(_back, util, array)
            facts[f"health {name}"] = _try(_health, array)
    tensor_pb2 = importlib.import_module("tensorboard.compat.proto.tensor_pb2")
    for halves in ([0x3C00], [0x3C00, 0xC000]):
        dims = [{"size": 2}]
        message = tensor_pb2.TensorProto(dtype=19, half_val=halves, tensor_shape={"dim": dims})
        facts[f"halves {halves}"] = _try(_read, util, message)
    return facts


def _message(util: Any, array: Any) -> str:
    return str(util.make_tensor_proto(array).SerializeToString().hex())


def _back(util: Any, array: Any) -> Any:
    return _read(util, util.make_tensor_proto(array))


def _read(util: Any, message: Any) -> Any:
    return _plain(util.make_ndarray(message))


def _array(code: str, values: list[float]) -> Any:
    if code in "efdgFDG" and values[:1] > [0.5]:
        # What is not finite counts too. One, two or four numbers are left, of which every numpy
        # makes the same mean and variance to the last digit.
        values = [float("nan"), -float("inf"), *values[2:]][: len(values)]
    elif code in "SU":
        return np.array([str(v) for v in values], code)
    elif code in "mM":
        return np.array([int(v) for v in values], code + "8[s]")
    elif code == "V":
        return np.array([b"abcd" for _ in values], "V4")
    elif code == "O":
        return np.array([str(v).encode() for v in values], code)
    elif code in "BHILQ":
        values = [abs(v) for v in values]
    return np.array(values).astype(code)


def _health(array: Any) -> Any:
    module = importlib.import_module("tensorboard.plugins.debugger.health_pill_calc")
    return _plain(module.calc_health_pill(array))


def _texts() -> dict[str, Any]:
    """Text of every rank as the plugins show it."""
    facts = {}
    for name in ("text.text_plugin", "text_v2.text_v2_plugin"):
        try:
            module = importlib.import_module("tensorboard.plugins." + name)
        except ImportError:
            continue
        for shape in _RANKS:
            text = np.array([b"a"] * int(np.prod(shape)), object).reshape(shape)
            facts[f"{name} {shape}"] = _try(_shown, module, text)
    return facts


def _shown(module: Any, text: Any) -> Any:
    if hasattr(module, "text_array_to_html"):
        return module.text_array_to_html(text)
    return _plain(module.reduce_to_2d(text))


def _try(function: Callable[..., Any], *words: Any) -> Any:
    """What it gives, or which of Python's own types its exception is of."""
    try:
        return function(*words)
    except Warning:
        raise
    except Exception as error:  # whatever it is, both sides must have it
        kinds = [kind.__name__ for kind in type(error).mro() if kind.__module__ == "builtins"]
        return f"raises {kinds[0]}"


def _plain(value: Any) -> Any:
    """A value as text that is the same under every numpy."""
    if hasattr(value, "dtype"):
        return [value.dtype.str, str(value.tolist())]
    return str(value)


if __name__ == "__main__":
    main()
