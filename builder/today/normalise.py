"""What may differ between an era and today with nothing being wrong: a short list, with reasons.

Every rule is a function from an answer's key and the answer to the answer that is compared. The
rules are applied to both sides, and already when a reference is recorded.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from builder.tensorboard.answers import Answer, Json


class Rule(NamedTuple):
    """A normalisation: its name, why it is right, and what it does."""

    name: str
    reason: str
    apply: Callable[[str, Answer], Answer]


def normalise(answers: Mapping[str, Answer]) -> dict[str, Answer]:
    """Every answer after every rule."""
    made = {}
    for key, answer in answers.items():
        for rule in RULES:
            answer = rule.apply(key, answer)  # noqa: PLW2901 - each rule sees the outcome before
        made[key] = answer
    return made


def _environment(key: str, answer: Answer) -> Answer:
    document = answer.get("json")
    if key != "GET /data/environment" or not isinstance(document, dict):
        return answer
    return answer | {"json": {k: v for k, v in document.items() if k != "debug"}}


def _error_page(key: str, answer: Answer) -> Answer:
    del key
    if answer["status"] >= 300 and answer["type"].startswith("text/html"):
        return {"status": answer["status"], "type": "text/html"}
    return answer


def _mended_script(key: str, answer: Answer) -> Answer:
    if key == "GET /index.js" and answer.get("sha256") == MENDED:
        return answer | {"sha256": STOCK[0], "length": STOCK[1]}
    return answer


# The script of 2.4.0's page with prefix-2.4.0.patch, and without: sha256, and bytes.
MENDED = "91296fcc934b8630ed0b93c1fd957b0055fc1ac2cfbca7dc42ecb71b2719c623"
STOCK = ("2513eab8536d87b9b97ddaab5af30d0c16ac59dc1ae76e15f0bb4f587aeee283", 17_690_850)


def _archived_plugin(key: str, answer: Answer) -> Answer:
    document = answer.get("json")
    if key != "GET /data/plugins_listing" or not isinstance(document, dict):
        return answer
    return answer | {"json": {k: v for k, v in document.items() if k != "whatif"}}


def _listed(key: str, answer: Answer) -> Answer:
    document = answer.get("json")
    if key.startswith("GET /data/plugin/mesh/meshes?") and isinstance(document, list):
        return answer | {"json": sorted(document, key=_text_of)}
    if key in _TAG_LISTS and isinstance(document, dict):
        lists = {
            run: sorted(tags, key=_text_of) if isinstance(tags, list) else tags
            for run, tags in document.items()
        }
        return answer | {"json": lists}
    return answer


_TAG_LISTS = tuple(f"GET /data/plugin/{name}/tags" for name in ("text", "text_v2", "npmi"))


def _text_of(value: Json) -> str:
    return json.dumps(value, sort_keys=True)


def _text_format(key: str, answer: Answer) -> Answer:
    if not key.startswith("GET /data/plugin/graphs/") or "text" not in answer:
        return answer
    if answer["status"] != 200:
        return answer
    return answer | {"text": sort_blocks(answer["text"])}


def sort_blocks(text: str) -> str:
    """Protobuf's text format in one order: fields by name, entries of maps by their text.

    Values of one repeated field keep their order, which means something. An entry of a map is a
    block `attr { key: … value … }`. Text that is not balanced is given back as it is.
    """
    stack: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.rstrip().endswith("{"):
            stack.append([line])
        elif line.strip() == "}" and len(stack) > 1:
            head, *parts = stack.pop()
            stack[-1].append("\n".join([head, *sorted(parts, key=_field), line]))
        else:
            stack[-1].append(line)
    if len(stack) != 1:
        return text
    return "\n".join(sorted(stack[0], key=_field))


_NAME = re.compile(r"\s*(\w*)")
_ENTRY = re.compile(r"\s*\w+ \{\n\s*key: ")


def _field(part: str) -> tuple[str, str]:
    """What a field or a block is sorted by; sorting is stable."""
    name = _NAME.match(part)
    return (name[1] if name else "", part if _ENTRY.match(part) else "")


RULES: tuple[Rule, ...] = (
    Rule(
        "debug information",
        "`data/environment` repeats the flags and the port, which are another each time",
        _environment,
    ),
    Rule(
        "error pages",
        "the HTML of redirects and errors is Werkzeug's own and changes with its release; the "
        "status and TensorBoard's plain-text messages are compared",
        _error_page,
    ),
    Rule(
        "script of 2.4.0",
        "the proxy-hardening series exchanges four places of it (tensorboard #4421)",
        _mended_script,
    ),
    Rule(
        "what-if tool",
        "tensorboard-plugin-wit is archived, imports pkg_resources and is not required any more: "
        "it is missing from the list of plugins, where 2.2.0-2.12.2 had it",
        _archived_plugin,
    ),
    Rule(
        "order of the data server's tags",
        "the Rust data server keeps tags in a hash map, whose order is another in each process; "
        "the parts of a mesh and the tags of texts and nPMI are listed in that order",
        _listed,
    ),
    Rule(
        "order of fields",
        "in protobuf's text format fields come by number, or in the order of their declaration "
        "(4.x with upb), and entries of a map sorted (C++ 3.15) or by hash (7)",
        _text_format,
    ),
)
