"""The Hub's smoke tests: configurations and forms as data, and what attempts prove."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.smoke.hub import hub_proxy, variable_forms
from builder.smoke.hub.access_attempts import (
    AccessComparison,
    AttemptResult,
    expect_readable,
    expect_refused,
    expect_unreadable,
)
from builder.smoke.hub.configurations import (
    HUB_CONFIGURATIONS,
    HUB_UNPATCHED_CONTROL,
    HUB_UNSET_CONTROL,
    HubConfiguration,
)
from builder.smoke.hub.hub_user import escape_user_name, find_last_event
from builder.smoke.model import ProbeFailure
from builder.smoke.probes.table import PROBE_TABLE
from tests.support.releases import ROOT

if TYPE_CHECKING:
    from pathlib import Path

_HUB = ROOT / "dockerfiles" / "hub"


@given(st.text(min_size=1))
def test_a_name_in_an_address_is_one_segment_that_leads_back(name: str) -> None:
    """Nothing of a name ends the segment, the path or the address; `@` and `~` stay."""
    path = urlsplit(f"http://h/user/{escape_user_name(name)}/x").path
    assert path.count("/") == 3
    assert unquote(path.split("/")[2]) == name
    assert escape_user_name("ann@example.org~2") == "ann@example.org~2"


@pytest.mark.parametrize(
    ("variable", "server", "base_url", "wanted", "redirect"),
    [
        ("{base_url}proxy/%PORT%/", "", "/jhub/user/a%20b/", "/jhub/user/a%20b/proxy/%PORT%/", ""),
        ("{base_url}x/", "two", "/jhub/user/a%20b/two/", "/jhub/user/a%20b/two/x/", ""),
        ("/jhub/hub/user-redirect/", "", "/jhub/user/a%20b/", None, "/jhub/hub/user-redirect/"),
    ],
)
def test_a_configuration_is_a_deployment_for_each_server(
    variable: str, server: str, base_url: str, wanted: str | None, redirect: str
) -> None:
    """Base URL and variable are those of that user's server, below the Hub's prefix."""
    layers = ("kernel", "isolation")
    made = HubConfiguration("x", prefix="/jhub/", variable=variable, layers=layers)
    deployment = made.to_deployment("a b", server)
    assert deployment.base_url == base_url
    assert deployment.variable == (variable if wanted is None else wanted)
    assert deployment.redirect == redirect
    assert deployment.layers == ("kernel",), "the harness knows no layer of the Hub's own"
    assert deployment.picture_name == "jupyterhub"


def test_every_configuration_has_its_file() -> None:
    """Each names a file in dockerfiles/hub/ which is Python, and those with a socket say so."""
    for configuration in (*HUB_CONFIGURATIONS, HUB_UNSET_CONTROL, HUB_UNPATCHED_CONTROL):
        text = (_HUB / configuration.file).read_text()
        compile(text, configuration.file, "exec")
        assert configuration.contained == ("IS ROOT" in text)
    assert len({c.name for c in HUB_CONFIGURATIONS}) == len(HUB_CONFIGURATIONS)


def test_every_form_is_a_probe_of_its_hub() -> None:
    """The table has each form in the layer of the Hub that tries it, and no other form."""
    layers = {c.prefix: c.name for c in HUB_CONFIGURATIONS if c.name.startswith("hub-forms")}
    tabled = {n: row.layer for n, row in PROBE_TABLE.items() if row.layer in layers.values()}
    assert tabled == {
        name: layers[form.prefix] for name, form in variable_forms.HUB_VARIABLE_FORMS.items()
    }


@pytest.mark.parametrize("prefix", [variable_forms.ROOT, variable_forms.PREFIX])
def test_every_form_has_a_user_of_its_own(prefix: str) -> None:
    """No two forms of a Hub share a user, whose server has one form only."""
    of_prefix = [
        form for form in variable_forms.HUB_VARIABLE_FORMS.values() if form.prefix == prefix
    ]
    assert len(variable_forms.map_users_to_values(prefix)) == len(of_prefix)


def test_the_last_event_of_a_progress_counts() -> None:
    """Comments and earlier events are passed over; a stream without any has none."""
    stream = ': hello\n\ndata: {"progress": 0}\n\ndata: {"ready": true, "url": "/x"}\n\n'
    assert find_last_event(stream) == {"ready": True, "url": "/x"}
    assert find_last_event("") == {}


_OUT = AttemptResult(("403", "login"), (False, False))
_IN = AttemptResult(("200", "403"), (True, False))


def test_attempts_are_counted_and_one_leak_is_enough() -> None:
    """Answers count that the owner reads and the other does not; one that he reads is named."""
    a, b = AccessComparison("a", _IN, _OUT), AccessComparison("b", _IN, _OUT)
    assert expect_refused([a, b]) == "0 of 2 answers that she reads: a 403, login; b 403, login"
    with pytest.raises(ProbeFailure, match="read it: b"):
        expect_refused([a, AccessComparison("b", _IN, _IN)])


def test_a_way_that_its_owner_may_not_go_proves_nothing() -> None:
    """Each way needs its own control; what nobody reads is told apart, and once read is no such."""
    with pytest.raises(ProbeFailure, match="the control failed: b answers 403, login"):
        expect_refused([AccessComparison("a", _IN, _OUT), AccessComparison("b", _OUT, _OUT)])
    expect_readable([("a", _IN)])
    with pytest.raises(ProbeFailure, match="the control failed: b answers 403, login"):
        expect_readable([("a", _IN), ("b", _OUT)])
    assert expect_unreadable([("hers", _OUT), ("his", _OUT)]) == "hers 403, login; his 403, login"
    with pytest.raises(ProbeFailure, match="leads there: hers"):
        expect_unreadable([("hers", _IN), ("his", _OUT)])


def test_the_proxy_is_packed_the_same_each_time(tmp_path: Path) -> None:
    """Times, owners and npm's notes, which name its registry, are not in the archive."""
    made = []
    for number in (1, 2):
        root = tmp_path / str(number)
        (root / "node_modules" / "p").mkdir(parents=True)
        (root / "node_modules" / "p" / "index.js").write_text("1")
        (root / "node_modules" / ".package-lock.json").write_text(f"registry-{number}")
        (root / "package-lock.json").write_text(f"registry-{number}")
        hub_proxy.pack_node_modules(root, tmp_path / f"{number}.tar")
        made.append((tmp_path / f"{number}.tar").read_bytes())
    assert made[0] == made[1]
    assert b"index.js" in made[0]
    assert b"registry" not in made[0]
