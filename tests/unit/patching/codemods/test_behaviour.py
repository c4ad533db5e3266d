"""What a codemod makes of a source means what it should."""

from __future__ import annotations

import ast
import warnings
from types import SimpleNamespace
from typing import Any

import pytest

from builder.patching.codemods import apply_codemod
from tests.support.codemods import PLUGINS


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
