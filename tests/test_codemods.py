"""Codemods on small sources: what they mend, what they leave, and what they refuse."""

from __future__ import annotations

import ast
import warnings
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.patching.codemods import CODEMODS, CodemodError, apply_codemod
from builder.patching.codemods.source import SourceEdit, SourceModule, apply_edits

JSON = "from google.protobuf import json_format\n"
DEFAULTS = "including_default_value_fields"
SERVER = (
    "class WerkzeugServer(object):\n  def __init__(self, host, port):\n    try:\n"
    "      %s\n    except socket.error as e:\n      raise\n"
)
LOADERS = "class TensorBoard:\n  def __init__(self, plugins):\n    self.plugin_loaders = [%s]\n"
MANAGER = """\
import os
def _get_info_dir():
  pass
def write_info_file(info):
  payload = info
  with open(_get_info_file_path(), "w") as outfile:
    outfile.write(payload)
def remove_info_file():
  "Doc."
  try:
    os.unlink(_get_info_file_path())
  except OSError: pass
def get_all():
  info_dir = _get_info_dir()
  results = []
  for filename in os.listdir(info_dir):
    filepath = os.path.join(info_dir, filename)
    try:
      with open(filepath) as infile:
        contents = infile.read()
    except IOError: pass
    results.append(contents)
  return results
def _find_matching_instance(cache_key):
  infos = get_all()
  candidates = [info for info in infos if info.cache_key == cache_key]
"""
ASSETS = "def _rel_to_abs_asset_path(fpath, config_fpath):\n  return fpath\n"
ROUTE = "class P:\n  def f(self, request):\n    fpath = _rel_to_abs_asset_path(\n      y, z)\n"
LOOP = "  def g(self):\n    for y in z:\n      fpath = _rel_to_abs_asset_path(y, z)\n"
READER = (
    "import struct\nx = struct, errors, gfile, masked_crc32c\nclass PyRecordReader_New:\n"
    "  def __init__(self): pass\n"
)

# (codemod, source, what the mended source holds, what it no longer holds)
MENDED = [
    (
        "collections-abc",
        "from collections import Mapping, Sequence\n",
        "collections.abc import",
        "",
    ),
    (
        "dtype-by-view",
        "import numpy as np\nx = np.zeros(1)\nx.dtype = f(y)  # first\n",
        "x = x.view(f(y))  # first",
        "x.dtype",
    ),
    (
        "foreign-plugins",
        LOADERS % "application.make_plugin_loader(p) for p in plugins",
        "default.make_loaders(plugins, application.make_plugin_loader)",
        "for p in",
    ),
    (
        "html-escape",
        "import cgi\n\ndef f(html):\n  return cgi.escape(html, quote=True)\n",
        "html_escape(html, quote=True)",
        "import cgi",
    ),
    (
        "image-types",
        "import imghdr\nclass P:\n  def f(self, data):\n    return imghdr.what(None, data)\n",
        "return _image_type(data)",
        "imghdr.what",
    ),
    (
        "numpy-aliases",
        "import numpy as np\nx = {np.object: np.bool}, np.bool8\n",
        "{object: bool}, np.bool_",
        "builtins",
    ),
    (
        "numpy-aliases",
        "import numpy as np\nbool = np.bool\nx = np.object\n",
        "import builtins\nimport numpy as np\nbool = builtins.bool\nx = object\n",
        "",
    ),
    (
        "numpy-aliases",
        "import numpy as np\nx = np.issubdtype(t, np.float) or t == np.float\n",
        "np.issubdtype(t, np.floating) or t == float\n",
        "",
    ),
    (
        "index-by-tuple",
        "def f(x, n):\n  many = [0] * n + [slice(None)]\n  return x[many], x[n]\n",
        "return x[tuple(many)], x[n]",
        "",
    ),
    (
        "numpy-asscalar",
        "import numpy as np\nx = [np.asscalar(np.asscalar(y)) for y in z]\n",
        "[np.asarray(np.asarray(y).item()).item() for y in z]",
        "asscalar(",
    ),
    ("ndarray-tobytes", "import numpy as np\nx = y.tostring()\n", "y.tobytes()", "tostring()\n"),
    (
        "info-files",
        MANAGER,
        "candidates = _find_running([info for info in infos if info.cache_key == cache_key])",
        "open(filepath) as infile:\n        contents = infile.read()\n    except IOError: pass\n",
    ),
    (
        "plain-pickles",
        "import pickle\ndef f(x):\n  return pickle.load(x)\n",
        "return _PlainUnpickler(x).load()",
        "pickle.load(",
    ),
    (
        "projector-assets",
        ASSETS + ROUTE + LOOP,
        'except ValueError as e:\n      return Respond(request, str(e), "text/plain", 400)\n',
        "return fpath\n",
    ),
    (
        "port-in-use",
        SERVER % "super().__init__(\n        host, port, wsgi_app, Handler\n      )",
        (
            "try:\n        super().__init__(\n          host, port, wsgi_app, Handler\n        )\n"
            "      except SystemExit as exited:"
        ),
        "",
    ),
    (
        "protobuf-json-options",
        JSON + "def f(m):\n  return json_format.MessageToJson(\n      m, " + DEFAULTS + "=True)\n",
        "m, **_PRINT_DEFAULTS)",
        "m, including",
    ),
    (
        "record-reader",
        READER + "  def GetNext(self):\n    pass\nx = 1\n",
        "return self.curr_event\nx = 1\n",
        "pass",
    ),
    (
        "start-time",
        "x = info.pid == p.pid and info.start_time >= start_time_seconds\n",
        "and info.start_time >= int(start_time_seconds)",
        "",
    ),
    ("string-escapes", 'x = "\\s\\n", b"\\u", r"\\s"\n', '"\\\\s\\n", b"\\\\u", r"\\s"', ""),
]

