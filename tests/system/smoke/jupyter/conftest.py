"""A real Jupyter, a way to it, and a kernel of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from builder.smoke.jupyter.http_client import JupyterClient
from tests.support import jupyter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.smoke.model import JupyterSite


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterSite]:
    """A running Jupyter, below a prefix."""
    with jupyter.running(tmp_path_factory.mktemp("jupyter"), "/foo/") as running:
        yield running


@pytest.fixture
def web(site: JupyterSite) -> Iterator[JupyterClient]:
    """The way to it."""
    way = JupyterClient(site.url, site.token)
    yield way
    way.close()
