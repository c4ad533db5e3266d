"""Find imports that a change adds and that the wheel's requirements do not cover."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from builder.model import PACKAGE
from builder.system.warning_filters import ignore_warnings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Modules whose distribution has another name.
_DISTRIBUTIONS = {
    "absl": "absl-py",
    "google.auth": "google-auth",
    "google.protobuf": "protobuf",
    "google_auth_oauthlib": "google-auth-oauthlib",
    "grpc": "grpcio",
    "pkg_resources": "setuptools",
    "PIL": "pillow",
    "tensorboard_data_server": "tensorboard-data-server",
    "tensorboard_plugin_wit": "tensorboard-plugin-wit",
}
# Removed from the standard library, but part of it in Pythons that some releases support.
_FORMER_STDLIB = frozenset({"asyncore", "cgi", "distutils", "imghdr", "imp", "pipes", "telnetlib"})


def find_uncovered_imports(before: bytes, after: bytes, requires: Iterable[str]) -> tuple[str, ...]:
    """Find the modules that a changed file newly imports and that no requirement installs.

    Args:
        before: the file's content before the change.
        after: its content after the change; content that is no Python imports nothing.
        requires: the wheel's Requires-Dist headers.
    """
    new = set(_find_imports(after)) - set(_find_imports(before))
    covered = set(_parse_requirement_names(requires))
    foreign = (module for module in sorted(new) if not _is_own_or_stdlib(module))
    return tuple(m for m in foreign if _find_distribution(m) not in covered)


def _find_imports(content: bytes) -> Iterator[str]:
    try:
        with ignore_warnings():
            tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _is_own_or_stdlib(module: str) -> bool:
    top = module.partition(".")[0]
    return top == PACKAGE or top in sys.stdlib_module_names or top in _FORMER_STDLIB


def _find_distribution(module: str) -> str:
    for prefix, name in _DISTRIBUTIONS.items():
        if f"{module}.".startswith(f"{prefix}."):
            return name
    return canonicalize_name(module.partition(".")[0])


def _parse_requirement_names(requires: Iterable[str]) -> Iterator[str]:
    for text in requires:
        try:
            yield canonicalize_name(Requirement(text).name)
        except InvalidRequirement:
            continue
