"""builder.containers, on a real engine."""

from __future__ import annotations

import os
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from builder.containers.containers import (
    ContainerOptions,
    create_container,
    create_network,
    list_containers,
    run_container,
)
from builder.containers.docker_engine import KEPT_VALUE, RUN_LABEL, connect_engine
from builder.containers.images import (
    ImageRecipe,
    build_image,
    has_image,
    import_root_image,
    remove_image,
)
from builder.containers.leftovers import remove_leftovers, remove_run_containers
from builder.containers.run_lock import lock_run
from builder.errors import EngineError
from tests.support.engines import base_image, engine, other_run

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "http://canary-6b1f.invalid:3128"


def _recipe(name: str, dockerfile: str, **files: bytes) -> ImageRecipe:
    context: dict[str, bytes | Path] = {"Dockerfile": dockerfile.encode(), **files}
    return ImageRecipe(name, context, "Dockerfile", {"BASE": base_image()})


def test_an_image_is_built_once_for_the_same_input(tmp_path: Path) -> None:
    """The same recipe gives the same tag without a build; another file gives another one."""
    lines = "ARG BASE\nFROM ${BASE}\nCOPY word /word\n"
    steps: list[str] = []
    tags = []
    for word in (b"one", b"one", b"two"):
        recipe = _recipe("test-once", lines, word=word)
        tags.append(build_image(engine(), recipe, tmp_path / "log", steps.append))
    try:
        assert tags[0] == tags[1] != tags[2]
        assert sum(s.startswith("Step 1/") for s in steps) <= 2
        with run_container(
            engine(), "test-once", ContainerOptions(tags[2], ["sleep", "60"])
        ) as container:
            assert container.run_program(["cat", "/word"]) == (0, "two")
    finally:
        for tag in set(tags):
            remove_image(engine(), tag)


def test_a_build_that_fails_says_why_and_leaves_no_image(tmp_path: Path) -> None:
    """The last lines and the log's path are in the hint, and nothing has the tag."""
    recipe = _recipe("test-fails", "ARG BASE\nFROM ${BASE}\nRUN echo seen-4711 && exit 7\n")
    log = tmp_path / "build.log"
    with pytest.raises(EngineError) as caught:
        build_image(engine(), recipe, log)
    assert "test-fails" in caught.value.message
    assert "seen-4711" in caught.value.hint
    assert str(log) in caught.value.hint
    assert not has_image(engine(), recipe.tag)


def test_a_build_has_no_network_and_no_proxy_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even those of the Docker client's own configuration reach image or history."""
    engine()
    settings = tmp_path / "docker"
    settings.mkdir()
    (settings / "config.json").write_text(
        f'{{"proxies": {{"default": {{"httpProxy": "{CANARY}", "noProxy": "canary-6b1f"}}}}}}'
    )
    monkeypatch.setenv("DOCKER_CONFIG", str(settings))
    own = connect_engine({"DOCKER_CONFIG": str(settings)})
    looking = "import os, socket; print(os.environ); print(os.listdir('/sys/class/net'))"
    recipe = _recipe("test-closed", f'ARG BASE\nFROM ${{BASE}}\nRUN python3 -c "{looking}"\n')
    log = tmp_path / "build.log"
    tag = build_image(own, recipe, log)
    try:
        assert "['lo']" in log.read_text()
        reported = log.read_text() + str(own.client.images.get(tag).history())
        assert "canary-6b1f" not in reported
    finally:
        remove_image(engine(), tag)
        own.client.close()


def test_a_container_is_gone_after_its_block_also_after_an_error() -> None:
    """Whatever ends the block, the container and its network are removed."""
    how = ContainerOptions(base_image(), ["sleep", "600"])
    with (  # noqa: PT012 - the block is what is tested
        pytest.raises(KeyboardInterrupt),
        create_network(engine(), "gone") as net,
        run_container(engine(), "test-gone", how._replace(network=net)) as container,
    ):
        name = container.name
        assert container.read_exit_code() is None
        raise KeyboardInterrupt
    assert not engine().client.containers.list(all=True, filters={"name": name})
    assert not engine().client.networks.list(names=[net])


def test_only_what_is_asked_for_is_published() -> None:
    """A published port answers on the loopback of the host; the one beside it is not published."""
    words = ["python3", "-m", "http.server", "8001"]
    how = ContainerOptions(base_image(), words, publish=(8001,))
    with run_container(engine(), "test-port", how) as container:
        published = container.read_published_ports()
        assert list(published) == [8001]
        bindings = container.raw.attrs["NetworkSettings"]["Ports"]["8001/tcp"]
        assert {b["HostIp"] for b in bindings} == {"127.0.0.1"}
        url = f"http://{engine().host}:{container.find_host_port(8001)}/"
        for _ in range(50):
            try:
                with urllib.request.urlopen(url, timeout=5) as answer:
                    assert answer.status == 200
                    break
            except (ConnectionError, urllib.error.URLError):
                container.run_program(["sleep", "0.1"])
        else:
            pytest.fail("the published port never answered")
        with pytest.raises(EngineError, match="8002"):
            container.find_host_port(8002)


def test_files_go_in_and_come_out() -> None:
    """What is put into a container lies there, with its owner, and can be fetched as a tar."""
    with run_container(
        engine(), "test-put", ContainerOptions(base_image(), ["sleep", "600"])
    ) as container:
        container.write_files("/home", {"a.txt": b"content"}, uid=1000)
        assert container.run_program(["stat", "-c", "%u %s", "/home/a.txt"]) == (0, "1000 7\n")
        assert b"content" in b"".join(container.read_tar("/home/a.txt"))
        with pytest.raises(EngineError, match="nowhere"):
            list(container.read_tar("/home/nowhere"))


