"""Named volumes: what outlives containers on purpose, such as a compiler's cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.containers.docker_engine import (
    KEPT_VALUE,
    NAMESPACE,
    RUN_LABEL,
    translate_engine_errors,
)

if TYPE_CHECKING:
    from builder.containers.docker_engine import ContainerEngine


def ensure_volume(engine: ContainerEngine, name: str) -> str:
    """A volume of ours, made if it is not there; `leftovers.remove_leftovers` removes it.

    Args:
        engine: keeps it.
        name: what its full name ends in.

    Returns:
        Its full name.

    Raises:
        EngineError: the engine refused.
    """
    full = f"{NAMESPACE}-{name}"
    with translate_engine_errors(f"make the volume {full}"):
        # It is the engine's own way to say "if it is not there": the same name, the same volume.
        engine.client.volumes.create(full, labels={RUN_LABEL: KEPT_VALUE})
    return full
