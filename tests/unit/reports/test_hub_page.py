"""The page of a Hub's run: what was shown, of one whole run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from builder.errors import RequestError
from builder.reports.hub_page import render_hub_page
from builder.smoke.hub import variable_forms
from builder.smoke.probes.table import PROBE_TABLE
from tests.support.hub_results import LAYERS, make_hub_results
from tests.support.releases import ROOT

if TYPE_CHECKING:
    from builder.smoke.results.result import DeploymentResult


def test_the_page_has_what_the_run_has_shown() -> None:
    """Every form with what was seen of it, release by release; a failure is not hidden."""
    broken = {"hub-form-plain": "the frame loads x: works, not 404"}
    text = render_hub_page([*make_hub_results("2.10.0", **broken), *make_hub_results("2.2.1")])
    rows = [line for line in text.splitlines() if "| `/` |" in line or "| `/jhub/` |" in line]
    assert "| 2.2.1 | 2.10.0 |" in text
    assert len(rows) == len(variable_forms.HUB_VARIABLE_FORMS)
    assert re.search(r"taken over.*\| 404 in the frame \| \*\*failed\*\*: the frame loads", text)
    assert "0 of 18 \\| read" in text, "a bar of a detail is no bar of the table"
    assert "- 2.10.0: wheel with the sha256 abababababab…, docker 1, 2026-11-25\n" in text


def test_the_docs_have_every_form() -> None:
    """docs/smoke-hub.md was written after the last change of the forms, and all of them passed."""
    text = (ROOT / "docs" / "smoke-hub.md").read_text()
    rows = [line for line in text.splitlines() if "| `/` |" in line or "| `/jhub/` |" in line]
    assert len(rows) == len(variable_forms.HUB_VARIABLE_FORMS)
    for row, form in zip(rows, variable_forms.HUB_VARIABLE_FORMS.values(), strict=True):
        assert f" | {form.where} | `{form.prefix}` | {form.effect} |" in row


def test_the_docs_have_every_probe() -> None:
    """docs/smoke-hub.md is of a run of today's probes, none of which failed."""
    text = (ROOT / "docs" / "smoke-hub.md").read_text()
    layers = {"strangers", "isolation", "shared-loopback", "stopped", "load"}
    for row in PROBE_TABLE.values():
        if row.layer in layers:
            assert f"| {row.sentence} | passed" in text
    assert "failed" not in text


def _without(results: list[DeploymentResult], name: str) -> list[DeploymentResult]:
    return [
        structs.replace(r, probes=tuple(p for p in r.probes if p.name != name))
        for r in results
        if r.deployment != name
    ]


def test_the_page_wants_a_whole_run() -> None:
    """Nothing of the Hub, a configuration that is missing, or a probe: no page, and what to do."""
    with pytest.raises(RequestError, match="no results of the Hub are there"):
        render_hub_page(make_hub_results("2.2.1")[-2:])
    whole = make_hub_results("2.21.0")
    for name in LAYERS:
        with pytest.raises(RequestError, match=f"the results of 2.2.1 lack {name}$") as error:
            render_hub_page([*whole, *_without(make_hub_results("2.2.1"), name)])
        assert error.value.hint == "run all of it: nox -s smoke_hub -- 2.2.1"
    for name in ("hub-form-prefix", "ways-of-nobody", "shared-loopback-read", "proxy-killed"):
        with pytest.raises(RequestError, match=f"2.2.1 are older than the probe {name}$"):
            render_hub_page([*whole, *_without(make_hub_results("2.2.1"), name)])


@pytest.mark.parametrize("field", ["sha256", "engine"])
def test_the_page_is_of_one_wheel_and_one_engine(field: str) -> None:
    """What one configuration has from another run is not mixed with the rest."""
    for place in range(len(LAYERS)):
        results = make_hub_results("2.2.1")
        results[place] = structs.replace(results[place], **{field: "other"})
        with pytest.raises(RequestError, match=r"of 2\.2\.1 are of several wheels or engines"):
            render_hub_page(results)
