"""Tell runs that go on from killed ones, and remove what killed ones left in an engine."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from builder.containers.docker_engine import RUN_LABEL
from builder.containers.leftovers import remove_leftovers
from builder.errors import EngineError
from builder.system.ownership import make_private_directory

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.containers.docker_engine import ContainerEngine


def lock_run(
    engine: ContainerEngine, cache: Path, note: Callable[[str], None] = lambda _: None
) -> int | None:
    """Lock this run's id until the process ends, and remove what runs left that no longer do.

    A run's lock is a file in the cache, named by the run's id and the engine's address. What a run
    of another cache left, such as another user's, stays: it may still be running.

    Args:
        engine: the engine that runs the containers.
        cache: the user's cache directory.
        note: called with what was removed.

    Returns:
        The open lock file, which is given back by closing it; None if there can be no locks.
    """
    directory = cache / "runs"
    address = hashlib.sha256(str(engine.client.api.base_url).encode()).hexdigest()[:8]
    try:
        import fcntl

        make_private_directory(directory)
        for path in directory.glob(f"*-{address}.lock"):
            _remove_unlocked_run(engine, path, note)
        handle = os.open(directory / f"{engine.run_id}-{address}.lock", os.O_RDWR | os.O_CREAT)
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return None
    return handle


def _remove_unlocked_run(engine: ContainerEngine, path: Path, note: Callable[[str], None]) -> None:
    """Remove what a run left, and then its lock; a run that holds its lock is left alone."""
    import fcntl

    handle = os.open(path, os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        removed = remove_leftovers(engine, RUN_LABEL, path.name.partition("-")[0])
        if removed:
            note(f"removed what a killed run left in the engine: {', '.join(removed)}")
        path.unlink(missing_ok=True)
    except BlockingIOError:
        pass
    except EngineError as error:
        note(f"what a killed run left in the engine cannot be removed: {error.message}")
    finally:
        os.close(handle)
