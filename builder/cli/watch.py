"""`watch`: the catalog kept up to date by pull requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from builder.build.release import Failed
from builder.cli.options import (
    ROOT,
    Common,
    build_options,
    common_options,
    identity_options,
    open_workshop,
)
from builder.cli.words import say_output
from builder.errors import IndexLookupError
from builder.git.proposal import is_proposed, propose
from builder.reports.watch import body, take_over, title
from builder.system.machine import cores

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from builder.build.release import Built


@click.command()
@click.option("--propose", "to_github", is_flag=True, help="Open a pull request with gh.")
@identity_options
@common_options
def watch(to_github: bool, catalog: Path, patches: Path, offline: bool, **chosen: Any) -> int:
    """Take the index's news over into the catalog, build them, and show or propose it.

    With --propose the catalog must be a checkout's, which is on a new branch afterwards.
    """
    options = build_options((), **chosen)
    workshop = open_workshop(Common(catalog, patches, offline), commit=True)
    console = workshop.console

    def report(outcome: Built | Failed) -> None:
        how = outcome.error.message if isinstance(outcome, Failed) else outcome.placement
        console.note(f"{outcome.release.version}: {how}")

    with console.progress():
        news = take_over(catalog, workshop, options, jobs=cores(), report=report)
    if not news.differences:
        console.say("the index is as the catalog says")
        return 0
    if not news.taken_over:
        raise IndexLookupError(
            f"gone from the index: {', '.join(d.version for d in news.differences)}",
            "their wheels may be in caches: taking them out of the catalog is your decision",
        )
    if not to_github:
        console.say(f"{title(news)}\n\n{body(news)}".rstrip("\n"))
    elif is_proposed(ROOT, news.branch):
        console.say(f"{news.branch} was proposed before")
    else:
        console.say(propose(ROOT, catalog, news.branch, title(news), body(news)))
        say_output("branch", news.branch, workshop)
    failed = [o.error.exit_code for o in news.outcomes if isinstance(o, Failed)]
    return max(failed, default=0)
