"""The image of the Hub, which is also that of its users' servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.containers import images
from builder.smoke.engines import stack
from builder.smoke.engines.image import context_of
from builder.smoke.hub import node

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.smoke.engines.image import Kitchen
    from builder.smoke.model import Subject

REQUIREMENTS = (*stack.REQUIREMENTS, "jupyterhub", "dockerspawner")
CONFIGURATIONS = "hub"


def recipe(kitchen: Kitchen, subject: Subject) -> images.Recipe:
    """What the image for a wheel is made of.

    Raises:
        SmokeError: the wheelhouse cannot be resolved or filled.
    """
    context = context_of(kitchen, subject, "hub", REQUIREMENTS)
    for path in (kitchen.dockerfiles / CONFIGURATIONS).glob("*.py"):
        context[f"dockerfiles/{CONFIGURATIONS}/{path.name}"] = path
    proxy = node.fetch(kitchen.environ, kitchen.cache)
    context[f"wheelhouse/node/{proxy.name}"] = proxy
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