# Sources that a codemod has nothing to do with, however much they look like it.
LEFT = [
    ("collections-abc", "try: import x\nexcept ImportError:\n  from collections import Mapping\n"),
    ("collections-abc", "from collections import OrderedDict\n"),
    ("dtype-by-view", "x = y.dtype == z\nnp.zeros(1, dtype = y)\n"),
    ("foreign-plugins", "self.plugin_loaders = default.make_loaders(plugins, f)\n"),
    ("html-escape", "try:\n  import html\nexcept ImportError:\n  import cgi\n"),
    ("image-types", "def imghdr(): pass\n"),
    ("info-files", "def get_all(): pass\n"),
    ("plain-pickles", "import pickle\npickle.dump(x, y)\n"),
    ("projector-assets", "x = _rel_to_abs_asset_path(y, z)\n"),
    ("index-by-tuple", "def f(x):\n  y = [slice(None)]\n  return x[tuple(y)], x[0], {}[x]\n"),
    ("numpy-aliases", "import numpy as np\nx = np.object_, 'np.object'  # np.bool\n"),
    ("numpy-asscalar", "x = 'np.asscalar'\n"),
    ("ndarray-tobytes", "tostring(x)\n# x.tostring()\n"),
    ("plugin-loading", "import pkg_resources\n"),
    ("port-in-use", "try:\n  super().__init__(host, port, wsgi_app)\nexcept socket.error: pass\n"),
    ("port-in-use", "class WerkzeugServer:\n  def is_port_in_use(port): pass\n"),
    ("protobuf-builder", "DESCRIPTOR = _pool.AddSerializedFile(b'')\n_builder.Build()\n"),
    ("protobuf-json-options", "f(always_print_fields=1)\ng(including_default_value_fields=True)\n"),
    ("record-reader", READER + "  def _read(self):\n    self._read(1)\n"),
    ("start-time", "x = info.start_time\n"),
    ("string-escapes", 'x = "\\n\\\\s", r"\\s", f"\\n"\n'),
]  # fmt: skip

PROTO = (
    "# source: x.proto\nimport sys\n_b=sys\n"
    "DESCRIPTOR = _descriptor.FileDescriptor(name='x',\n  serialized_pb=_b('\\n')\n)\n"
    "# @@protoc_insertion_point(module_scope)\n"
)
PLUGINS = (
    "logger = _PLUGINS = 1\nimport pkg_resources\nx = logger, _PLUGINS\n"
    "def get_dynamic_plugins():\n  'd'\n  return [\n    entry_point.load() for entry_point in"
    " pkg_resources.iter_entry_points('tensorboard_plugins')\n  ]\n"
)

