"""The image of a smoke test: a Dockerfile of ours, a wheelhouse, and one TensorBoard wheel."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.containers import images
from builder.containers.containers import Started, running
from builder.errors import SmokeError
from builder.smoke.engines import stack, wheelhouse
from builder.smoke.engines.wheelhouse import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from builder.containers.door import Engine
    from builder.smoke.model import Subject

_ASK = "import sys; print('%d.%d' % sys.version_info[:2])"
OLDEST = (3, 10)


@dataclass(frozen=True, slots=True)
class Kitchen:
    """Where images are made.

    Attributes:
        engine: builds them.
        base: their base image.
        target: the Python and architecture of the base image.
        dockerfiles: the directory of our Dockerfiles.
        cache: directory that keeps wheelhouses.
        environ: for uv and pip on the host.
    """

    engine: Engine
    base: str
    target: Target
    dockerfiles: Path
    cache: Path
    environ: Mapping[str, str]


def target_of(engine: Engine, base: str) -> Target:
    """The Python and the architecture of a base image; it is asked.

    Raises:
        EngineError: the image cannot be had.
        SmokeError: it has no Python, or one that today's Jupyter does not take.
    """
    image = images.identify(engine, base)
    how = Started(image, ["sleep", "60"], user="0")
    with running(engine, "python", how) as container:
        code, out = container.run(["python3", "-c", _ASK])
    version = out.strip()
    if code or tuple(int(n) for n in version.split(".") if n.isdigit()) < OLDEST:
        raise SmokeError(
            f"the base image {base} has " + (f"Python {version}" if not code else "no python3"),
            f"Jupyter needs {OLDEST[0]}.{OLDEST[1]} or later: --base IMAGE",
        )
    return Target(version, engine.architecture)


def recipe(kitchen: Kitchen, subject: Subject) -> images.Recipe:
    """What the image for a wheel is made of.

    Raises:
        SmokeError: the wheelhouse cannot be resolved or filled.
    """
    beside = ("tensorflow",) if subject.tensorflow else ()
    return images.Recipe(
        name="lab",
        context=context_of(kitchen, subject, "lab", stack.REQUIREMENTS, beside),
        dockerfile="dockerfiles/Dockerfile.lab",
        arguments={"BASE": kitchen.base, "TB_VER": subject.version},
    )


def context_of(
    kitchen: Kitchen,
    subject: Subject,
    name: str,
    requirements: Sequence[str],
    beside: Sequence[str] = (),
) -> dict[str, bytes | Path]:
    """The build context of an image with a stack and a wheel: path → content, or its file.

    Args:
        kitchen: where it is made.
        subject: the wheel.
        name: of the Dockerfile, the requirements and the constraints, such as `lab`.
        requirements: the stack.
        beside: requirements more, which have bounds of their own on what the stack merely uses.

    Raises:
        SmokeError: the wheelhouse cannot be resolved or filled.
    """
    if subject.wheel is None:
        raise SmokeError("an image needs a wheel", "name a release")
    folder = kitchen.dockerfiles
    files = (f"Dockerfile.{name}", f"{name}.in", f"{name}.txt")
    context: dict[str, bytes | Path] = {f"dockerfiles/{file}": folder / file for file in files}
    constraints = folder / f"{name}.txt"
    wanted = [*requirements, *beside, str(subject.wheel)]
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(_resolved, kitchen, requirements, constraints)
        whole = _resolved(kitchen, wanted, None if beside else constraints)
        shared = asked.result()
    for room, pins in (("stack", shared), ("tensorboard", whole - shared)):
        for path in wheelhouse.fetch(sorted(pins), kitchen.target, kitchen.environ, kitchen.cache):
            context[f"wheelhouse/{room}/{path.name}"] = path
    return context | {f"dist/{subject.wheel.name}": subject.wheel}


def make(kitchen: Kitchen, subject: Subject, log: Path, progress: Callable[[str], None]) -> str:
    """The image for a wheel; its tag.

    Raises:
        SmokeError: the wheelhouse cannot be resolved or filled.
        EngineError: the build failed.
    """
    return images.build(
        kitchen.engine, recipe(kitchen, subject), log, lambda step: progress(f"image: {step:.90}")
    )


def _resolved(kitchen: Kitchen, wanted: Sequence[str], constraints: Path | None) -> set[str]:
    return set(wheelhouse.resolve(wanted, kitchen.target, kitchen.environ, constraints))
