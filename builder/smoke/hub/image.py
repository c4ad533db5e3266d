"""Build the image of the Hub, which is also the image of its users' servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.containers import images
from builder.smoke.engines import stack
from builder.smoke.engines.image import make_build_context
from builder.smoke.hub import hub_proxy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from builder.smoke.engines.image import ImageBuilder
    from builder.smoke.model import WheelUnderTest

HUB_REQUIREMENTS = (*stack.JUPYTER_REQUIREMENTS, "jupyterhub", "dockerspawner")
CONFIGURATION_DIRECTORY = "hub"


def make_hub_image_recipe(image_builder: ImageBuilder, wheel: WheelUnderTest) -> images.ImageRecipe:
    """Describe the image for a wheel: its build context, Dockerfile and build arguments.

    Raises:
        SmokeError: the wheelhouse cannot be resolved or filled.
    """
    context = make_build_context(image_builder, wheel, "hub", HUB_REQUIREMENTS)
    for path in (image_builder.dockerfiles / CONFIGURATION_DIRECTORY).glob("*.py"):
        context[f"dockerfiles/{CONFIGURATION_DIRECTORY}/{path.name}"] = path
    proxy = hub_proxy.fetch_hub_proxy(image_builder.env, image_builder.cache)
    context[f"wheelhouse/node/{proxy.name}"] = proxy
    return images.ImageRecipe(
        name="hub",
        context=context,
        dockerfile="dockerfiles/Dockerfile.hub",
        arguments={"BASE": image_builder.base, "TB_VER": wheel.version},
    )


def build_hub_image(
    image_builder: ImageBuilder, wheel: WheelUnderTest, log: Path, progress: Callable[[str], None]
) -> str:
    """Build the image for a wheel; returns its tag.

    Raises:
        SmokeError: the wheelhouse cannot be resolved or filled.
        EngineError: the build failed.
    """
    return images.build_image(
        image_builder.engine, make_hub_image_recipe(image_builder, wheel), log, progress
    )
