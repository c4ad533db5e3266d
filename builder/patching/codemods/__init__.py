"""Codemods: functions that make the same fix in the differing sources of many releases.

Each takes the source of one module, as bytes, and returns the fixed source, or the same object if
there is nothing to fix. If the code to fix has a form that the precondition does not cover, it
raises `CodemodError`; it never guesses.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from builder.patching.codemods.errors import CodemodError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Name → module:function in this package. A module is imported when its function is called: mostly,
# the outcome is in the cache.
CODEMODS: Mapping[str, str] = MappingProxyType(
    {
        "collections-abc": "stdlib:use_collections_abc",
        "dtype-by-view": "numpy_names:replace_dtype_assignment",
        "foreign-plugins": "plugins:guard_foreign_plugins",
        "html-escape": "stdlib:use_html_escape",
        "image-types": "stdlib:replace_imghdr",
        "index-by-tuple": "numpy_names:index_by_tuple",
        "info-files": "info_files:guard_info_files",
        "ndarray-tobytes": "numpy_names:replace_ndarray_tostring",
        "numpy-aliases": "numpy_names:replace_numpy_aliases",
        "numpy-asscalar": "numpy_names:replace_numpy_asscalar",
        "plain-pickles": "pickles:restrict_pickles",
        "plugin-loading": "plugins:guard_plugin_loading",
        "port-in-use": "ports:raise_port_in_use",
        "projector-assets": "projector_assets:confine_projector_assets",
        "protobuf-builder": "protos:use_protobuf_builder",
        "protobuf-json-options": "json_options:adapt_json_options",
        "record-reader": "record_reader:replace_record_reader",
        "start-time": "start_time:fix_start_time",
        "string-escapes": "escapes:fix_string_escapes",
    }
)

__all__ = ["CODEMODS", "CodemodError", "apply_codemod", "hash_codemod_source"]


def apply_codemod(name: str, content: bytes) -> bytes:
    """Apply a codemod to the source of one module.

    Args:
        name: a key of `CODEMODS`.
        content: the module's source.

    Returns:
        The fixed source, or the same object if there is nothing to fix.

    Raises:
        CodemodError: the code to fix has a form that the precondition does not cover.
    """
    module, _, function = CODEMODS[name].partition(":")
    codemod: Callable[[bytes], bytes] = getattr(import_module(f"{__name__}.{module}"), function)
    return codemod(content)


@cache
def hash_codemod_source() -> str:
    """Hash all codemods' source (sha256, hex), to identify them in provenance and cache keys."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
