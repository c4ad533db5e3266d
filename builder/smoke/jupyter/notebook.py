"""The smoke notebook as data: what it trains, logs and shows."""

from __future__ import annotations

import secrets
from importlib.resources import files
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import msgspec
from packaging.version import Version

if TYPE_CHECKING:
    from builder.smoke.model import WheelUnderTest

# What was logged, next to the notebook (`builder.smoke.jupyter.writer.save_written_points`).
WRITTEN_FILENAME = "written.json"
LOGDIR = "logs"
_MODULES = (
    "builder/__init__.py",
    "builder/smoke/__init__.py",
    "builder/smoke/jupyter/__init__.py",
    "builder/smoke/jupyter/writer.py",
    "builder/tensorboard/__init__.py",
    "builder/tensorboard/events.py",
    "builder/tensorboard/summaries.py",
)
_EXTENSION_MOVED = Version("1.14")


class NotebookRun(msgspec.Struct, frozen=True):
    """One run of the notebook, separate from every other.

    Attributes:
        wheel: the TensorBoard that it shows; with TensorFlow it trains by Keras and its callback,
            otherwise by numpy and our writer.
        canary: a tag that no other run has, such as `canary-3f9a1c`.
    """

    wheel: WheelUnderTest
    canary: str

    @classmethod
    def with_new_canary(cls, wheel: WheelUnderTest) -> NotebookRun:
        """Make a run with a new canary."""
        return cls(wheel, f"canary-{secrets.token_hex(4)}")

    @property
    def directory(self) -> str:
        """Directory of everything in this run, below Jupyter's root."""
        return f"smoke-{self.canary.rpartition('-')[2]}"

    @property
    def notebook(self) -> str:
        """The notebook's path below Jupyter's root."""
        return f"{self.directory}/smoke.ipynb"

    @property
    def shown_tag(self) -> str:
        """The scalar tag with the canary in it, as TensorBoard shows it."""
        return f"epoch_{self.canary}" if self.wheel.tensorflow else self.canary

    @property
    def load_cell(self) -> str:
        """The cell that loads the extension, which was another module in 1.13."""
        is_old = Version(self.wheel.release) < _EXTENSION_MOVED
        return "%load_ext tensorboard.notebook" if is_old else "%load_ext tensorboard"

    @property
    def show_cell(self) -> str:
        """The cell that shows TensorBoard."""
        return f"%tensorboard --logdir {LOGDIR}"

    @property
    def train_cell(self) -> str:
        """The cell that trains and logs."""
        return (_KERAS if self.wheel.tensorflow else _NUMPY).replace("CANARY", self.canary)


# TensorBoard keeps its list of servers in the temporary directory, so parallel runs on one machine
# must not share it. The kernel starts in the notebook's directory, which is the run's own.
SEPARATE_TMPDIR_CELL = dedent("""\
    # A temporary directory of our own, as TensorBoard keeps its list of servers there.
    import os
    import tempfile

    os.environ["TMPDIR"] = os.path.abspath("tmp")
    os.makedirs("tmp", exist_ok=True)
    tempfile.tempdir = None""")

_NUMPY = dedent(f"""\
    # Softmax regression on handwritten digits, logged without any TensorBoard. They are those of
    # scikit-learn, read from its file, as importing all of it takes a second.
    import importlib.util
    import numpy as np
    from builder.smoke.jupyter.writer import EventFileWriter, save_written_points

    (sklearn,) = importlib.util.find_spec("sklearn").submodule_search_locations
    digits = np.loadtxt(sklearn + "/datasets/data/digits.csv.gz", delimiter=",")
    digits, target = digits[:, :-1], digits[:, -1].astype(int)
    pixels, labels = digits / 16, np.eye(10)[target]
    weights = np.zeros((64, 10))
    with EventFileWriter("{LOGDIR}/train") as log:
        for step in range(30):
            scores = np.exp(pixels @ weights)
            chances = scores / scores.sum(axis=1, keepdims=True)
            loss = -np.log((chances * labels).sum(axis=1)).mean()
            accuracy = (chances.argmax(axis=1) == target).mean()
            weights -= 0.5 * pixels.T @ (chances - labels) / len(pixels)
            log.write_scalar("loss", step, float(loss))
            log.write_scalar("CANARY", step, float(accuracy))
            if step % 10 == 9:
                counts, edges = np.histogram(weights, bins=30)
                log.write_histogram("weights", step, edges.tolist(), counts.tolist())
        picture = np.kron(255 - digits[0].reshape(8, 8) * 15, np.ones((8, 8)))
        log.write_image("digit", step, picture.astype(int).tolist())
    save_written_points("{WRITTEN_FILENAME}", {{"train": log.written}})
    print(f"{{step + 1}} steps, {{accuracy:.0%}} right")""")

# TensorBoard's own example for notebooks, on data that need no download.
_KERAS = dedent(f"""\
    # Keras on data of MNIST's shape.
    import numpy as np
    import tensorflow as tf
    from builder.smoke.jupyter.writer import save_written_points

    random = np.random.RandomState(7)
    x, y = random.rand(600, 28, 28).astype("float32"), random.randint(0, 10, 600)
    model = tf.keras.models.Sequential([
        tf.keras.layers.Flatten(),
        tf.keras.layers.Dense(512, activation="relu"),
        tf.keras.layers.Dropout(0.2),
        tf.keras.layers.Dense(10, activation="softmax"),
    ])
    right = tf.keras.metrics.SparseCategoricalAccuracy(name="CANARY")
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=[right])
    logs = tf.keras.callbacks.TensorBoard(log_dir="{LOGDIR}", histogram_freq=1)
    history = model.fit(
        x[:500], y[:500], epochs=5, validation_data=(x[500:], y[500:]), callbacks=[logs], verbose=0
    ).history
    written = {{"train": {{}}, "validation": {{}}}}
    for name, values in history.items():
        run = "validation" if name.startswith("val_") else "train"
        points = [[step, float(value)] for step, value in enumerate(values)]
        written[run]["epoch_" + name.replace("val_", "", 1)] = points
    runs = {{run: {{"scalars": tags}} for run, tags in written.items()}}
    save_written_points("{WRITTEN_FILENAME}", runs)
    print(f"{{len(values)}} epochs")""")


def list_code_cells(run: NotebookRun) -> tuple[str, ...]:
    """List the code cells, in order."""
    return SEPARATE_TMPDIR_CELL, run.train_cell, run.load_cell, run.show_cell


def build_notebook(run: NotebookRun) -> dict[str, Any]:
    """Build the notebook, in the format 4.4 (nbformat's document "The Notebook file format")."""
    return {
        "nbformat": 4,
        "nbformat_minor": 4,
        "metadata": {"language_info": {"name": "python"}},
        "cells": [
            {
                "cell_type": "code",
                "execution_count": None,
                "metadata": {},
                "outputs": [],
                "source": source,
            }
            for source in list_code_cells(run)
        ],
    }


def read_shipped_modules() -> dict[str, str]:
    """Read our modules that the cells import: path next to the notebook → content."""
    root = files("builder")
    return {
        path: root.joinpath(*path.split("/")[1:]).read_text(encoding="utf-8") for path in _MODULES
    }
