"""What we leave in an engine is found by its label, and removed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from builder.containers.containers import list_containers
from builder.containers.docker_engine import RUN_LABEL, translate_engine_errors
from builder.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from docker import DockerClient

    from builder.containers.docker_engine import ContainerEngine

_LabelFilter = dict[str, str | list[str] | bool]


def remove_run_containers(engine: ContainerEngine) -> None:
    """Remove every container of this run, whatever it does at this moment.

    Raises:
        EngineError: the engine refused.
    """
    for container in list_containers(engine, RUN_LABEL, engine.run_id):
        container.remove()


def remove_leftovers(
    engine: ContainerEngine, label: str = RUN_LABEL, value: str | None = None
) -> list[str]:
    """Remove all that we left in the engine, of any run; what was removed, by kind and name.

    What other runs have in use at this moment goes too: that is what the word says.

    Args:
        engine: is cleaned.
        label: what ours carries.
        value: of the label, or None for any.

    Raises:
        EngineError: the engine refused something; all else is gone.
    """
    refused: list[Exception] = []
    containers = list_containers(engine, label, value)
    removed = _remove_all(((f"container {c.name}", c.remove) for c in containers), refused)
    filters: _LabelFilter = {"label": label if value is None else f"{label}={value}"}
    client = engine.client
    with translate_engine_errors("remove all that we left in it"):
        networks = client.networks.list(filters=filters)
        removed += _remove_all(((f"network {n.name}", n.remove) for n in networks), refused)
        removed += _remove_images(client, filters, refused)
        volumes = client.volumes.list(filters=filters)
        removed += _remove_all(
            ((f"volume {v.name}", partial(v.remove, force=True)) for v in volumes), refused
        )
        if refused:
            raise refused[0]
    return removed


def _remove_images(
    client: DockerClient, filters: _LabelFilter, refused: list[Exception]
) -> list[str]:
    """An image goes after those that were made of it, and the engine lists them in any order."""
    removed: list[str] = []
    while True:
        stuck: list[Exception] = []
        images = client.api.images(filters=filters)
        gone = _remove_all(
            (
                (_describe_image(i), partial(client.images.remove, i["Id"], force=True))
                for i in images
            ),
            stuck,
        )
        removed += gone
        if not gone:
            refused += stuck
            return removed


def _describe_image(image: Mapping[str, Any]) -> str:
    tags = [tag for tag in image["RepoTags"] or () if tag != "<none>:<none>"]
    return f"image {tags[0] if tags else image['Id']}"


def _remove_all(
    things: Iterable[tuple[str, Callable[[], object]]], refused: list[Exception]
) -> list[str]:
    """Those of the things that were there and are gone now; refusals are added to the list."""
    from docker.errors import APIError, NotFound

    removed = []
    for name, remove in things:
        try:
            remove()
        except NotFound:
            continue
        except (APIError, EngineError) as error:
            refused.append(error)
        else:
            removed.append(name)
    return removed