REFUSED = [
    ("collections-abc", "from collections import deque, Mapping\n"),
    ("dtype-by-view", "import numpy as np\nself.dtype = y\n"),
    ("dtype-by-view", "import numpy as np\nx = y.dtype = z\ny.z.dtype = x\n"),
    ("dtype-by-view", "x.dtype = y\n"),
    ("foreign-plugins", LOADERS % "f(p, 1) for p in plugins"),
    ("foreign-plugins", LOADERS % "f(p) for p in plugins if p"),
    ("foreign-plugins", "self.plugin_loaders = plugins\n"),
    ("foreign-plugins", (LOADERS % "f(p) for p in plugins") * 2),
    ("html-escape", "import cgi\nx = cgi.parse()\n"),
    ("html-escape", "import cgi\nx = cgi.escape('<')\n"),
    ("html-escape", "import cgi\nx = cgi.escape('<', quote=True), cgi\n"),
    ("image-types", "try:\n  import imghdr\nexcept ImportError: pass\n"),
    ("image-types", "import imghdr\nclass C: x = imghdr.what('a.png')\n"),
    ("image-types", "import imghdr\nclass C: x = imghdr\n"),
    ("image-types", "import imghdr\nx = imghdr.what(None, b'')\n"),
    ("numpy-aliases", "import jax as np\nx = np.object\n"),
    ("numpy-aliases", "import numpy as np\nnp.object = object\n"),
    ("numpy-aliases", "import numpy as np\nx = np.issubdtype(t, np.object)\n"),
    ("numpy-aliases", "import numpy as np\nbool = builtins = np.bool\n"),
    ("numpy-aliases", "def f(bool):\n  import numpy as np\n  return np.bool\n"),
    ("numpy-asscalar", "import numpy as np\nx = map(np.asscalar, y)\n"),
    ("ndarray-tobytes", "import numpy as np\nx = y.tostring('C')\n"),
    ("ndarray-tobytes", "x = root.tostring()\n"),
    *(
        ("info-files", MANAGER.replace(old, new))
        for old, new in (
            ("def _get_info_dir", "def get_info_dir"),
            ("import os", "from os import path"),
            ("outfile.write(payload)", "outfile.write(payload, 1)"),
            ("os.unlink(_get", "os.remove(_get"),
            ("os.listdir(info_dir)", "os.scandir(info_dir)"),
            ("os.path.join(info_dir, filename)", "info_dir + filename"),
            ("contents = infile.read()", "contents = infile.readlines()"),
            ("info_dir = _get", "other_dir = _get"),
            ("info.cache_key ==", "info.key =="),
        )
    ),
    ("plain-pickles", "import pickle\ndef f(x): return pickle.loads(x)\n"),
    ("plain-pickles", "import pickle\ndef f(x): return map(pickle.load, x)\n"),
    ("plain-pickles", "def f(x):\n  import pickle\n  return pickle.load(x)\n"),
    ("projector-assets", ASSETS.replace("config_fpath", "other") + ROUTE),
    ("projector-assets", "if x:\n  " + ASSETS.replace("\n  ", "\n    ")),
    ("projector-assets", ASSETS + "x = _rel_to_abs_asset_path(y, z)\n"),
    ("projector-assets", ASSETS + "def f():\n  fpath = _rel_to_abs_asset_path(y, z)\n"),
    ("start-time", "x = info.start_time > start_time_seconds\n"),
    ("start-time", "x = info.start_time >= a, info.start_time >= b\n"),
    ("plugin-loading", PLUGINS.replace("'tensorboard_plugins'", "GROUP")),
    ("port-in-use", SERVER % "pass"),
    ("port-in-use", SERVER % "super().__init__(host, port, wsgi_app); x = 1"),
    ("port-in-use", SERVER % "return super().__init__(host, port, wsgi_app)"),
    ("plugin-loading", PLUGINS + "x = pkg_resources\n"),
    ("plugin-loading", PLUGINS.replace("import pkg_resources\n", "")),
    ("plugin-loading", PLUGINS.replace("logger", "log")),
    ("protobuf-builder", PROTO.replace("_b('\\n')", "b'\\n'")),
    ("protobuf-builder", PROTO.replace("# @@", "import os\n# @@")),
    ("protobuf-builder", PROTO.replace("# @@", "x = '''\n'''\n# @@")),
    ("protobuf-builder", PROTO.replace("# @@", "# ")),
    ("protobuf-builder", PROTO + "x = 1\n"),
    ("protobuf-builder", PROTO + PROTO),
    ("protobuf-json-options", JSON + "json_format.MessageToJson(m, " + DEFAULTS + "=flag)\n"),
    ("protobuf-json-options", JSON + "json_format.MessageToJson(m, " + DEFAULTS + " = True)\n"),
    ("protobuf-json-options", JSON + "json_format.Parse(m, " + DEFAULTS + "=True)\n"),
    ("protobuf-json-options", "json_format.MessageToJson(m, " + DEFAULTS + "=True)\n"),
    ("record-reader", READER + "  def seek(self): pass\n"),
    ("record-reader", READER.replace("New:", "New(Base):") + "  def GetNext(self): pass\n"),
    ("record-reader", READER.replace("gfile", "io") + "  def GetNext(self): pass\n"),
    ("record-reader", "if x:\n  class PyRecordReader_New: pass\n"),
    ("string-escapes", 'x = f"\\s"\n'),
]  # fmt: skip


