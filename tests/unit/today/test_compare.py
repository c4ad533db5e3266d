"""Comparing and normalising answers: what counts as a difference, and what does not."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

from hypothesis import assume, given
from hypothesis import strategies as st

from builder.tensorboard.responses import (
    LOGDIR_PLACEHOLDER,
    TensorBoardRequest,
    canonicalize_response,
)
from builder.today.compare import compare_responses, find_broken_responses, find_new_exceptions
from builder.today.normalise import (
    MENDED_SCRIPT_SHA256,
    RULES,
    STOCK_SCRIPT,
    normalise_responses,
    sort_proto_text,
)
from builder.today.reference import ModeRecord
from builder.today.server_modes import find_exceptions

if TYPE_CHECKING:
    import random

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)
PATHS = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1)
KEYS = st.sampled_from(
    [
        "GET /",
        "GET /data/environment",
        "GET /data/plugins_listing",
        "GET /data/plugin/graphs/graph?run=train",
        "GET /data/plugin/mesh/meshes?run=train",
        "POST /data/plugin/hparams/experiment {}",
    ]
)
JSON_ANSWERS = st.builds(
    lambda status, document: {"status": status, "type": "application/json", "json": document},
    st.sampled_from([200, 400, 404, 500]),
    DOCUMENTS,
)
TEXT_ANSWERS = st.builds(
    lambda status, kind, text: {"status": status, "type": kind, "text": text},
    st.sampled_from([200, 400, 500]),
    st.sampled_from(["text/html", "text/plain", "text/x-protobuf"]),
    st.text(),
)
ANSWERS = st.dictionaries(KEYS, JSON_ANSWERS | TEXT_ANSWERS)


def answer(document: Any, status: int = 200) -> dict[str, Any]:
    """A JSON answer."""
    return {"status": status, "type": "application/json", "json": document}


@given(ANSWERS)
def test_answers_equal_themselves(answers: dict[str, Any]) -> None:
    """An equal copy has no difference, whatever is in it."""
    assert compare_responses(answers, copy.deepcopy(answers)) == []


@given(ANSWERS, ANSWERS)
def test_compare_tells_equal_from_unequal(one: dict[str, Any], other: dict[str, Any]) -> None:
    """There is a difference if and only if the answers differ, and swapping the sides keeps it."""
    found = compare_responses(one, other)
    # 1, 1.0 and True are equal in Python; in JSON they are not, and dumps tells them apart.
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (found == []) == same
    assert [d.key for d in found] == [d.key for d in compare_responses(other, one)]


@given(ANSWERS)
def test_rules_are_idempotent_and_keep_statuses(answers: dict[str, Any]) -> None:
    """What is normalised stays as it is when it is normalised again, and no answer is lost."""
    once = normalise_responses(answers)
    assert normalise_responses(once) == once
    assert {k: a["status"] for k, a in once.items()} == {k: a["status"] for k, a in answers.items()}


@given(DOCUMENTS, PATHS)
def test_the_logdir_leaves_no_trace(document: Any, name: str) -> None:
    """The same document under two logdirs gives one answer, if it names them as a server does."""
    assume(f"/tmp/{name}" not in json.dumps(document, ensure_ascii=False))  # noqa: S108
    made = [
        canonicalize_response(
            200,
            {"Content-Type": "application/json"},
            json.dumps({"data": f"{path}/train", "more": [document]}).encode(),
            path,
        )
        for path in (f"/tmp/{name}", "/nowhere/else/at/all")  # noqa: S108
    ]
    assert made[0] == made[1]
    assert made[0]["json"]["data"] == f"{LOGDIR_PLACEHOLDER}/train"


def test_nan_is_neither_a_number_nor_a_text() -> None:
    """Bare NaN in JSON is kept apart from "NaN" and equals itself."""
    bare, quoted = (
        canonicalize_response(200, {"Content-Type": "application/json"}, body, "/x")
        for body in (b"[NaN, Infinity]", b'["NaN", "Infinity"]')
    )
    assert compare_responses({"k": bare}, {"k": copy.deepcopy(bare)}) == []
    assert compare_responses({"k": bare}, {"k": quoted})


def test_pictures_are_compared_by_their_bytes() -> None:
    """One changed byte of an image is a difference."""
    one, other = (
        canonicalize_response(200, {"Content-Type": "image/png"}, b, "/x") for b in (b"ab", b"ac")
    )
    (found,) = compare_responses({"k": one}, {"k": other})
    assert found.where == "$.sha256"


def test_a_difference_can_be_read() -> None:
    """It names the request, the place, and both values."""
    era, today = answer({"a": [1, {"b": "x"}]}), answer({"a": [1, {"b": "y"}]})
    (found,) = compare_responses({"GET /data/x": era}, {"GET /data/x": today})
    assert str(found) == "GET /data/x $.json.a[1].b: 'x' in its era, 'y' today"


def test_lines_of_a_text_are_numbered() -> None:
    """A difference in a long text names its line."""
    era, today = ({"status": 200, "type": "t", "text": t} for t in ("a\nb\nc", "a\nB\nc"))
    (found,) = compare_responses({"k": era}, {"k": today})
    assert (found.where, found.era, found.today) == ("$.text line 2", "'b'", "'B'")


ENTRIES = st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1)


@given(ENTRIES, st.randoms(use_true_random=False))
def test_map_entries_have_no_order(keys: list[str], chance: random.Random) -> None:
    """A node's attributes in another order are the same text; its inputs' order counts."""

    def node(names: list[str]) -> str:
        attrs = "".join(
            f'  attr {{\n    key: "{n}"\n    value {{\n      i: 1\n    }}\n  }}\n' for n in names
        )
        return f'node {{\n  name: "x"\n  input: "a"\n  input: "b"\n{attrs}}}\n'

    shuffled = chance.sample(keys, len(keys))
    assert sort_proto_text(node(keys)) == sort_proto_text(node(shuffled))
    swapped = node(keys).replace('"a"\n  input: "b"', '"b"\n  input: "a"')
    assert sort_proto_text(swapped) != sort_proto_text(node(keys))


@given(st.text("a{}\n :k"))
def test_sorting_keeps_every_line(text: str) -> None:
    """Whatever the text, its lines stay, in some order."""
    assert sorted(sort_proto_text(text).split("\n")) in (
        sorted(text.split("\n")),
        sorted(text.splitlines()) or [""],
    )


def test_every_rule_has_its_reason_and_its_effect() -> None:
    """Each rule makes a pair equal that differs for its reason, and says why."""
    node = 'node {{\n  attr {{\n    key: "{}"\n  }}\n  attr {{\n    key: "{}"\n  }}\n}}'
    graph, listing = "GET /data/plugin/graphs/graph?run=.", "GET /data/plugins_listing"
    page = {"status": 404, "type": "text/html; charset=utf-8"}
    parts = [{"step": 1, "content_type": c} for c in (1, 2)]
    pairs: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
        "debug information": (
            "GET /data/environment",
            answer({"version": "1", "debug": {"port": 1}}),
            answer({"version": "1", "debug": {"port": 2}}),
        ),
        "error pages": ("GET /x", page | {"text": "old"}, page | {"text": "new"}),
        "script of 2.4.0": (
            "GET /index.js",
            {"status": 200, "sha256": STOCK_SCRIPT[0], "length": STOCK_SCRIPT[1]},
            {"status": 200, "sha256": MENDED_SCRIPT_SHA256, "length": STOCK_SCRIPT[1] + 242},
        ),
        "what-if tool": (listing, answer({"a": 1, "whatif": 1}), answer({"a": 1})),
        "order of the data server's tags": (
            "GET /data/plugin/mesh/meshes?run=.",
            answer(parts),
            answer(parts[::-1]),
        ),
        "order of fields": (
            graph,
            {"status": 200, "type": "text/x-protobuf", "text": node.format("a", "b")},
            {"status": 200, "type": "text/x-protobuf", "text": node.format("b", "a")},
        ),
    }
    assert {rule.name for rule in RULES} == set(pairs)
    for rule in RULES:
        key, one, other = pairs[rule.name]
        assert rule.reason
        assert compare_responses({key: one}, {key: other})
        assert rule.apply_rule(key, one) == rule.apply_rule(key, other)
        assert (
            compare_responses(normalise_responses({key: one}), normalise_responses({key: other}))
            == []
        )


def test_plain_text_errors_are_compared() -> None:
    """TensorBoard's own messages are no error pages of Werkzeug's."""
    one, other = ({"status": 400, "type": "text/plain", "text": t} for t in ("old", "new"))
    assert compare_responses(normalise_responses({"k": one}), normalise_responses({"k": other}))


def test_broken_answers_are_named_unless_the_era_broke_too() -> None:
    """A 500, and no answer at all, are reported where the era had something better."""
    bad, none = {"status": 500, "type": ""}, {"status": 0, "type": "", "text": "Timeout"}
    good = {"status": 200, "type": ""}
    assert find_broken_responses({"a": good, "b": good}, {"a": bad, "b": none}) == [
        "a: 500",
        "b: Timeout",
    ]
    assert find_broken_responses({"a": bad}, {"a": bad}) == []
    assert find_broken_responses({"a": good}, {"a": good | {"status": 404}}) == []


def test_exceptions_are_read_from_a_log() -> None:
    """The last line of each traceback counts, each once; chatter does not."""
    trace = "Traceback (most recent call last):\n  File x, line 1\n    f()\n\n"
    log = f"hello\n{trace}KeyError: 'a'\nmore: talk\n{trace}KeyError: 'a'\n{trace}a.b.OddError: c\n"
    assert find_exceptions(log) == ("KeyError: 'a'", "a.b.OddError: c")
    era = ModeRecord({}, ("KeyError: 'b'",))
    assert find_new_exceptions(era, ModeRecord({}, find_exceptions(log))) == ["a.b.OddError: c"]


def test_an_ask_is_named_by_what_it_sends() -> None:
    """Two bodies to one route are two questions."""
    assert TensorBoardRequest("/a?b=c").key == "GET /a?b=c"
    assert TensorBoardRequest("/a", "x=1").key == "POST /a x=1"
