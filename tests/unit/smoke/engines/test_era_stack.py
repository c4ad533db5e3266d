"""A Jupyter of a release's own time: what is asked of pip, and in which words it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builder.errors import SmokeError
from builder.releases.eras import Era
from builder.smoke.engines import era_stack, stack
from builder.smoke.model import Deployment, Frontend

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from builder.smoke.model import JupyterSite

    Begin = Callable[[Deployment], AbstractContextManager[JupyterSite]]


def test_words_of_the_time() -> None:
    """Before jupyter-server the notebook server's settings, before Notebook 7 no Notebook 7."""
    old = {"notebook": "6.0.3", "jupyterlab": "2.1.0"}
    classic = Deployment("classic", Frontend.CLASSIC)
    words = era_stack.build_era_command(classic, old, ip="127.0.0.1", port=8888)
    assert words[:2] == ["jupyter", "notebook"]
    assert "--NotebookApp.port=8888" in words
    assert not [word for word in words if "ServerApp" in word]
    new = {"notebook": "7.6.0", "jupyter-server": "2.20.0"}
    today = era_stack.build_era_command(classic, new, ip="127.0.0.1", port=8888)
    assert today[1:-1] == stack.build_jupyter_command(classic, ip="127.0.0.1")[1:]
    with pytest.raises(SmokeError, match=r"6\.0\.3"):
        era_stack.build_era_command(
            Deployment("n", Frontend.NOTEBOOK), old, ip="127.0.0.1", port=8888
        )


def test_requirements_of_the_time() -> None:
    """All that there was: nbclassic is of January 2021."""
    assert "nbclassic" not in era_stack.list_era_requirements(
        Era("3.8", "2020-11-19T03:15:33Z", ())
    )
    assert (
        era_stack.list_era_requirements(Era("3.8", "2021-01-21T20:49:19Z", ()))
        == stack.JUPYTER_REQUIREMENTS
    )
