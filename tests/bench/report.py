"""Show measurements as a table, as JSON, as a small plot, and as the page docs/bench/README.md."""

from __future__ import annotations

import json
import platform
from typing import TYPE_CHECKING, Any

from builder.reports.rendering import format_markdown_table
from builder.system.machine import count_cores

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.bench.wheel import Measurement

_MARKS = {"process": "wheel unpack", "start": "click alone", "core": "floor"}
_PAGE = """\
# What a build costs

Measured by `nox -s bench -- wheel`, which writes this page and its picture: medians of {repeat}
turns on one machine ({cores} cores, CPython {python}), TensorBoard {release}, all from the cache,
at commit {commit}.
Each kind has a way that the others are compared with. On your machine times are others, and ratios
about the same.

![the ways beside each other]({plot})

{table}

`build -- all` takes {seconds:.1f} s for {releases} releases with {jobs} jobs, and {peak_mb:.0f} MB.

- **process**: whole processes, our build with all its checks beside what one would do by hand,
  which checks nothing and gives other bytes each time.
- **start**: what a process of ours needs before it does anything, beside a program that is made
  with the same library for command lines, and does nothing.
- **core**: patching and rewriting within one process, beside reading, hashing and writing the file.

`.ci/run` prints the ratios of its machine beside these. [rebuild.md](rebuild.md) has how they
became what they are; [today.json](today.json) compares the imports of our wheels with those of
stock ones (`nox -s bench -- today`).
"""


def find_reference(measurements: Sequence[Measurement], group: str) -> Measurement:
    """Find what the others of a group are compared with: the bare tool, or the floor."""
    mark = _MARKS[group]
    return next(m for m in measurements if m.group == group and m.name.startswith(mark))


def to_wheel_rows(
    measurements: Sequence[Measurement], documented: Mapping[str, Any]
) -> list[tuple[str, ...]]:
    """Make table rows: group, name, median in milliseconds, ratio, and the ratio in docs.

    Args:
        measurements: what was measured.
        documented: an earlier document of `to_wheel_json`, as docs/bench has it.
    """
    known = {(way["group"], way["name"]): f"{way['ratio']:.2f}" for way in documented["ways"]}
    found: list[tuple[str, ...]] = []
    for one in measurements:
        ratio = one.median / find_reference(measurements, one.group).median
        found.append(
            (
                one.group,
                one.name,
                f"{one.median * 1000:.1f}",
                f"{ratio:.2f}",
                known.get((one.group, one.name), "-"),
            )
        )
    return found


def to_wheel_json(
    release: str,
    commit: str | None,
    measurements: Sequence[Measurement],
    build_all: Mapping[str, float],
) -> dict[str, Any]:
    """Make the measurement's JSON document; times are in seconds."""
    return {
        "release": release,
        "commit": commit,
        "machine": {"cores": count_cores(), "python": platform.python_version()},
        "ways": [
            {
                "name": m.name,
                "group": m.group,
                "median": m.median,
                "ratio": m.median / find_reference(measurements, m.group).median,
                "seconds": list(m.seconds),
            }
            for m in measurements
        ],
        "build_all": dict(build_all),
    }


def write_wheel_report(directory: Path, document: Mapping[str, Any]) -> list[Path]:
    """Write `wheel.json`, `wheel.svg` and `README.md` into the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    data, plot, page = (directory / name for name in ("wheel.json", "wheel.svg", "README.md"))
    data.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    page.write_text(render_page(document, plot.name), encoding="utf-8")
    _draw_plot(plot, document)
    return [data, plot, page]


def render_page(document: Mapping[str, Any], plot: str = "wheel.svg") -> str:
    """Render a document of `to_wheel_json` as Markdown."""
    table = format_markdown_table(
        ("", "way", "ms", "ratio"),
        [
            (way["group"], f"`{way['name']}`", f"{way['median'] * 1000:.0f}", f"{way['ratio']:.2f}")
            for way in document["ways"]
        ],
    )
    return _PAGE.format(
        repeat=len(document["ways"][0]["seconds"]),
        release=document["release"],
        commit=document["commit"],
        table=table.strip(),
        plot=plot,
        **document["machine"],
        **document["build_all"],
    )


def _draw_plot(path: Path, document: Mapping[str, Any]) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    # Fixed ids and no date, so that a new measurement changes nothing but the bars.
    mpl.rcParams["svg.hashsalt"] = "bench"
    ways = {group: [w for w in document["ways"] if w["group"] == group] for group in _MARKS}
    heights = [len(chosen) for chosen in ways.values()]
    figure, axes = plt.subplots(len(ways), 1, figsize=(7, 4.4), height_ratios=heights)
    for axis, chosen in zip(axes, ways.values(), strict=True):
        bars = axis.barh([w["name"] for w in chosen], [w["median"] * 1000 for w in chosen])
        axis.bar_label(bars, [f" {w['ratio']:.2f} x" for w in chosen])
        axis.invert_yaxis()
        axis.margins(x=0.15)
        axis.spines[["top", "right"]].set_visible(False)
    axes[-1].set_xlabel(f"ms (median), TensorBoard {document['release']}")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
