"""The options of `build` that concern the build from source."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from builder.build.backends import Backend
from builder.cli.options import DOCKERFILES, group_options
from builder.errors import RequestError

if TYPE_CHECKING:
    from builder.bazel.backend import BazelOptions

# Seconds. A build of the real source takes tens of minutes where nothing is cached.
_TIMEOUT = 7200
_FILE = click.Path(path_type=Path)


class SourceBuildOptions(msgspec.Struct, frozen=True):
    """The options of `backend_options`, as the user gave them."""

    backend: str
    base: str | None
    bazel: str | None
    remote_cache: str | None
    remote_executor: str | None
    flags: tuple[str, ...]
    bazel_cache: Path | None
    ca_bundle: Path | None
    timeout: float
    logs: Path


backend_options = group_options(
    "bazel",
    SourceBuildOptions,
    click.option(
        "--backend",
        type=click.Choice([b.value for b in Backend]),
        default=Backend.OVERLAY.value,
        show_default=True,
        help="overlay: change the published wheel. bazel: build from source, in a container. "
        "both: compare the two.",
    ),
    click.option("--base", metavar="IMAGE", help="Bazel: base image. Default: base_image's."),
    click.option(
        "--bazel",
        metavar="PATH|URL|base",
        help="Bazel: the binary, or `base` for the base image's own. Default: the release's.",
    ),
    click.option("--remote-cache", metavar="URL", help="Bazel: its remote cache."),
    click.option("--remote-executor", metavar="URL", help="Bazel: its remote executor."),
    click.option("--bazel-flag", "flags", multiple=True, metavar="FLAG", help="Bazel: any flag."),
    click.option(
        "--bazel-cache",
        type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
        metavar="DIR",
        help="Bazel: keep its caches there, on the engine's host. Default: in a volume.",
    ),
    click.option(
        "--ca-bundle",
        type=_FILE,
        help="Bazel: certificates to trust inside. Default: the host's, if they are not stock.",
    ),
    click.option(
        "--timeout",
        type=click.IntRange(min=1),
        default=_TIMEOUT,
        show_default=True,
        metavar="SECONDS",
        help="Bazel: when to give a release up.",
    ),
    click.option(
        "--logs",
        type=_FILE,
        default=Path("reports") / "build",
        show_default=True,
        help="Bazel: where its logs go.",
    ),
)


def make_bazel_options(given: SourceBuildOptions) -> BazelOptions | None:
    """Make Bazel's options from the command line; None if the backend does not use Bazel.

    Raises:
        RequestError: an option concerns Bazel, and the backend does not use Bazel.
    """
    bazel_values = {
        "--base": given.base,
        "--bazel": given.bazel,
        "--remote-cache": given.remote_cache,
        "--remote-executor": given.remote_executor,
        "--bazel-flag": given.flags,
        "--bazel-cache": given.bazel_cache,
        "--ca-bundle": given.ca_bundle,
    }
    unused = [option for option, value in bazel_values.items() if value]
    if Backend(given.backend) is Backend.OVERLAY:
        if unused:
            raise RequestError(
                f"{unused[0]} concerns the build from source", "say --backend bazel, or both"
            )
        return None
    from builder.bazel.backend import BazelOptions
    from builder.bazel.bazelrc import BazelServices

    return BazelOptions(
        base=given.base,
        bazel=given.bazel,
        services=BazelServices(given.remote_cache, given.remote_executor, given.flags),
        timeout=given.timeout,
        ca_bundle=given.ca_bundle,
        caches=given.bazel_cache,
        logs=given.logs,
        dockerfiles=DOCKERFILES,
    )
