"""Rules for what may differ between an era and today with nothing being wrong, and why.

Every rule is a function from a response's key and the response to the response that is
compared. The rules are applied to both sides, and already when a reference is recorded.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from builder.tensorboard.responses import Json, TensorBoardResponse


class NormalisationRule(NamedTuple):
    """A rule: its name, why it is right, and its function."""

    name: str
    reason: str
    apply_rule: Callable[[str, TensorBoardResponse], TensorBoardResponse]


def normalise_responses(
    responses: Mapping[str, TensorBoardResponse],
) -> dict[str, TensorBoardResponse]:
    """Apply every rule to every response."""
    made = {}
    for key, response in responses.items():
        for rule in RULES:
            response = rule.apply_rule(key, response)  # noqa: PLW2901 - each rule sees the outcome before
        made[key] = response
    return made


def _drop_debug_info(key: str, response: TensorBoardResponse) -> TensorBoardResponse:
    document = response.get("json")
    if key != "GET /data/environment" or not isinstance(document, dict):
        return response
    return response | {"json": {k: v for k, v in document.items() if k != "debug"}}


def _reduce_error_page(key: str, response: TensorBoardResponse) -> TensorBoardResponse:
    del key
    if response["status"] >= 300 and response["type"].startswith("text/html"):
        return {"status": response["status"], "type": "text/html"}
    return response


def _restore_stock_script(key: str, response: TensorBoardResponse) -> TensorBoardResponse:
    if key == "GET /index.js" and response.get("sha256") == MENDED_SCRIPT_SHA256:
        return response | {"sha256": STOCK_SCRIPT[0], "length": STOCK_SCRIPT[1]}
    return response


# The script of 2.4.0's page with prefix-2.4.0.patch, and without: sha256, and size in bytes.
MENDED_SCRIPT_SHA256 = "91296fcc934b8630ed0b93c1fd957b0055fc1ac2cfbca7dc42ecb71b2719c623"
STOCK_SCRIPT = ("2513eab8536d87b9b97ddaab5af30d0c16ac59dc1ae76e15f0bb4f587aeee283", 17_690_850)


def _drop_whatif_plugin(key: str, response: TensorBoardResponse) -> TensorBoardResponse:
    document = response.get("json")
    if key != "GET /data/plugins_listing" or not isinstance(document, dict):
        return response
    return response | {"json": {k: v for k, v in document.items() if k != "whatif"}}


def _sort_listings(key: str, response: TensorBoardResponse) -> TensorBoardResponse:
    document = response.get("json")
    if key.startswith("GET /data/plugin/mesh/meshes?") and isinstance(document, list):
        return response | {"json": sorted(document, key=_to_sorted_json)}
    if key in _TAG_LISTS and isinstance(document, dict):
        lists = {
            run: sorted(tags, key=_to_sorted_json) if isinstance(tags, list) else tags
            for run, tags in document.items()
        }
        return response | {"json": lists}
    return response


_TAG_LISTS = tuple(f"GET /data/plugin/{name}/tags" for name in ("text", "text_v2", "npmi"))


def _to_sorted_json(value: Json) -> str:
    return json.dumps(value, sort_keys=True)


def _sort_graph_text(key: str, response: TensorBoardResponse) -> TensorBoardResponse:
    if not key.startswith("GET /data/plugin/graphs/") or "text" not in response:
        return response
    if response["status"] != 200:
        return response
    return response | {"text": sort_proto_text(response["text"])}


def sort_proto_text(text: str) -> str:
    """Sort protobuf's text format: fields by name, entries of maps by their text.

    Values of one repeated field keep their order, which is significant. An entry of a map is a
    block `attr { key: … value … }`. Text that is not balanced is returned as it is.
    """
    stack: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.rstrip().endswith("{"):
            stack.append([line])
        elif line.strip() == "}" and len(stack) > 1:
            head, *parts = stack.pop()
            stack[-1].append("\n".join([head, *sorted(parts, key=_get_field_key), line]))
        else:
            stack[-1].append(line)
    if len(stack) != 1:
        return text
    return "\n".join(sorted(stack[0], key=_get_field_key))


_FIELD_NAME = re.compile(r"\s*(\w*)")
_MAP_ENTRY = re.compile(r"\s*\w+ \{\n\s*key: ")


def _get_field_key(part: str) -> tuple[str, str]:
    """Return what a field or a block is sorted by; sorting is stable."""
    name = _FIELD_NAME.match(part)
    return (name[1] if name else "", part if _MAP_ENTRY.match(part) else "")


RULES: tuple[NormalisationRule, ...] = (
    NormalisationRule(
        "debug information",
        "`data/environment` repeats the flags and the port, which are another each time",
        _drop_debug_info,
    ),
    NormalisationRule(
        "error pages",
        "the HTML of redirects and errors is Werkzeug's own and changes with its release; the "
        "status and TensorBoard's plain-text messages are compared",
        _reduce_error_page,
    ),
    NormalisationRule(
        "script of 2.4.0",
        "the proxy-hardening series exchanges four places of it (tensorboard #4421)",
        _restore_stock_script,
    ),
    NormalisationRule(
        "what-if tool",
        "tensorboard-plugin-wit is archived, imports pkg_resources and is not required any more: "
        "it is missing from the list of plugins, where 2.2.0-2.12.2 had it",
        _drop_whatif_plugin,
    ),
    NormalisationRule(
        "order of the data server's tags",
        "the Rust data server keeps tags in a hash map, whose order is another in each process; "
        "the parts of a mesh and the tags of texts and nPMI are listed in that order",
        _sort_listings,
    ),
    NormalisationRule(
        "order of fields",
        "in protobuf's text format fields come by number, or in the order of their declaration "
        "(4.x with upb), and entries of a map sorted (C++ 3.15) or by hash (7)",
        _sort_graph_text,
    ),
)
