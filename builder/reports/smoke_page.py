"""Render all smoke results as an HTML page; pictures are linked where they are stored. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TEMPLATE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>TensorBoard through Jupyter's port</title>
<style>
 body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem; color: #222; background: #fff }
 table { border-collapse: collapse } th, td { padding: .4rem .7rem; vertical-align: top }
 td { border: 1px solid #ddd } th { text-align: left }
 .passed { background: #eaf6ea } .failed { background: #fbe3e0 } .none { color: #999 }
 img { width: 220px; display: block; border: 1px solid #ccc; margin-top: .3rem }
 details { max-width: 60rem } small { color: #666 } code { font-size: .9em }
</style>
<h1>TensorBoard through Jupyter's port</h1>
<p>{{ passed }} of {{ total }} deployments passed, {{ probes }} probes.</p>
<table>
<tr><th>release</th>{% for name in deployments %}<th>{{ name }}</th>{% endfor %}</tr>
{% for release in releases %}<tr><th>{{ release }}</th>
{% for name in deployments %}{% set one = cells.get((release, name)) -%}
{% if one %}<td class="{{ one.outcome }}">
<a href="#{{ release }}-{{ name }}">{{ one.outcome }}</a>
<small>{{ one.counts }}, {{ one.seconds }} s</small>
{% for picture in one.pictures %}<a href="{{ picture }}"><img src="{{ picture }}" loading="lazy"
 alt="{{ name }} with TensorBoard {{ release }}"></a>{% endfor %}</td>
{% else %}<td class="none">not run</td>
{% endif %}{% endfor %}</tr>
{% endfor %}</table>
{% for key, one in cells.items() %}<details id="{{ key[0] }}-{{ key[1] }}"
{%- if one.outcome != "passed" %} open{% endif %}>
<summary>{{ key[0] }} {{ key[1] }}: {{ one.outcome }}</summary>
<p><small>{{ one.engine }}; <code>{{ one.wheel }}</code> <code>{{ one.sha256 }}</code></small></p>
{% if one.failure %}<p class="failed">{{ one.failure }}</p>{% endif %}
<table>{% for probe in one.probes %}<tr class="{{ probe.outcome }}"><td>{{ probe.name }}</td>
<td>{{ probe.asserts }}</td><td>{{ probe.outcome }}</td><td>{{ probe.seconds }} s</td>
<td>{{ probe.detail }}</td></tr>
{% endfor %}</table></details>
{% endfor %}</html>
"""


def render_smoke_page(results: Sequence[Mapping[str, Any]]) -> str:
    """Render the page.

    Args:
        results: contents of result.json files; the page must be stored in the directory that holds
            `<release>/<deployment>/`.

    Returns:
        HTML; everything that comes from a result is escaped.
    """
    from jinja2 import Environment

    cells = {(r["release"], r["deployment"]): _make_table_cell(r) for r in results}
    template = Environment(autoescape=True, trim_blocks=True).from_string(_TEMPLATE)
    return template.render(
        cells=cells,
        releases=sorted({release for release, _ in cells}, key=_get_sort_key),
        deployments=list(dict.fromkeys(name for _, name in sorted(cells))),
        passed=sum(c["outcome"] == "passed" for c in cells.values()),
        total=len(cells),
        probes=sum(len(c["probes"]) for c in cells.values()),
    )


def _make_table_cell(result: Mapping[str, Any]) -> dict[str, Any]:
    outcomes = [probe["outcome"] for probe in result["probes"]]
    where = f"{result['release']}/{result['deployment']}"
    return {
        **result,
        "seconds": round(result["seconds"], 1),
        "counts": f"{outcomes.count('passed')} of {len(outcomes)} probes",
        "pictures": [f"{where}/{name}" for name in result["pictures"]],
    }


def _get_sort_key(release: str) -> tuple[int, Version, str]:
    try:
        return (0, Version(release), "")
    except InvalidVersion:
        return (1, Version("0"), release)
