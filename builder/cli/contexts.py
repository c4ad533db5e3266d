"""From a verb's options to what the packages below take: contexts, sources, defaults, names."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from builder.build.backends import Backend
from builder.build.release import BuildOptions
from builder.cli.options import (
    ROOT,
    CatalogOptions,
    CommonOptions,
    IdentityOptions,
    NamingOptions,
    UpstreamOptions,
)
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
from builder.system.known_secrets import register_address
from builder.system.settings import read_project_settings, read_user_settings
from builder.verify.sources import WheelSources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.system.settings import ProjectSettings


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
    settings = read_user_settings(os.environ)
    for address in (settings.index_url, settings.http_proxy):
        register_address(address)
    _print_logs()
    return RunContext(settings, env, Console(), python_paths)


def _print_logs() -> None:
    """Print what libraries log, which may quote a server, through the console."""
    import logging

    class ConsoleHandler(logging.Handler):
        """Prints what nobody else handles; a library that is silent by default stays so."""

        def emit(self, record: logging.LogRecord) -> None:
            """Print the message."""
            Console().print_note(record.getMessage().strip())

    logging.lastResort = ConsoleHandler(logging.WARNING)


def make_releases(common: CatalogOptions, context: RunContext) -> Releases:
    """Open the catalog with its index and its cache.

    Raises:
        IndexLookupError: the catalog cannot be read.
    """
    return Releases(
        catalog=catalogs.make_catalog(catalogs.load_entries(common.catalog)),
        index=OfflineIndex()
        if common.offline
        else SimpleIndex(context.settings, context.check_cancelled),
        cache=Cache(context.settings.cache, context.console.print_note),
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
        common: the options of verbs that make or check wheels.
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
        tuple(sorted(set(chosen.pull_requests))),
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


def split_picks(given: tuple[str, ...], upstream: UpstreamOptions | None = None) -> tuple[str, ...]:
    """Split `--cherry-pick`: `("a,b", "c")` → a, b, c.

    Each must be named once, and none may be a word that git could take for something else.

    Raises:
        RequestError: a word is no commit or is named twice, or `--from` or
            `--pull-request` is given without commits.
    """
    picks = tuple(word.strip() for words in given for word in words.split(","))
    for pick in picks:
        check_revision(pick)
        if picks.count(pick) > 1:
            raise RequestError(f"{pick} is to be picked twice", "name each commit once")
    if upstream is None or picks:
        return picks
    named = "--pull-request" if upstream.pull_requests else "--from"
    if upstream.pull_requests or upstream.commits is not None:
        raise RequestError(
            f"{named} names where commits are, and none is to be picked",
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