@pytest.mark.parametrize(("name", "source", "there", "gone"), MENDED)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_mends(name: str, source: str, there: str, gone: str, newline: str) -> None:
    """What a codemod is for is mended, with one notice, in the file's own line ends."""
    header = "# Licence\n"
    before = (header + source).replace("\n", newline).encode()

    after = apply_codemod(name, before).decode()

    assert there in after.replace(newline, "\n")
    assert not gone or gone not in after.replace(newline, "\n")
    assert after.startswith(
        f"# Licence{newline}# Modified by the tensorboard-proxy-wheels project: "
    )
    assert after.count("# Modified by") == 1
    assert after.count("\n") == after.count(newline)
    ast.parse(after)


@pytest.mark.parametrize(("name", "source"), LEFT)
def test_leaves(name: str, source: str) -> None:
    """A source with nothing of its kind comes back as the very same object."""
    before = source.encode()

    assert apply_codemod(name, before) is before


@pytest.mark.parametrize(("name", "source"), REFUSED)
def test_refuses(name: str, source: str) -> None:
    """The breakage in a shape that no precondition covers is an error of one line."""
    with pytest.raises(CodemodError) as error:
        apply_codemod(name, source.encode())

    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", sorted(CODEMODS))
def test_refuses_what_is_not_python(name: str) -> None:
    """A source that does not parse is refused, or never looked at; it is never edited."""
    before = (
        b"def get_dynamic_plugins serialized_pb= import cgi import imghdr including_default_value_"
        b"fields np.object np.asscalar .tostring( .dtype = slice(None) from collections import "
        b"class WerkzeugServer info.start_time self.plugin_loaders = class PyRecordReader_New "
        b"pickle.load def write_info_file def _rel_to_abs_asset_path \\"
    )

    with pytest.raises(CodemodError, match="not valid Python"):
        apply_codemod(name, before)


def test_escapes_keep_values() -> None:
    """Doubled backslashes leave every string's value, also behind letters of several bytes."""
    before = "x = 'é\\s', u'''\\w\\\n\\é''', b'\\d\\x41'\n".encode()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = ast.dump(ast.parse(before))

    after = apply_codemod("string-escapes", before)

    assert ast.dump(ast.parse(after)) == expected


def test_plugin_loading_skips_and_takes_once(caplog: pytest.LogCaptureFixture) -> None:
    """A broken plugin is skipped with a warning; one known or registered twice counts once."""
    source = PLUGINS.replace("logger = _PLUGINS = 1\n", "").encode()
    code = apply_codemod("plugin-loading", source)
    space: dict[str, Any] = {"_PLUGINS": ["static"], "logger": __import__("logging").getLogger()}
    exec(compile(code, "default.py", "exec"), space)  # noqa: S102 - the mended code itself

    def broken() -> None:
        raise ImportError("no pkg_resources")

    points = [
        SimpleNamespace(name="whatif", value="wit:Plugin", load=broken),
        *(SimpleNamespace(name=name, value=f"{name}:P", load=lambda name=name: name)
          for name in ("projector", "static", "other", "projector")),
    ]  # fmt: skip
    space["_iter_entry_points"] = lambda group: points if group == "tensorboard_plugins" else []

    assert space["get_dynamic_plugins"]() == ["projector", "other"]
    assert [record.getMessage() for record in caplog.records] == [
        "Skipping plugin whatif = wit:Plugin: ImportError('no pkg_resources')"
    ]