def test_a_sweep_removes_the_containers_of_a_run(tmp_path: Path) -> None:
    """By its label alone; images that were kept have another."""
    own = other_run()
    tar = tmp_path / "empty.tar"
    tar.write_bytes(b"\0" * 10240)
    kept = f"tensorboard-proxy-wheels/test-prune:{own.run_id}"
    with tar.open("rb") as file:
        import_root_image(own, file, kept)
    assert own.client.images.get(kept).labels[RUN_LABEL] == KEPT_VALUE
    remove_image(own, kept)
    with run_container(
        own, "test-sweep", ContainerOptions(base_image(), ["sleep", "600"])
    ) as container:
        remove_run_containers(own)
        with pytest.raises(EngineError):
            container.read_exit_code()


def test_the_next_run_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    """The kernel gives back the lock of a run that ends, however it ends."""
    killed, running, following = other_run(), other_run(), other_run()
    held = [lock_run(own, tmp_path) for own in (killed, running)]
    tar = tmp_path / "empty.tar"
    tar.write_bytes(b"\0" * 10240)
    image = f"tensorboard-proxy-wheels/test-left:{killed.run_id}"
    with tar.open("rb") as file:
        import_root_image(following, file, image)
    said: list[str] = []
    options = ContainerOptions(image, ["true"])
    with (
        create_container(killed, "test-left", options) as left,
        create_container(running, "test-kept", options) as kept,
    ):
        assert held[0] is not None
        os.close(held[0])
        lock_run(following, tmp_path, said.append)
        assert list_containers(following, RUN_LABEL, killed.run_id) == []
        assert len(list_containers(following, RUN_LABEL, running.run_id)) == 1
    remove_image(following, image)
    assert left.name in "".join(said)
    assert kept.name not in "".join(said)
    assert not list((tmp_path / "runs").glob(f"{killed.run_id}*"))
    assert (tmp_path / "runs").stat().st_mode & 0o777 == 0o700


def test_two_may_remove_the_same_container() -> None:
    """Whoever comes second waits until it is gone."""
    own = engine()
    with run_container(
        own, "test-twice", ContainerOptions(base_image(), ["sleep", "600"])
    ) as container:
        begin = threading.Barrier(4)

        def end() -> bool:
            begin.wait()
            container.remove()
            return container.raw.id in [
                c.raw.id for c in list_containers(own, RUN_LABEL, own.run_id)
            ]

        with ThreadPoolExecutor(4) as pool:
            assert not any(left.result() for left in [pool.submit(end) for _ in range(4)])


def _child(of: str, label: str, value: str) -> str:
    """An image that is made of another, without a tag."""
    made = engine().client.containers.create(of, ["true"])
    try:
        words = [f"LABEL {RUN_LABEL}={engine().run_id} {label}={value}"]
        return str(made.commit(changes=words).id)
    finally:
        made.remove()


def test_prune_removes_all_that_carries_a_label() -> None:
    """Containers, networks, volumes, and images in whatever order the engine lists them."""
    own = other_run()
    label, value = "test-prune", own.run_id
    labels = {RUN_LABEL: own.run_id, label: value}
    client = own.client
    images = [_child(base_image(), label, value)]
    for number in range(4):
        client.images.get(images[-1]).tag(f"test-prune-{own.run_id}", str(number))
        images.append(_child(images[-1], label, value))
    container = client.containers.create(images[-1], ["true"])
    client.networks.create(f"test-prune-{own.run_id}", labels=labels)
    client.volumes.create(f"test-prune-{own.run_id}", labels=labels)
    removed = remove_leftovers(own, label, value)
    assert [word.split()[0] for word in removed] == [
        *("container", "network", "image", "image", "image", "image", "image", "volume")
    ]
    assert f"container {container.name}" in removed
    assert remove_leftovers(own, label, value) == []


def test_prune_goes_on_where_the_engine_refuses() -> None:
    """An image of somebody else's that was made of ours keeps ours, and nothing else."""
    own = other_run()
    label, value = "test-refused", own.run_id
    ours = _child(base_image(), label, value)
    own.client.images.get(ours).tag(f"test-refused-{own.run_id}", "ours")
    theirs = _child(ours, label, "theirs")
    labels = {RUN_LABEL: own.run_id, label: value}
    volume = own.client.volumes.create(f"test-refused-{own.run_id}", labels=labels)
    with pytest.raises(EngineError, match="dependent child images"):
        remove_leftovers(own, label, value)
    assert volume.name not in [v.name for v in own.client.volumes.list()]
    own.client.images.remove(theirs, force=True)
    assert remove_leftovers(own, label, value) == [f"image test-refused-{own.run_id}:ours"]


def test_containers_are_found_by_their_label_and_removed() -> None:
    """What another program started with a label of ours is found, measured, and gone after."""
    own = engine()
    raw = own.client.containers.run(
        base_image(),
        ["sleep", "60"],
        labels={RUN_LABEL: own.run_id, "test-label": own.run_id},
        detach=True,
    )
    found = list_containers(own, "test-label", own.run_id)
    assert [c.raw.id for c in found] == [raw.id]
    assert 0 < found[0].measure_memory() < 100_000_000
    found[0].remove()
    found[0].remove()
    assert list_containers(own, "test-label", own.run_id) == []
