"""Options that several verbs share, and the objects that are made from them."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from builder.build.backends import Backend
from builder.build.release import BuildOptions
from builder.context import RunContext
from builder.errors import RequestError, make_extra_hint
from builder.git.checkout import start_finding_commit
from builder.git.remote import PUBLIC_REMOTE, check_revision, parse_remote
from builder.git.upstream import Upstream
from builder.model import IdentityKind
from builder.patching.identity import WheelNaming
from builder.releases import catalog as catalogs
from builder.releases.cache import Cache
from builder.releases.index import OfflineIndex, SimpleIndex
from builder.releases.releases import Releases
from builder.system.console import Console
from builder.system.settings import read_project_settings, read_user_settings
from builder.verify.sources import WheelSources

if TYPE_CHECKING:
    from builder.system.settings import ProjectSettings

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
_debug_option = click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")

catalog_options = group_options(
    "common", CatalogOptions, _catalog_option, _offline_option, _debug_option
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
    _debug_option,
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
        help="The repository that has the commits, where upstream's does not.",
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


@contextmanager
def require_extra(extra: str) -> Iterator[None]:
    """Turn a failed import of an optional library into an error, during the block.

    Raises:
        RequestError: the extra that brings it is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise RequestError(
            f"this needs {error.name}, which is not installed",
            f"{make_extra_hint(extra)}; the nox sessions do",
        ) from error


def make_context(*, offline: bool = False, python_paths: tuple[Path, ...] = ()) -> RunContext:
    """Make the context of the run from the user's environment.

    Args:
        offline: programs that we start do not use the network either.
        python_paths: interpreters, or directories with some, that come before all others.

    Raises:
        RequestError: SOURCE_DATE_EPOCH or pip's configuration is malformed.
    """
    env = dict(os.environ)
    if offline:
        env["UV_OFFLINE"] = "1"
    return RunContext(read_user_settings(os.environ), env, Console(), python_paths)


def make_releases(common: CatalogOptions, context: RunContext) -> Releases:
    """Open the catalog with its index and its cache.

    Raises:
        IndexLookupError: the catalog cannot be read.
    """
    return Releases(
        catalog=catalogs.make_catalog(catalogs.load_entries(common.catalog)),
        index=OfflineIndex() if common.offline else SimpleIndex(context.settings),
        cache=Cache(context.settings.cache),
        context=context,
    )


def make_sources(
    common: CommonOptions,
    context: RunContext,
    upstream: UpstreamOptions | None = None,
    *,
    with_commit: bool = False,
) -> WheelSources:
    """Make the sources of wheels.

    Args:
        common: the options that every verb has.
        context: the context of the run.
        upstream: the options for repositories, of the verbs that have them.
        with_commit: also find out the commit of this tool (it starts git).

    Raises:
        IndexLookupError: the catalog cannot be read.
        RequestError: a repository is named in a way that git could take for something else.
    """
    chosen = upstream or UpstreamOptions()
    repository = Upstream(
        context,
        PUBLIC_REMOTE if chosen.upstream is None else parse_remote(chosen.upstream),
        None if chosen.commits is None else parse_remote(chosen.commits),
        common.offline,
    )
    releases = make_releases(common, context)
    if not with_commit:
        return WheelSources(releases, common.patches, repository)
    # git looks through the checkout while the wheel is built.
    return WheelSources(
        releases, common.patches, repository, start_finding_commit(ROOT, context.check_cancelled)
    )


def read_project_defaults() -> ProjectSettings:
    """Read the defaults in pyproject.toml.

    It is taken from the working directory, or else from the checkout.

    Raises:
        RequestError: it is malformed.
    """
    directory = Path.cwd()
    return read_project_settings(directory if (directory / "pyproject.toml").is_file() else ROOT)


def split_series(given: tuple[str, ...], defaults: ProjectSettings) -> tuple[str, ...]:
    """Split `--series`: `("a,b", "c")` → a, b, c; nothing → the defaults; `none` → none.

    Raises:
        RequestError: a name is empty, or `none` is not alone.
    """
    if not given:
        return defaults.series
    names = [name.strip() for words in given for name in words.split(",")]
    if names == ["none"]:
        return ()
    if "" in names or "none" in names:
        raise RequestError(
            f"--series {','.join(names)!r} is no list of series",
            "name them with commas between, or say none alone",
        )
    return tuple(names)


def split_picks(given: tuple[str, ...], remote: str | None) -> tuple[str, ...]:
    """Split `--cherry-pick`: `("a,b", "c")` → a, b, c.

    Each must be named once, and none may be a word that git could take for something else.

    Raises:
        RequestError: a word is no commit or is named twice, or `--from` is given without commits.
    """
    picks = tuple(word.strip() for words in given for word in words.split(","))
    for pick in picks:
        check_revision(pick)
        if picks.count(pick) > 1:
            raise RequestError(f"{pick} is to be picked twice", "name each commit once")
    if remote is not None and not picks:
        raise RequestError(
            "--from names where commits are, and none is to be picked",
            "name them with --cherry-pick",
        )
    return picks


def make_naming(identity: NamingOptions, defaults: ProjectSettings) -> WheelNaming:
    """Combine how the user wants wheels to be named with the defaults, and validate it.

    Raises:
        RequestError: a name, label or build tag is malformed.
    """
    kind = IdentityKind(identity.kind)
    unused = identity.name if kind is IdentityKind.LOCAL else identity.local_label
    if unused is not None:
        raise RequestError(
            f"{unused!r} has no place in a {kind} identity",
            "--name goes with --identity test, --local-version with --identity local",
        )
    return WheelNaming(
        kind,
        defaults.name if identity.name is None else identity.name,
        identity.local_label or defaults.local_label,
        identity.build_tag,
    )


def make_build_options(
    series: tuple[str, ...],
    identity: IdentityOptions,
    *,
    picks: tuple[str, ...] = (),
    backend: Backend = Backend.OVERLAY,
    force: bool = False,
    deep: bool = False,
) -> BuildOptions:
    """Combine the user's choices with the defaults, and validate them before anything is fetched.

    Commits to pick take the place of the default series.

    Raises:
        RequestError: a name, label, build tag or list of series is malformed, or pyproject.toml
            is.
    """
    defaults = read_project_defaults()
    return BuildOptions(
        series=() if picks and not series else split_series(series, defaults),
        naming=make_naming(identity, defaults),
        output=identity.output,
        force=force,
        deep=deep,
        picks=picks,
        backend=backend,
        has_chosen_series=bool(series or picks),
    )
