"""Build the image of a smoke test: from our Dockerfile, a wheelhouse, and one TensorBoard wheel."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec

from builder.containers import images
from builder.containers.containers import ContainerOptions, run_container
from builder.errors import SmokeError
from builder.smoke.engines import stack, wheelhouse
from builder.smoke.engines.wheelhouse import PythonPlatform

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from builder.containers.docker_engine import ContainerEngine
    from builder.smoke.model import WheelUnderTest

_ASK = "import sys; print('%d.%d' % sys.version_info[:2])"
OLDEST_PYTHON = (3, 10)


class ImageBuilder(msgspec.Struct, frozen=True):
    """What images are built with.

    Attributes:
        engine: builds the images.
        base: their base image.
        platform: the Python and architecture of the base image.
        dockerfiles: the directory of our Dockerfiles.
        cache: directory in which wheelhouses are cached.
        env: environment variables for uv and pip on the host.
    """

    engine: ContainerEngine
    base: str
    platform: PythonPlatform
    dockerfiles: Path
    cache: Path
    env: Mapping[str, str]


def detect_image_platform(engine: ContainerEngine, base: str) -> PythonPlatform:
    """Detect the Python of a base image by running it, and its architecture.

    Raises:
        EngineError: the image is not available.
        SmokeError: it has no Python, or one that is too old for today's Jupyter.
    """
    image = images.resolve_image_id(engine, base)
    options = ContainerOptions(image, ["sleep", "60"], user="0")
    with run_container(engine, "python", options) as container:
        code, out = container.run_program(["python3", "-c", _ASK])
    version = out.strip()
    if code or tuple(int(n) for n in version.split(".") if n.isdigit()) < OLDEST_PYTHON:
        raise SmokeError(
            f"the base image {base} has " + (f"Python {version}" if not code else "no python3"),
            f"Jupyter needs {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or later: --base IMAGE",
        )
    return PythonPlatform(version, engine.architecture)


def make_lab_image_recipe(image_builder: ImageBuilder, wheel: WheelUnderTest) -> images.ImageRecipe:
    """Describe the image for a wheel: its build context, Dockerfile and build arguments.

    Raises:
        SmokeError: the wheelhouse cannot be resolved or filled.
    """
    extra = ("tensorflow",) if wheel.tensorflow else ()
    return images.ImageRecipe(
        name="lab",
        context=make_build_context(image_builder, wheel, "lab", stack.JUPYTER_REQUIREMENTS, extra),
        dockerfile="dockerfiles/Dockerfile.lab",
        arguments={"BASE": image_builder.base, "TB_VER": wheel.version},
    )


def make_build_context(
    image_builder: ImageBuilder,
    wheel: WheelUnderTest,
    name: str,
    requirements: Sequence[str],
    extra_requirements: Sequence[str] = (),
) -> dict[str, bytes | Path]:
    """Make the build context of an image: path in it → content, or the file that has it.

    Args:
        image_builder: what the image is built with.
        wheel: the wheel to install.
        name: name of the Dockerfile, the requirements and the constraints, such as `lab`.
        requirements: the requirements of the Jupyter stack.
        extra_requirements: further requirements. They have bounds of their own on packages that
            the stack only depends on, so the constraints do not apply with them.

    Raises:
        SmokeError: the wheelhouse cannot be resolved or filled.
    """
    if wheel.path is None:
        raise SmokeError("an image needs a wheel", "name a release")
    folder = image_builder.dockerfiles
    files = (f"Dockerfile.{name}", f"{name}.in", f"{name}.txt")
    context: dict[str, bytes | Path] = {f"dockerfiles/{file}": folder / file for file in files}
    constraints = folder / f"{name}.txt"
    wanted = [*requirements, *extra_requirements, str(wheel.path)]
    with ThreadPoolExecutor() as pool:
        stack_future = pool.submit(_resolve_requirements, image_builder, requirements, constraints)
        all_pins = _resolve_requirements(
            image_builder, wanted, None if extra_requirements else constraints
        )
        stack_pins = stack_future.result()
    for part, pins in (("stack", stack_pins), ("tensorboard", all_pins - stack_pins)):
        for path in wheelhouse.fetch_wheelhouse(
            sorted(pins), image_builder.platform, image_builder.env, image_builder.cache
        ):
            context[f"wheelhouse/{part}/{path.name}"] = path
    return context | {f"dist/{wheel.path.name}": wheel.path}


def build_lab_image(
    image_builder: ImageBuilder, wheel: WheelUnderTest, log: Path, progress: Callable[[str], None]
) -> str:
    """Build the image for a wheel; returns its tag.

    Raises:
        SmokeError: the wheelhouse cannot be resolved or filled.
        EngineError: the build failed.
    """
    return images.build_image(
        image_builder.engine,
        make_lab_image_recipe(image_builder, wheel),
        log,
        lambda step: progress(f"image: {step:.90}"),
    )


def _resolve_requirements(
    image_builder: ImageBuilder, wanted: Sequence[str], constraints: Path | None
) -> set[str]:
    return set(
        wheelhouse.resolve_wheelhouse(
            wanted, image_builder.platform, image_builder.env, constraints
        )
    )
