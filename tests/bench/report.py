"""Show the measurements of `bench wheel` as a table, JSON, a picture, and docs/bench/README.md."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

from builder.errors import RequestError
from builder.reports.rendering import format_markdown_table
from tests.bench.measurement import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.bench.measurement import Measurement

_PAGE = """\
# What a build costs

Medians of {repeat} turns on one machine ({cores} cores, CPython {python}), TensorBoard {release},
all from the cache, at commit {commit}. Measured by
`{command}`, which writes this page, [wheel.json](wheel.json)
and the picture.

The ways of a group are compared with the one whose ratio is 1.00; less is faster. Times differ from
machine to machine, and ratios too, from hour to hour: by hand, every member is written as a file.

![how long each way takes](wheel.svg)

{table}

`python -m builder build all --jobs {jobs}` takes {seconds:.1f} s for {releases} releases, and at
most {peak_mb:.0f} MB of memory.

- **build**: whole processes. Our build checks the wheel and writes its provenance. By hand, `wheel
  unpack` compares the stock wheel with its RECORD and `wheel pack` writes a new one, but the name
  stays; `unzip` and `zip` make a wheel of another name, and leave RECORD wrong. Neither checks what
  it made, and each gives other bytes every time.
- **start**: commands of ours that build nothing, beside a program that only prints its version,
  with the same library for command lines (click). `plan` reads the settings and the series, and
  draws a table.
- **in memory**: one step of a build, within one process, beside what cannot be spared: to read the
  stock wheel, hash it and write it.

`.ci/run` prints the ratios of its machine beside those of this page. [rebuild.md](rebuild.md) has
how they became what they are; [today.json](today.json) has how long our wheels take to import and
to answer, beside stock ones (`nox -s bench -- today`).
"""


def to_wheel_rows(
    release: str, measurements: Sequence[Measurement], documented: Mapping[str, Any]
) -> list[tuple[str, ...]]:
    """Make table rows: group, way, median in milliseconds, ratio, and the ratio in docs.

    Args:
        release: what was built.
        measurements: what was measured.
        documented: the document of `to_wheel_json` that docs/bench has. Ratios of another release
            are not shown, as that build is other work.
    """
    ways = documented["ways"] if documented["release"] == release else ()
    known = {(way["group"], way["name"]): f"{way['ratio']:.2f}" for way in ways}
    return [
        (
            m.group,
            m.name,
            f"{m.median * 1000:.1f}",
            f"{m.ratio:.2f}",
            known.get((m.group, m.name), "-"),
        )
        for m in measurements
    ]


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
        **to_json(measurements),
        "build_all": dict(build_all),
    }


def read_wheel_json(directory: Path) -> dict[str, Any]:
    """Read the document that `write_wheel_report` has written.

    Raises:
        RequestError: it is missing, or no JSON.
    """
    path = directory / "wheel.json"
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise RequestError(f"{path} cannot be read ({error})", f"git checkout {path}") from error
    return document


def write_wheel_report(directory: Path, document: Mapping[str, Any]) -> list[Path]:
    """Write `wheel.json`, `wheel.svg` and `README.md` into the directory."""
    plot, page = directory / "wheel.svg", directory / "README.md"
    _draw_plot(plot, document)
    page.write_text(render_page(document), encoding="utf-8")
    return [write_json(directory / "wheel.json", document), plot, page]


def write_json(path: Path, document: Mapping[str, Any]) -> Path:
    """Write a document of measurements, as it stands in docs/bench; returns the path."""
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return path


def render_page(document: Mapping[str, Any]) -> str:
    """Render a document of `to_wheel_json` as Markdown."""
    table = format_markdown_table(
        ("group", "way", "ms", "ratio"),
        [
            (way["group"], f"`{way['name']}`", f"{way['median'] * 1000:.0f}", f"{way['ratio']:.2f}")
            for way in document["ways"]
        ],
    )
    release, repeat = document["release"], len(document["ways"][0]["seconds"])
    return _PAGE.format(
        command=f"nox -s bench -- wheel {release} --repeat {repeat} --update-docs",
        repeat=repeat,
        release=release,
        commit=(document["commit"] or "unknown")[:12],
        table=table.strip(),
        **document["machine"],
        **document["build_all"],
    )


def _draw_plot(path: Path, document: Mapping[str, Any]) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    # Fixed ids and no date, so that a new measurement changes nothing but the bars.
    mpl.rcParams["svg.hashsalt"] = "bench"
    groups = {
        group: list(ways)
        for group, ways in itertools.groupby(document["ways"], lambda w: w["group"])
    }
    heights = [len(ways) for ways in groups.values()]
    figure, axes = plt.subplots(len(groups), 1, figsize=(7, 5), height_ratios=heights)
    for axis, (group, chosen) in zip(axes, groups.items(), strict=True):
        axis.set_title(group, loc="left")
        bars = axis.barh([w["name"] for w in chosen], [w["median"] * 1000 for w in chosen])
        axis.bar_label(bars, [f" {w['ratio']:.2f} x" for w in chosen])
        axis.invert_yaxis()
        axis.margins(x=0.15)
        axis.spines[["top", "right"]].set_visible(False)
    axes[-1].set_xlabel(f"ms (median), TensorBoard {document['release']}")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
