"""Options that several verbs share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec

from builder.model import IdentityKind
from builder.releases import catalog as catalogs

# patches/ and dockerfiles/ are next to the package in a checkout, inside it when installed.
PACKAGE_DIRECTORY = Path(__file__).resolve().parents[1]
ROOT = PACKAGE_DIRECTORY.parent
_IS_INSTALLED = (PACKAGE_DIRECTORY / "patches").is_dir()
DEFAULT_PATCHES = (PACKAGE_DIRECTORY if _IS_INSTALLED else ROOT) / "patches"
DOCKERFILES = (PACKAGE_DIRECTORY if _IS_INSTALLED else ROOT) / "dockerfiles"

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class CatalogOptions(msgspec.Struct, frozen=True):
    """The options of every verb that takes releases."""

    catalog: Path
    offline: bool


class CommonOptions(CatalogOptions, frozen=True):
    """The options of every verb that makes or checks wheels."""

    patches: Path


class UpstreamOptions(msgspec.Struct, frozen=True):
    """The options for the repositories that have upstream's source and the commits to pick."""

    upstream: str | None = None
    commits: str | None = None
    pull_requests: tuple[int, ...] = ()


class NamingOptions(msgspec.Struct, frozen=True):
    """The options for what wheels are called; None where not given."""

    kind: str = IdentityKind.TEST.value
    name: str | None = None
    local_label: str | None = None
    build_tag: str | None = None


class IdentityOptions(NamingOptions, frozen=True):
    """The options for what wheels are called and where they go."""

    output: Path = Path("dist")


def combine_decorators(*decorators: Decorator) -> Decorator:
    """Combine several click decorators into one; the first is on top of `--help`."""

    def apply_decorators(function: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return apply_decorators


def group_options(name: str, kind: type[msgspec.Struct], *options: Decorator) -> Decorator:
    """Combine click options into one parameter of the command.

    Args:
        name: the parameter.
        kind: the type of its value; its fields are the names that click has for the options.
        options: the options; the first is on top of `--help`.
    """

    def apply_group(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(**given: Any) -> Any:
            values = {field: given.pop(field) for field in kind.__struct_fields__}
            return function(**given, **{name: kind(**values)})

        return combine_decorators(*options)(call)

    return apply_group


def _make_path_type(**kwargs: bool) -> click.Path:
    return click.Path(path_type=Path, **kwargs)


_catalog_option = click.option(
    "--catalog",
    type=_make_path_type(dir_okay=False),
    default=catalogs.DEFAULT_CATALOG_PATH,
    help="The pinned facts; default: the project's own.",
    show_default=False,
)
_offline_option = click.option(
    "--offline", is_flag=True, help="Use the cache alone, never the network."
)
debug_option = click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")

catalog_options = group_options(
    "common", CatalogOptions, _catalog_option, _offline_option, debug_option
)

common_options = group_options(
    "common",
    CommonOptions,
    _catalog_option,
    click.option(
        "--patches",
        type=_make_path_type(file_okay=False),
        default=DEFAULT_PATCHES,
        help="The directory of the series; default: the project's own.",
        show_default=False,
    ),
    _offline_option,
    debug_option,
)

python_path_option = click.option(
    "--python-path",
    "python_paths",
    multiple=True,
    type=_make_path_type(exists=True),
    metavar="PATH",
    help="A Python, or a directory with some: tried before PATH, pyenv's, the system's and uv's.",
)

series_option = click.option(
    "--series",
    multiple=True,
    metavar="NAME[,NAME]",
    help="The series to apply, in this order; `none` for none. Default: pyproject.toml's.",
)

source_options = group_options(
    "upstream",
    UpstreamOptions,
    click.option(
        "--upstream",
        metavar="URL|PATH",
        help="TensorBoard's git repository. Default: the public one.",
    ),
    click.option(
        "--from",
        "commits",
        metavar="URL|PATH",
        help="The repository whose branches or tags have the commits, where upstream's have not.",
    ),
    click.option(
        "--pull-request",
        "pull_requests",
        multiple=True,
        type=click.IntRange(min=1, max=2**31 - 1),
        metavar="N",
        help="A pull request of upstream's that has the commits, open or not.",
    ),
)

pick_option = click.option(
    "--cherry-pick",
    "picks",
    multiple=True,
    metavar="COMMIT[,COMMIT]",
    help="Pick these commits instead of the default series (before those of --series).",
)

_naming_options = (
    click.option(
        "--identity",
        "kind",
        type=click.Choice([k.value for k in IdentityKind]),
        default=IdentityKind.TEST.value,
        show_default=True,
        help="test: another distribution name. local: tensorboard with a local version.",
    ),
    click.option("--name", help="The test distribution's name. Default: pyproject.toml's."),
    click.option(
        "--local-version",
        "local_label",
        metavar="LABEL",
        help="What stands behind the + of a local identity. Default: docs/CHANGELOG.md's.",
    ),
    click.option("--build-tag", metavar="N", help="A wheel build tag (PEP 427)."),
)

naming_options = group_options("identity", NamingOptions, *_naming_options)

identity_options = group_options(
    "identity",
    IdentityOptions,
    *_naming_options,
    click.option(
        "--output",
        type=_make_path_type(file_okay=False),
        default=Path("dist"),
        show_default=True,
        help="Where wheels go.",
    ),
)
