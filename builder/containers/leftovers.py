"""Remove what we left in an engine, which is found by its label."""

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
    """Remove all containers of this run, even if they are running.

    Raises:
        EngineError: the engine refused a request.
    """
    for container in list_containers(engine, RUN_LABEL, engine.run_id):
        container.remove()


def remove_leftovers(
    engine: ContainerEngine, label: str = RUN_LABEL, value: str | None = None
) -> list[str]:
    """Remove all that any run left in the engine, and return it by kind and name.

    This also removes what other runs use at this moment.

    Args:
        engine: the engine to clean.
        label: the label of what to remove.
        value: the label's value, or None for any.

    Returns:
        What was removed, such as `container NAME` or `image TAG`.

    Raises:
        EngineError: the engine refused to remove something; everything else is removed.
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
    """Remove images in rounds, as an image must go after the images that were made from it."""
    removed: list[str] = []
    while True:
        errors: list[Exception] = []
        images = client.api.images(filters=filters)
        gone = _remove_all(
            (
                (_describe_image(i), partial(client.images.remove, i["Id"], force=True))
                for i in images
            ),
            errors,
        )
        removed += gone
        if not gone:
            refused += errors
            return removed


def _describe_image(image: Mapping[str, Any]) -> str:
    tags = [tag for tag in image["RepoTags"] or () if tag != "<none>:<none>"]
    return f"image {tags[0] if tags else image['Id']}"


def _remove_all(
    things: Iterable[tuple[str, Callable[[], object]]], refused: list[Exception]
) -> list[str]:
    """Remove things and return the names of those removed; errors are added to `refused`."""
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
