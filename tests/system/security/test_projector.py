"""The projector shows files below the directory of the configuration that names them only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from builder.system.waiting import wait_for
from builder.tensorboard.events import encode_event, encode_record
from builder.tensorboard.server import run_tensorboard
from builder.tensorboard.summaries import encode_old_scalar, encode_summary
from tests.support import needs
from tests.support.environments import Place, our_wheel

if TYPE_CHECKING:
    from pathlib import Path

    from builder.tensorboard.server import TensorBoardServer

# One of each form of the plugin.
RELEASES = ["1.14.0", "2.1.1", "2.2.1", "2.5.0", "2.20.0", "2.21.0"]
PYTHON = "3.13"
WAIT = 60.0
ANYWHERE = "TENSORBOARD_PROJECTOR_ANY_PATH"
PREFIX = "/data/plugin/projector/"
# Route → the field of an embedding that names its file, and such a file.
FIELDS = {
    "metadata": ('metadata_path: "{}"', "first\nsecond\n"),
    "tensor": ('tensor_path: "{}"', "0.5\t1.5\n2.5\t3.5\n"),
    "bookmarks": ('bookmarks_path: "{}"', "[]"),
    "sprite_image": ('sprite {{ image_path: "{}" single_image_dim: [1, 1] }}', "GIF89a"),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """An environment into which each release is put in its turn."""
    return Place(tmp_path_factory.mktemp("projector") / "place", needs.python(PYTHON))


def write_logdir(root: Path) -> list[str]:
    """A run with a configuration that names files inside and outside; the names of the latter."""
    run = root / "logs" / "run"
    (run / "below").mkdir(parents=True)
    (run / "events.out.tfevents.1").write_bytes(
        encode_record(encode_event(1.5, 0, encode_summary(encode_old_scalar("a", 1))))
    )
    secrets = root / "secrets"
    secrets.mkdir()
    outside = {
        "absolute": f"{secrets}/{{}}",
        "above": "../../secrets/{}",
        "inside first": "below/../../../secrets/{}",
        "home": "~/secrets/{}",
        "link": "link-{}",
        "linked directory": "linked/{}",
    }
    places = {"inside": "{}", "deeper": "./below/{}", "in full": f"{run}/{{}}", **outside}
    (run / "linked").symlink_to(secrets)
    lines = []
    for route, (field, content) in FIELDS.items():
        for directory in (secrets, run, run / "below"):
            (directory / route).write_text(content)
        (run / f"link-{route}").symlink_to(secrets / route)
        for name, path in places.items():
            named = field.format(path.format(route))
            lines.append(f'embeddings {{ tensor_name: "{route} {name}" {named} }}\n')
    (run / "projector_config.pbtxt").write_text("".join(lines))
    return sorted(outside)


def runs(server: TensorBoardServer) -> Any:
    """The runs that have a configuration, once there are any."""
    answer = server.send_request(f"{PREFIX}runs")
    return (answer.json() or None) if answer.status_code == 200 else None


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("anywhere", [False, True], ids=["confined", "anywhere"])
def test_files_outside_are_refused(
    release: str, place: Place, tmp_path: Path, *, anywhere: bool
) -> None:
    """By each of the four ways: what is inside is served, all else is a 400 that says why."""
    place.replace(our_wheel(release, tmp_path))
    outside = write_logdir(tmp_path)
    env = {**place.env, "HOME": str(tmp_path), **({ANYWHERE: "1"} if anywhere else {})}
    script = place.python.parent / "tensorboard"
    seen: dict[str, int] = {}
    with run_tensorboard(script, tmp_path / "logs", tmp_path, env) as server:
        assert wait_for(lambda: runs(server), WAIT) == ["run"]
        for route in FIELDS:
            for name in ("inside", "deeper", "in full", *outside):
                answer = server.send_request(f"{PREFIX}{route}?run=run&name={route} {name}")
                seen[f"{route} {name}"] = answer.status_code
                if answer.status_code == 400:
                    assert "resolves outside the config directory" in answer.text
                    assert ANYWHERE in answer.text
        assert server.send_request(f"{PREFIX}info?run=run").status_code == 200
    refused = {f"{route} {name}" for route in FIELDS for name in outside}
    assert {key for key, status in seen.items() if status == 400} == (
        set() if anywhere else refused
    )
    assert {status for key, status in seen.items() if anywhere or key not in refused} == {200}
