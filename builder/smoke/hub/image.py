"""The image of the Hub, which is also that of its users' servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.engine import images
from builder.errors import SmokeError
from builder.smoke import stack, wheelhouse
from builder.smoke.hub import node

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from builder.smoke.image import Kitchen
    from builder.smoke.model import Subject

REQUIREMENTS = (*stack.REQUIREMENTS, "jupyterhub", "dockerspawner")
CONFIGURATIONS = "hub"


def recipe(kitchen: Kitchen, subject: Subject) -> images.Recipe:
    """What the image for a wheel is made of.

    Raises:
        SmokeError: the wheelhouse cannot be resolved or filled.
    """
    if subject.wheel is None:
        raise SmokeError("an image needs a wheel", "name a release")
    folder = kitchen.dockerfiles
    context: dict[str, bytes | Path] = {
        f"dockerfiles/{name}": folder / name for name in ("Dockerfile.hub", "hub.in", "hub.txt")
    }
    for path in (folder / CONFIGURATIONS).glob("*.py"):
        context[f"dockerfiles/{CONFIGURATIONS}/{path.name}"] = path
    shared = _resolved(kitchen, REQUIREMENTS)
    whole = _resolved(kitchen, [*REQUIREMENTS, str(subject.wheel)])
    for room, pins in (("stack", shared), ("tensorboard", whole - shared)):
        for path in wheelhouse.fetch(sorted(pins), kitchen.target, kitchen.environ, kitchen.cache):
            context[f"wheelhouse/{room}/{path.name}"] = path
    proxy = node.fetch(kitchen.environ, kitchen.cache)
    context[f"wheelhouse/node/{proxy.name}"] = proxy
    context[f"dist/{subject.wheel.name}"] = subject.wheel
    return images.Recipe(
        name="hub",
        context=context,
        dockerfile="dockerfiles/Dockerfile.hub",
        arguments={"BASE": kitchen.base, "TB_VER": subject.version},
    )


def make(kitchen: Kitchen, subject: Subject, log: Path, progress: Callable[[str], None]) -> str:
    """The image for a wheel; its tag.

    Raises:
        SmokeError: the wheelhouse cannot be resolved or filled.
        EngineError: the build failed.
    """
    return images.build(kitchen.engine, recipe(kitchen, subject), log, progress)


def _resolved(kitchen: Kitchen, wanted: Sequence[str]) -> set[str]:
    constraints = kitchen.dockerfiles / "hub.txt"
    return set(wheelhouse.resolve(wanted, kitchen.target, kitchen.environ, constraints))