@pytest.mark.parametrize("selectable", [True, False])
def test_entry_points_of_both_kinds(*, selectable: bool) -> None:
    """Entry points are read as Python 3.10 and later gives them, and as earlier ones do."""
    space: dict[str, Any] = {"_PLUGINS": [], "logger": None}
    source = PLUGINS.replace("logger = _PLUGINS = 1\n", "").encode()
    exec(compile(apply_codemod("plugin-loading", source), "default.py", "exec"), space)  # noqa: S102
    found = {"tensorboard_plugins": ["plugin"]}
    points = SimpleNamespace(select=lambda group: found[group]) if selectable else found
    space["metadata"] = SimpleNamespace(entry_points=lambda: points)

    assert list(space["_iter_entry_points"]("tensorboard_plugins")) == ["plugin"]


IMAGES = [
    (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "jpeg"),
    (b"\xff\xd8\xff\xdb\0\x43", "jpeg"),
    (b"\x89PNG\r\n\x1a\n\0\0", "png"),
    (b"GIF87a..", "gif"),
    (b"GIF89a..", "gif"),
    (b"BM\x36\0", "bmp"),
    (b"<svg xmlns=''/>", "svg"),
    (b"<?xml version='1.0'?>", "svg"),
    (b"<html>", None),
    (b"", None),
]


@pytest.mark.parametrize(("data", "expected"), IMAGES)
def test_image_types(data: bytes, expected: str | None) -> None:
    """The types that TensorBoard serves are told by the bytes by which imghdr told them."""
    source = b"import imghdr\nclass P:\n    def f(self, data): return imghdr.what(None, data)\n"
    space: dict[str, Any] = {}
    exec(compile(apply_codemod("image-types", source), "x.py", "exec"), space)  # noqa: S102

    assert space["P"]().f(data) == expected


@given(st.binary(max_size=60), st.lists(st.tuples(st.integers(0, 60), st.binary(max_size=4))))
def test_splice_inserts(source: bytes, inserts: list[tuple[int, bytes]]) -> None:
    """Insertions in any order leave every original byte, in order, and add all that is new."""
    edits = [SourceEdit(min(at, len(source)), min(at, len(source)), new) for at, new in inserts]

    after = apply_edits(source, edits)

    assert len(after) == len(source) + sum(len(edit.new) for edit in edits)
    expected = source
    # From the last to the first, so that offsets stay those of the source.
    for _, edit in sorted(enumerate(edits), key=lambda pair: (-pair[1].start, -pair[0])):
        expected = expected[: edit.start] + edit.new + expected[edit.start :]
    assert after == expected


@given(st.data())
def test_splice_replaces(data: st.DataObject) -> None:
    """Cutting a source anywhere and replacing every other piece gives those pieces, joined."""
    pieces = data.draw(st.lists(st.binary(min_size=1, max_size=5), min_size=1, max_size=12))
    news = data.draw(st.lists(st.binary(max_size=5), min_size=len(pieces), max_size=len(pieces)))
    edits, expected, at = [], [], 0
    for number, (old, new) in enumerate(zip(pieces, news, strict=True)):
        if number % 2:
            edits.append(SourceEdit(at, at + len(old), new))
        expected.append(new if number % 2 else old)
        at += len(old)

    assert apply_edits(b"".join(pieces), data.draw(st.permutations(edits))) == b"".join(expected)


@pytest.mark.parametrize("edits", [[(0, 3), (2, 4)], [(3, 2)], [(4, 6)], [(-1, 1)]])
def test_splice_refuses(edits: list[tuple[int, int]]) -> None:
    """Edits that overlap, run backwards or leave the source are refused."""
    with pytest.raises(CodemodError):
        apply_edits(b"12345", [SourceEdit(start, end, b"") for start, end in edits])


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_offsets(values: list[str], newline: str) -> None:
    """A node's own bytes are found behind any line end and any letters of several bytes."""
    lines = [f"x = ('é', {value!r}, [1])" for value in values]
    module = SourceModule(newline.join(lines).encode())

    for node, line in zip(module.tree.body, lines, strict=True):
        assert module.read_node(node) == line.encode()
        assert isinstance(node, ast.Assign)
        assert isinstance(node.value, ast.Tuple)
        assert module.read_node(node.value.elts[2]) == b"[1]"
