"""Codemods on small sources: what they mend, and what they leave."""

from __future__ import annotations

import ast

import pytest

from builder.patching.codemods import apply_codemod
from tests.support.codemods import ASSETS, DEFAULTS, JSON, LOADERS, MANAGER, READER, ROUTE, SERVER

LOOP = "  def g(self):\n    for y in z:\n      fpath = _rel_to_abs_asset_path(y, z)\n"

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
