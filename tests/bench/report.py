"""Show measurements as a table, as JSON, and as a small plot."""

from __future__ import annotations

import json
import platform
from typing import TYPE_CHECKING, Any

from builder.system.machine import count_cores

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.bench.wheel import Measurement


def find_reference(measurements: Sequence[Measurement], group: str) -> Measurement:
    """Find what the others of a group are compared with: the bare tool, or the floor."""
    marks = {"process": "wheel unpack", "core": "floor"}
    return next(m for m in measurements if m.group == group and m.name.startswith(marks[group]))


def to_wheel_rows(measurements: Sequence[Measurement]) -> list[tuple[str, ...]]:
    """Make table rows: group, name, median in milliseconds, ratio to the group's reference."""
    found: list[tuple[str, ...]] = []
    for one in measurements:
        ratio = one.median / find_reference(measurements, one.group).median
        found.append((one.group, one.name, f"{one.median * 1000:.1f}", f"{ratio:.2f}"))
    return found


def to_wheel_json(
    release: str, measurements: Sequence[Measurement], build_all: Mapping[str, float]
) -> dict[str, Any]:
    """Make the measurement's JSON document; times are in seconds."""
    return {
        "release": release,
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
    """Write `wheel.json` and `wheel.svg` into the directory."""
    directory.mkdir(parents=True, exist_ok=True)
    data, plot = directory / "wheel.json", directory / "wheel.svg"
    data.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    _draw_plot(plot, document)
    return [data, plot]


def _draw_plot(path: Path, document: Mapping[str, Any]) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    # Fixed ids and no date, so that a new measurement changes nothing but the bars.
    mpl.rcParams["svg.hashsalt"] = "bench"
    ways = document["ways"]
    figure, axes = plt.subplots(2, 1, figsize=(7, 3.2), height_ratios=(3, 2))
    for axis, group in zip(axes, ("process", "core"), strict=True):
        chosen = [w for w in ways if w["group"] == group]
        bars = axis.barh([w["name"] for w in chosen], [w["median"] * 1000 for w in chosen])
        axis.bar_label(bars, [f" {w['ratio']:.2f} x" for w in chosen])
        axis.invert_yaxis()
        axis.margins(x=0.15)
        axis.spines[["top", "right"]].set_visible(False)
    axes[-1].set_xlabel(f"ms (median), TensorBoard {document['release']}")
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
