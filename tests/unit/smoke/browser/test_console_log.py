"""What a browser's console says: excused with a reason, for the releases that say it."""

from __future__ import annotations

import pytest

from builder.smoke.browser import traffic
from builder.smoke.browser.console_log import (
    KNOWN_CONSOLE_ISSUES,
    ConsoleEntry,
    find_console_errors,
)
from tests.support.browser import ORIGIN, PREFIX, make_exchange


def test_a_font_is_excused_and_nothing_like_it() -> None:
    """The known font may stray and fail; another file, or a POST to it, may not."""
    font = make_exchange(
        f"{ORIGIN}/font-roboto/RxZJdnzeo3R5zSexge8UUZBw1xU1rKptJj_0.woff2", status=404
    )
    near = [
        make_exchange(f"{ORIGIN}/font-roboto/roboto.css", status=404),
        make_exchange(f"{ORIGIN}/font-other/a.woff2", status=404),
        make_exchange(f"{ORIGIN}/font-roboto/a.woff2", method="POST", status=404),
    ]
    assert list(traffic.find_stray_requests([font, *near], ORIGIN, PREFIX)) == [
        str(n) for n in near
    ]
    assert list(traffic.find_failed_requests([font, *near], ORIGIN, PREFIX)) == [
        str(n) for n in near
    ]


@pytest.mark.parametrize(
    ("release", "asks"),
    [
        ("2.0.2", ["", "data/plugins_listing", "data/plugin/scalars/scalars"]),
        ("2.3.0", ["", "data/plugins_listing", "index.js", "data/plugin/scalars/scalars"]),
        ("2.9.1", ["", "data/plugins_listing", "index.js", "data/plugin/scalars/scalars_multirun"]),
        (
            "2.21.0",
            [
                *("", "data/plugins_listing", "index.js?_file_hash=1", "chart_worker.js?h=2"),
                "experiment/defaultExperimentId/data/plugin/timeseries/timeSeries",
            ],
        ),
    ],
)
def test_each_release_asks_for_its_own(release: str, asks: list[str]) -> None:
    """With its requests nothing is missing; without any one of them, that one is."""
    posts = ("scalars_multirun", "timeSeries")
    seen = [
        make_exchange(PREFIX + ask, method="POST" if ask.endswith(posts) else "GET") for ask in asks
    ]
    assert list(traffic.find_missing_requests(seen, PREFIX, release)) == []
    for gone in range(len(seen)):
        assert (
            len(
                list(traffic.find_missing_requests(seen[:gone] + seen[gone + 1 :], PREFIX, release))
            )
            == 1
        )
        unwell = [*seen[:gone], make_exchange(seen[gone].url, status=500), *seen[gone + 1 :]]
        assert len(list(traffic.find_missing_requests(unwell, PREFIX, release))) == 1


def test_every_excuse_has_a_reason_and_covers_only_its_own_script() -> None:
    """What is excused in Jupyter's script is an error in TensorBoard's."""
    said = "Error: Command 'filebrowser:open-path' not registered.\n    at c.execute"
    theirs = ConsoleEntry("uncaught", said, f"{ORIGIN}/static/notebook/notebook_core.c9a6.js?v=c9")
    ours = ConsoleEntry("uncaught", said, f"{PREFIX}index.js")
    assert list(find_console_errors([theirs, ours], PREFIX, "2.2.1")) == [str(ours)]
    assert all(issue.reason and issue.text for issue in (*KNOWN_CONSOLE_ISSUES,))
    for issue in KNOWN_CONSOLE_ISSUES:
        assert issue.text is not None
        assert issue.text.startswith("^")


def test_an_excuse_ends_with_its_releases() -> None:
    """What 2.1's page does to its own policy would be new in any other."""
    said = "Executing inline event handler violates the following Content Security Policy directive"
    word = ConsoleEntry("error", said, PREFIX)
    assert list(find_console_errors([word], PREFIX, "2.1.1")) == []
    for other in ("2.0.2", "2.2.0", "2.21.0"):
        assert list(find_console_errors([word], PREFIX, other)) == [str(word)]


def test_of_a_failed_load_only_the_known_ones_are_excused() -> None:
    """Chromium's own line about a font is no news; about a script it is."""
    text = "Failed to load resource: the server responded with a status of 404 (Not Found)"
    font = ConsoleEntry("error", text, f"{ORIGIN}/font-roboto/a.woff2")
    script = ConsoleEntry("error", text, f"{PREFIX}index.js")
    page = f"{ORIGIN}/nbclassic/notebooks/x.ipynb"
    refused = "Refused to execute script from '{}' because its MIME type is not executable"
    widgets = ConsoleEntry(
        "error", refused.format(f"{ORIGIN}/nbextensions/widgets/notebook/js/extension.js"), page
    )
    other = ConsoleEntry("error", refused.format(f"{ORIGIN}/nbextensions/other.js"), page)
    assert list(find_console_errors([font, script, widgets, other], PREFIX, "2.2.1")) == [
        str(script),
        str(other),
    ]
    assert list(find_console_errors([script, other], PREFIX, "2.2.1", jupyter=False)) == [
        str(script)
    ]
