"""What we leave in an engine is found by its label, and removed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from builder.containers.containers import labelled
from builder.containers.door import LABEL, told
from builder.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from docker import DockerClient

    from builder.containers.door import Engine

_Wanted = dict[str, str | list[str] | bool]


def sweep(engine: Engine) -> None:
    """Remove every container of this run, whatever it does at this moment.

    Raises:
        EngineError: the engine refused.
    """
    for container in labelled(engine, LABEL, engine.run):
        container.remove()


def prune(engine: Engine, label: str = LABEL, value: str | None = None) -> list[str]:
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
    containers = labelled(engine, label, value)
    removed = _remove(((f"container {c.name}", c.remove) for c in containers), refused)
    wanted: _Wanted = {"label": label if value is None else f"{label}={value}"}
    client = engine.client
    with told("remove all that we left in it"):
        networks = client.networks.list(filters=wanted)
        removed += _remove(((f"network {n.name}", n.remove) for n in networks), refused)
        removed += _remove_images(client, wanted, refused)
        volumes = client.volumes.list(filters=wanted)
        removed += _remove(
            ((f"volume {v.name}", partial(v.remove, force=True)) for v in volumes), refused
        )
        if refused:
            raise refused[0]
    return removed


def _remove_images(client: DockerClient, wanted: _Wanted, refused: list[Exception]) -> list[str]:
    """An image goes after those that were made of it, and the engine lists them in any order."""
    removed: list[str] = []
    while True:
        stuck: list[Exception] = []
        images = client.api.images(filters=wanted)
        gone = _remove(
            ((_called(i), partial(client.images.remove, i["Id"], force=True)) for i in images),
            stuck,
        )
        removed += gone
        if not gone:
            refused += stuck
            return removed


def _called(image: Mapping[str, Any]) -> str:
    tags = [tag for tag in image["RepoTags"] or () if tag != "<none>:<none>"]
    return f"image {tags[0] if tags else image['Id']}"


def _remove(
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
