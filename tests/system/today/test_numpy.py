"""The mends for numpy keep every meaning: stock in its era, ours there and ours today agree."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from builder.releases.eras import get_era
from tests.support import needs
from tests.support.environments import Place, find, our_wheel, stock_wheel

if TYPE_CHECKING:
    from collections.abc import Callable

# One of each form of `dtypes.py`, `tensor_util.py`, `health_pill_calc.py` and the text plugins.
RELEASES = ["1.14.0", "2.2.2", "2.3.0", "2.5.0", "2.21.0"]
TODAY = "3.13"
# 2.3.0 with numpy 1.19, which takes np.complex for complex128 alone: ours tell the others too.
BETTER = {"2.3.0": ("health F ", "health G ")}


class Places(NamedTuple):
    """Stock and ours among the dependencies of the release's time, and ours among today's."""

    stock: Place
    era: Place
    today: Place


@pytest.fixture(scope="module")
def places_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Places]:
    """The three environments of a release, made once."""

    @cache
    def make(version: str) -> Places:
        workdir = tmp_path_factory.mktemp(version)
        era = get_era(find(version))
        ours = our_wheel(version, workdir)
        home = needs.python(era.python)
        made = Places(
            Place(workdir / "stock", home),
            Place(workdir / "era", home),
            Place(workdir / "today", needs.python(TODAY)),
        )
        made.stock.install(stock_wheel(version, workdir), until=era.until)
        made.era.install(ours, until=era.until)
        made.today.install(ours)
        return made

    return make


@pytest.mark.parametrize("version", RELEASES)
@given(seed=st.integers(0, 2**32))
# A seed is as simple as another one: to shrink it is of no use.
@settings(max_examples=4, deadline=None, phases=[Phase.generate])
def test_every_dtype_means_what_it_meant(
    version: str, seed: int, places_of: Callable[[str], Places]
) -> None:
    """Types, messages, health pills, text of every rank: as stock had it, whatever numpy it is."""
    places = places_of(version)
    stock = places.stock.drive("numpy_driver.py", str(seed))
    assert len(stock) > 900
    seen = {
        "era": places.era.drive("numpy_driver.py", str(seed)),
        "today": places.today.drive("numpy_driver.py", str(seed), "strict"),
    }
    for name, facts in seen.items():
        assert facts.keys() == stock.keys()
        other = {key: (stock[key], facts[key]) for key in stock if stock[key] != facts[key]}
        better = {key for key in other if key.startswith(BETTER.get(version, ()))}
        assert {key: pair for key, pair in other.items() if key not in better} == {}, name
        assert all(other[key][0] == "None" for key in better), name
        assert bool(better) == (version in BETTER)
