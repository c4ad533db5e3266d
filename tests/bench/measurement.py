"""Measure several ways of doing one thing in turns, and compare their medians."""

from __future__ import annotations

import platform
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from builder.system.machine import count_cores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Way(NamedTuple):
    """One way of doing something, and how to run it.

    Attributes:
        group: the ways of a group are compared with each other.
        name: what is run, unique in its group.
        run: does it once, and returns how many seconds it took.
        is_reference: whether the others of the group are compared with it; one of a group is.
    """

    group: str
    name: str
    run: Callable[[], float]
    is_reference: bool = False


@dataclass(frozen=True, slots=True)
class Measurement:
    """How long one way took.

    Attributes:
        group: see `Way`.
        name: see `Way`.
        seconds: the wall time of each turn, in seconds.
        reference: the median of the group's reference, in seconds.
    """

    group: str
    name: str
    seconds: tuple[float, ...]
    reference: float

    @property
    def median(self) -> float:
        """The median, in seconds."""
        return statistics.median(self.seconds)

    @property
    def ratio(self) -> float:
        """The median, divided by that of the group's reference."""
        return self.median / self.reference


def measure_ways(ways: Sequence[Way], repeat: int) -> list[Measurement]:
    """Run each way `repeat` times, in turns, so that a busy machine slows all of them alike.

    One turn before is not counted, as it warms the machine up. Every other turn goes backwards, as
    each way finds the machine as the way before left it.

    Raises:
        BuilderError: what a way raises.
    """
    times: dict[Way, list[float]] = {way: [] for way in ways}
    for turn in range(repeat + 1):
        for way in ways[:: 1 if turn % 2 else -1]:
            seconds = way.run()
            if turn:
                times[way].append(seconds)
    references = {way.group: statistics.median(times[way]) for way in ways if way.is_reference}
    return [
        Measurement(way.group, way.name, tuple(times[way]), references[way.group]) for way in ways
    ]


def to_json(measurements: Sequence[Measurement]) -> dict[str, Any]:
    """Make a JSON document of the machine and of each way; times are in seconds."""
    return {
        "machine": {"cores": count_cores(), "python": platform.python_version()},
        "ways": [
            {
                "name": m.name,
                "group": m.group,
                "median": m.median,
                "ratio": m.ratio,
                "seconds": list(m.seconds),
            }
            for m in measurements
        ],
    }
