"""Run the targets in turn until the time is up; exit code 1 if one of them found a fault."""

from __future__ import annotations

import argparse
import logging
import resource
import signal
import sys
import time
import traceback
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, seed, settings
from hypothesis.errors import HypothesisException

from tests.fuzz.targets import make_targets

if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

    from tests.fuzz.targets import Target

_ROUND = 100  # examples
# What one example may take on a busy machine, and the process as a whole, of address space.
_SECONDS = 60
_BYTES = 4 << 30


class _TooSlowError(Exception):
    """An example took longer than any input may."""


def _stop_example(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise _TooSlowError(f"one example takes more than {_SECONDS} s")


def fuzz_target(target: Target, seconds: float, first_seed: int) -> tuple[int, str]:
    """Fuzz one target; return how many examples it saw, and the fault with its reproducer, or "".

    Args:
        target: the parser.
        seconds: for how long; a round of examples is not broken off.
        first_seed: of the first round; each further round takes the next.
    """
    examples = 0

    def run_example(value: Any) -> None:
        nonlocal examples
        examples += 1
        signal.alarm(_SECONDS)
        try:
            target.check(value)
        finally:
            signal.alarm(0)

    end = time.monotonic() + seconds
    number = first_seed
    while True:
        bounded = settings(
            max_examples=_ROUND,
            deadline=None,
            database=None,
            print_blob=False,
            suppress_health_check=list(HealthCheck),
        )
        try:
            seed(number)(bounded(given(target.inputs)(run_example)))()
        except HypothesisException:
            raise
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            notes = "\n".join(getattr(error, "__notes__", ()))
            return examples, f"seed {number}: {notes}\n{''.join(traceback.format_exception(error))}"
        number += 1
        if time.monotonic() >= end:
            return examples, ""


def main() -> int:
    """Fuzz for the time that the command line gives."""
    targets = make_targets()
    parser = argparse.ArgumentParser(prog="nox -s fuzz --", description=__doc__)
    parser.add_argument("seconds", nargs="?", type=float, default=60, help="in all [60]")
    parser.add_argument("--only", action="append", choices=targets, help="these targets")
    parser.add_argument("--seed", type=int, default=0, help="of the first round [0]")
    given_options = parser.parse_args()
    chosen = given_options.only or list(targets)
    logging.disable()  # Beautiful Soup tells of characters that it could not decode
    resource.setrlimit(resource.RLIMIT_AS, (_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
    signal.signal(signal.SIGALRM, _stop_example)
    faults = 0
    for name in chosen:
        share = given_options.seconds / len(chosen)
        examples, fault = fuzz_target(targets[name], share, given_options.seed)
        print(f"{name:10} {examples:8} examples  {'FAULT' if fault else 'ok'}", flush=True)  # noqa: T201 - a program of its own
        if fault:
            faults += 1
            print(fault, flush=True)  # noqa: T201 - a program of its own
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
