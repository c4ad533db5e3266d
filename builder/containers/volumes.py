"""Create named volumes for data that is kept after a container, such as a build cache."""

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
    """Create a volume of ours, unless it exists; `leftovers.remove_leftovers` removes it.

    Args:
        engine: the engine that stores it.
        name: the last part of its full name.

    Returns:
        The volume's full name.

    Raises:
        EngineError: the engine refused the request.
    """
    full = f"{NAMESPACE}-{name}"
    with translate_engine_errors(f"make the volume {full}"):
        # The engine returns the existing volume if there is one of this name.
        engine.client.volumes.create(full, labels={RUN_LABEL: KEPT_VALUE})
    return full
