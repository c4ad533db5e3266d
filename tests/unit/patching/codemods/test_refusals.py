"""What codemods refuse, instead of half a mend."""

from __future__ import annotations

import pytest

from builder.patching.codemods import CODEMODS, CodemodError, apply_codemod
from tests.support.codemods import (
    ASSETS,
    DEFAULTS,
    JSON,
    LOADERS,
    MANAGER,
    PLUGINS,
    READER,
    ROUTE,
    SERVER,
)

PROTO = (
    "# source: x.proto\nimport sys\n_b=sys\n"
    "DESCRIPTOR = _descriptor.FileDescriptor(name='x',\n  serialized_pb=_b('\\n')\n)\n"
    "# @@protoc_insertion_point(module_scope)\n"
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
