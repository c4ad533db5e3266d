"""Write a run with TensorFlow or PyTorch, read it with the TensorBoard there, print what is read.

`python writers_driver.py tensorflow|torch LOGDIR`, in a throwaway environment.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

STEPS = 4


def main() -> None:
    """Write, read, print."""
    kind, logdir = sys.argv[1:]
    facts = {"tensorflow": _tensorflow, "torch": _torch}[kind](logdir)
    print(json.dumps({**facts, **_read(logdir)}))  # noqa: T201 - the answer


def _tensorflow(logdir: str) -> dict[str, Any]:
    tf = importlib.import_module("tensorflow")
    hparams = importlib.import_module("tensorboard.plugins.hparams.api")
    with tf.summary.create_file_writer(str(Path(logdir, "run"))).as_default():
        for step in range(STEPS):
            tf.summary.scalar("loss", 0.5**step, step=step)
            tf.summary.histogram("weights", [0.0, 1.0, 2.0], step=step)
        tf.summary.text("notes", "*a*", step=0)
        tf.summary.image("pictures", tf.zeros([1, 2, 2, 3]), step=0)
        hparams.hparams({"rate": 0.25})
    model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse")
    shown = tf.keras.callbacks.TensorBoard(str(Path(logdir, "fit")), histogram_freq=1)
    model.fit(tf.zeros([4, 2]), tf.zeros([4, 1]), verbose=0, callbacks=[shown])
    compat = importlib.import_module("tensorboard.compat")
    return {
        "version": tf.__version__,
        "compat": compat.tf.__version__,
        "scalar from": tf.summary.scalar.__module__,
    }


def _torch(logdir: str) -> dict[str, Any]:
    torch = importlib.import_module("torch")
    writers = importlib.import_module("torch.utils.tensorboard")
    model = torch.nn.Linear(2, 1)
    with writers.SummaryWriter(str(Path(logdir, "run"))) as writer:
        for step in range(STEPS):
            writer.add_scalar("loss", 0.5**step, step, new_style=True)
            writer.add_scalar("old", 0.5**step, step)
            writer.add_histogram("weights", torch.tensor([0.0, 1.0, 2.0]), step)
        writer.add_text("notes", "*a*", 0)
        writer.add_pr_curve("curve", torch.tensor([0, 1]), torch.tensor([0.25, 0.75]), 0)
        writer.add_mesh("mesh", torch.zeros([1, 3, 3]))
        writer.add_embedding(torch.eye(3), metadata=["a", "b", "c"])
        writer.add_graph(model, torch.zeros([1, 2]))
        writer.add_hparams({"rate": 0.25}, {"accuracy": 0.5}, run_name="trial")
    return {"version": torch.__version__}


def _read(logdir: str) -> dict[str, Any]:
    module = importlib.import_module("tensorboard.backend.event_processing.event_accumulator")
    make_ndarray = importlib.import_module("tensorboard.util.tensor_util").make_ndarray
    accumulator = module.EventAccumulator(str(Path(logdir, "run")))
    accumulator.Reload()
    tags = accumulator.Tags()
    loss = [[e.step, make_ndarray(e.tensor_proto).item()] for e in accumulator.Tensors("loss")]
    old = accumulator.Scalars("old") if "old" in tags["scalars"] else []
    return {"loss": loss, "old": [[e.step, e.value] for e in old], "tags": tags}


if __name__ == "__main__":
    main()
