"""Named volumes: what outlives containers on purpose, such as a compiler's cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.containers.door import KEPT, LABEL, NAMESPACE, told

if TYPE_CHECKING:
    from builder.containers.door import Engine


def ensure(engine: Engine, name: str) -> str:
    """A volume of ours, made if it is not there; `builder.containers.leftovers.prune` removes it.

    Args:
        engine: keeps it.
        name: what its full name ends in.

    Returns:
        Its full name.

    Raises:
        EngineError: the engine refused.
    """
    full = f"{NAMESPACE}-{name}"
    with told(f"make the volume {full}"):
        # It is the engine's own way to say "if it is not there": the same name, the same volume.
        engine.client.volumes.create(full, labels={LABEL: KEPT})
    return full
