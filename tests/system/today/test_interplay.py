"""Other people's code beside our wheels: messages, event files, summaries, TensorFlow.

PyTorch is in `torch_interplay.py`, which `nox -s interplay` runs: the usual index gives Linux
users 3 GB of CUDA with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from builder.releases.eras import get_era
from builder.today import logdir
from tests.support import needs
from tests.support.environments import Place, find, our_wheel, stock_wheel

if TYPE_CHECKING:
    from pathlib import Path

TODAY = "3.13"
# What TensorFlow 2.8 to 2.11 ask for: no builder, so that the original code runs.
OLD_PROTOBUF = "protobuf>=3.19,<3.20"
EVENT = """\
wall_time: 1.5
step: 7
summary {
  value {
    tag: "loss"
    simple_value: 0.25
  }
  value {
    tag: "new"
    tensor {
      dtype: DT_FLOAT
      float_val: 0.5
    }
  }
}
"""
LOSS = [[0, 1.0], [1, 0.5], [2, 0.25], [3, 0.125]]


def facts(place: Place) -> Any:
    """What the driver says of the TensorBoard there, on the project's own logdir."""
    logdir.write_logdir(place.workdir / "logdir")
    scratch = place.workdir / "scratch"
    scratch.mkdir()
    runs = logdir.RUNS
    return place.drive("interplay_driver.py", str(place.workdir / "logdir"), str(scratch), *runs)


def era_facts(version: str, wheel: Path, workdir: Path, *wanted: str) -> Any:
    """The same of a wheel among the dependencies of its own time."""
    era = get_era(find(version))
    place = Place(workdir, needs.python(era.python))
    place.install(wheel, *wanted, until=era.until)
    return facts(place)


@pytest.mark.parametrize(
    ("version", "old_protobuf"), [("2.2.1", ()), ("2.11.2", (OLD_PROTOBUF,))], ids=str
)
def test_messages_and_events_are_the_stock_wheels(
    version: str, old_protobuf: tuple[str, ...], tmp_path: Path
) -> None:
    """Every message of every module, every event and summary: the same as stock in its era."""
    ours = our_wheel(version, tmp_path)
    stock = era_facts(version, stock_wheel(version, tmp_path), tmp_path / "stock")
    today = Place(tmp_path / "today", needs.python(TODAY))
    today.install(ours)
    seen = {
        "today": facts(today),
        "era": era_facts(version, ours, tmp_path / "era", *old_protobuf),
    }
    for place, found in seen.items():
        judge(found)
        for part in stock.keys() - {"protobuf"}:
            assert found[part] == stock[part], (place, part)
    assert int(seen["today"]["protobuf"].partition(".")[0]) >= 6
    assert seen["era"]["protobuf"] < "3.20"  # both of "3.12" and "3.19"


def judge(found: Any) -> None:
    """What must be so whatever the stock wheel says: nothing is empty, everything survives."""
    assert len(found["names"]) > 45
    assert set(found["refused"]) <= {"tensorboard.compat.proto.rpc_options_pb2"}
    assert len(found["messages"]) > 200
    for name, message in found["messages"].items():
        assert message["from bytes"] is message["from text"] is message["from pickle"] is True, name
    nested = found["messages"]["tensorboard.Summary.Value"]
    assert nested["class"] == "tensorboard.compat.proto.summary_pb2:Value"
    assert found["enums"]["tensorboard.compat.proto.types_pb2"]["DataType"]["DT_STRING"] == 7
    spoken = found["spoken"]
    assert spoken["event"] == EVENT
    assert 'key: "dtype"' in spoken["graph"]
    assert (spoken["which"], spoken["type"], spoken["read"]) == ("summary", "DT_FLOAT", [True] * 2)
    root = found["events"]["."]
    assert root["scalars"]["loss"] == [
        [logdir.START_TIME + (k + 2) * 0.5, k, 1 / 2**k] for k in range(4)
    ]
    assert root["tags"]["graph"] is True
    assert "loss" in found["events"]["train"]["tensors"]
    written = found["written"]["runs"]
    assert written["file"]["scalars"] == {"a": [[0.5, 0, 0.0], [1.5, 1, 0.25], [2.5, 2, 0.5]]}
    if "Writer" in found["written"]["public"]:
        assert written["output"]["tensors"] == {"a": [[3, "float32", "0.5"]]}


@pytest.mark.long
def test_tensorflow_of_the_same_era(tmp_path: Path) -> None:
    """TensorFlow 2.11, its TensorBoard out, ours in: it writes through ours, and ours shows it."""
    until = get_era(find("2.11.2")).until
    place = Place(tmp_path / "place", needs.python("3.9"))
    place.install("tensorflow-cpu==2.11.0", until=until)
    place.replace(our_wheel("2.11.2", tmp_path), until)
    versions = place.versions()
    assert "tensorboard" not in versions
    assert versions["protobuf"] < "3.20"  # TensorFlow's own bound
    runs = tmp_path / "runs"
    reported = place.drive("writers_driver.py", "tensorflow", str(runs))
    assert reported["compat"] == reported["version"] == "2.11.0"
    assert reported["scalar from"] == "tensorboard.plugins.scalar.summary_v2"
    assert reported["loss"] == LOSS
    assert {"weights", "notes", "pictures", "_hparams_/session_start_info"} <= {
        *reported["tags"]["tensors"]
    }
    tags = place.served(runs, "run")
    assert set(tags["run"]) == {"loss"}


@pytest.mark.long
def test_beside_todays_tensorflow(tmp_path: Path) -> None:
    """TensorFlow 2.16 and later beside old releases: it writes, they read, also what grows."""
    place = Place(tmp_path / "place", needs.python(TODAY))
    place.install("tensorflow-cpu>=2.16")
    for version in ("1.14.0", "2.1.0", "2.2.1", "2.21.0"):
        place.replace(our_wheel(version, tmp_path))
        runs = tmp_path / "runs" / version
        reported = place.drive("writers_driver.py", "tensorflow", str(runs))
        assert reported["loss"] == LOSS, version
        assert reported["compat"] == reported["version"], version
        assert set(place.served(runs, "run")["run"]) == {"loss"}, version
        grown = place.drive("growth_driver.py", str(tmp_path), "1")
        assert grown.pop("tensorflow") == reported["version"], version
        assert grown == {"same": True, "wrong": [], "nothing": []}, version
        if version != "2.21.0":  # the others have Beholder
            reported = place.drive("pickle_driver.py", str(tmp_path / "runs"))
            assert reported == {"plain": [{"name": "a", "mean": "1e0"}], "other": [], "ran": False}
