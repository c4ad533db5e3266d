"""The verb `watch`: keep the catalog up to date by pull requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from builder.build.release import FailedRelease
from builder.cli.options import (
    ROOT,
    CommonOptions,
    IdentityOptions,
    common_options,
    identity_options,
    make_build_options,
    make_context,
    make_sources,
)
from builder.cli.output import set_step_output
from builder.errors import IndexLookupError
from builder.git.pull_request import has_pull_request, open_pull_request
from builder.reports.watch import apply_index_changes, format_pr_body, format_pr_title
from builder.system.machine import count_cores

if TYPE_CHECKING:
    from builder.build.release import BuiltRelease


@click.command()
@click.option("--propose", "to_github", is_flag=True, help="Open a pull request with gh.")
@identity_options
@common_options
def watch(to_github: bool, common: CommonOptions, identity: IdentityOptions) -> int:
    """Take the index's news over into the catalog, build them, and show or propose it.

    With --propose the catalog must be a checkout's, which is on a new branch afterwards.
    """
    options = make_build_options((), identity)
    context = make_context(offline=common.offline)
    sources = make_sources(common, context, with_commit=True)
    console = context.console

    def report(outcome: BuiltRelease | FailedRelease) -> None:
        how = outcome.error.message if isinstance(outcome, FailedRelease) else outcome.placement
        console.print_note(f"{outcome.release.version}: {how}")

    with console.show_progress():
        changes = apply_index_changes(
            common.catalog, options, sources, context, jobs=count_cores(), report=report
        )
    if not changes.differences:
        console.print_result("the index is as the catalog says")
        return 0
    if not changes.is_applied:
        raise IndexLookupError(
            f"gone from the index: {', '.join(d.version for d in changes.differences)}",
            "their wheels may be in caches: taking them out of the catalog is your decision",
        )
    if not to_github:
        console.print_result(
            f"{format_pr_title(changes)}\n\n{format_pr_body(changes)}".rstrip("\n")
        )
    elif has_pull_request(ROOT, changes.branch):
        console.print_result(f"{changes.branch} was proposed before")
    else:
        console.print_result(
            open_pull_request(
                ROOT,
                common.catalog,
                changes.branch,
                format_pr_title(changes),
                format_pr_body(changes),
            )
        )
        set_step_output("branch", changes.branch, context)
    failed = [o.error.exit_code for o in changes.outcomes if isinstance(o, FailedRelease)]
    return max(failed, default=0)
