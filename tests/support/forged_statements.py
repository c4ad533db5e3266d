"""Statements of provenance that somebody forged, for wheels of `tests.support.small_release`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.support.small_release import PATCHED, UNTOUCHED, hash_content

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.forge import File


class Forgery(NamedTuple):
    """One forged statement.

    Attributes:
        name: what was forged.
        forge: makes the file of a statement that is true but for its subject, which is the wheel.
        code: the exit code of `check --provenance` of a good wheel beside it.
    """

    name: str
    forge: Callable[[dict[str, Any]], object]
    code: int = 8


def aim(statement: bytes, wheel: File) -> dict[str, Any]:
    """The statement, with this wheel as its subject: what any forger does first."""
    document: dict[str, Any] = json.loads(statement)
    document["subject"] = [
        {"name": wheel.filename, "digest": {"sha256": hash_content(wheel.content)}}
    ]
    return document


def write_forgery(forgery: Forgery, statement: bytes, wheel: File) -> bytes:
    """The bytes of the forged file."""
    document = aim(statement, wheel)
    made = forgery.forge(document)
    if isinstance(made, bytes):
        return made
    return json.dumps(document if made is None else made).encode()


def _put(path: str, value: object, code: int = 8) -> Forgery:
    """A forgery that puts a value in one place, such as `predicate.runDetails`."""

    def change(document: dict[str, Any]) -> None:
        *above, last = path.split(".")
        place: Any = document
        for key in above:
            place = place[int(key) if isinstance(place, list) else key]
        place[int(last) if isinstance(place, list) else last] = value

    return Forgery(f"{path}={json.dumps(value)}"[:70], change, code)


def _drop(path: str, code: int = 8) -> Forgery:
    """A forgery that leaves a field out."""

    def change(document: dict[str, Any]) -> None:
        *above, last = path.split(".")
        place: Any = document
        for key in above:
            place = place[key]
        del place[last]

    return Forgery(f"without {path}", change, code)


def _replace(name: str, old: str, new: str, code: int = 8) -> Forgery:
    """A forgery of the text, which no JSON library would write."""

    def change(document: dict[str, Any]) -> bytes:
        text = json.dumps(document)
        assert old in text
        return text.replace(old, new, 1).encode()

    return Forgery(name, change, code)


_BUILD = "predicate.buildDefinition"
_ASKED = f"{_BUILD}.externalParameters"
_INSIDE = f"{_BUILD}.internalParameters"
_MADE_OF = f"{_BUILD}.resolvedDependencies"
_RUN = "predicate.runDetails"
_BAZEL = "urn:tensorboard-proxy-wheels:bazel:v1"
_PICK = "60393f85a8b7cf9a3b9e1a2c36b6c2b5ba4b4a1d"
_UPSTREAM = "ssh://git@upstream.example/tensorboard.git"


def _claim_bazel(document: dict[str, Any]) -> None:
    definition = document["predicate"]["buildDefinition"]
    definition["buildType"] = _BAZEL
    definition["internalParameters"] |= {"backend": "bazel", "sourceBuild": {"bazel": "2.1.0"}}


def _claim_the_spoiled_member(document: dict[str, Any]) -> None:
    inside = document["predicate"]["buildDefinition"]["internalParameters"]
    inside["changes"][UNTOUCHED] = inside["changes"][PATCHED]


FORGERIES = (
    Forgery("nothing but the subject", lambda _: None, 0),
    _put("_type", "https://in-toto.io/Statement/v9"),
    _put("predicateType", "https://slsa.dev/provenance/v2"),
    _put("subject", []),
    _put("subject.0.name", "tensorboard-2.2.1-py3-none-any.whl"),
    _put("subject.0.digest.sha256", "0" * 64),
    _put("subject.0.digest.sha512", "0" * 128),
    _put("subject.0.digest", {"sha512": "0" * 128}),
    _put(f"{_BUILD}.buildType", _BAZEL, 9),
    Forgery("buildType and backend are Bazel", _claim_bazel, 9),
    _put(f"{_BUILD}.buildType", "urn:tensorboard-proxy-wheels:magic:v1"),
    _put(f"{_BUILD}.buildType", ""),
    _put(f"{_BUILD}.buildType", None),
    _put(f"{_ASKED}.release", "2.2.2"),
    _put(f"{_ASKED}.release", "9.9"),
    _put(f"{_ASKED}.release", "2.2.1.0"),
    _put(f"{_ASKED}.release", "x"),
    _put(f"{_ASKED}.series", []),
    _put(f"{_ASKED}.series", ["proxy"]),
    _put(f"{_ASKED}.series", ["security", "proxy"]),
    _put(f"{_ASKED}.series", ["proxy", "security", "security"]),
    _put(f"{_ASKED}.series", ["no-such-series"]),
    _put(f"{_ASKED}.series", ["../patches/proxy"]),
    _put(f"{_ASKED}.series", ["/etc"]),
    _put(f"{_ASKED}.series", ["none"]),
    _put(f"{_ASKED}.series", "proxy"),
    _put(f"{_ASKED}.identity", "local"),
    _put(f"{_ASKED}.identity", "official"),
    _put(f"{_ASKED}.name", "tensorboard"),
    _put(f"{_ASKED}.name", "../x"),
    _put(f"{_ASKED}.name", "x\ny"),
    _put(f"{_ASKED}.version", "2.2.2"),
    _put(f"{_ASKED}.version", "!"),
    _put(f"{_ASKED}.buildTag", "1"),
    _put(f"{_ASKED}.buildTag", "x"),
    # Commits that nobody named are left unchecked.
    _put(f"{_ASKED}.cherryPick", {"commits": [_PICK], "upstream": _UPSTREAM, "from": None}, 9),
    _put(f"{_ASKED}.cherryPick", {"commits": ["--exec=x"], "upstream": _UPSTREAM, "from": None}),
    _put(f"{_ASKED}.cherryPick", {"commits": [], "upstream": _UPSTREAM, "from": None}),
    _put(f"{_ASKED}.excuse", True),
    _put(f"{_INSIDE}.backend", "bazel"),
    _put(f"{_INSIDE}.backend", None),
    _drop(f"{_INSIDE}.backend", 0),
    _put(f"{_INSIDE}.equivalence", {"identical": 9, "explained": [], "different": []}, 0),
    _put(f"{_INSIDE}.sourceBuild", {"bazel": "2.1.0"}, 0),
    _put(f"{_INSIDE}.catalogEntry.sha256", "0" * 64, 0),
    _drop(f"{_INSIDE}.catalogEntry", 0),
    _put(f"{_INSIDE}.sourceCommit", "0" * 40),
    _put(f"{_INSIDE}.native", ["proxy", "security"]),
    _put(f"{_INSIDE}.changes", {}),
    Forgery("changes has the spoiled member", _claim_the_spoiled_member),
    _put(f"{_INSIDE}.metadata", [{"action": "drop", "header": "Requires-Dist", "value": "six"}]),
    _put(f"{_INSIDE}.metadata", None),
    _put(f"{_INSIDE}.source", {"picked": {"gitCommit": _PICK, "gitTree": _PICK}}),
    _put(_MADE_OF, []),
    _put(f"{_MADE_OF}.0.digest.sha256", "0" * 64),
    _put(f"{_MADE_OF}.1.digest.sha256", "0" * 64),
    _put(f"{_MADE_OF}.1.uri", "patches/../../x"),
    _put(f"{_MADE_OF}.0.annotations", {"checked": "by me"}, 0),
    _put(_RUN, {}),
    _put(f"{_RUN}.builder.id", "https://builder.example/trusted", 0),
    _put(f"{_RUN}.builder.version.tensorboard-proxy-wheels", "99", 0),
    _put(f"{_RUN}.builder.version.commit", "c0ffee42" * 5, 0),
    _put(f"{_RUN}.builder.version.commit", "HEAD; rm -r x"),
    _put(f"{_RUN}.metadata.finishedOn", "1999-01-01T00:00:00Z", 0),
    _put(f"{_RUN}.byproducts", [{"name": "log"}], 0),
    _put("predicate.verdict", "good", 0),
    _put("note", {"of": "somebody"}, 0),
    _replace("a key twice", '"_type":', '"_type": "x", "_type":'),
    _replace("a key twice, spelt apart", '"buildType":', '"build\\u0054ype": "x", "buildType":'),
    _replace("a key twice, deep", '"release":', '"release": "2.2.2", "release":'),
    _replace("a key twice, unknown", '"_type":', '"x": 1, "x": 2, "_type":'),
    _replace("brackets", '"_type":', '"x": ' + "[" * 200_000 + ', "_type":'),
    _replace("objects", '"_type":', '"x": ' + '{"y":' * 100_000 + ', "_type":'),
    Forgery("brackets, closed", lambda _: b"[" * 100_000 + b"]" * 100_000),
    Forgery("a list", lambda document: [document]),
    Forgery("no bytes", lambda _: b""),
    Forgery("null", lambda _: b"null"),
    Forgery("no UTF-8", lambda document: json.dumps(document).encode("utf-16")),
    Forgery("5 MiB", lambda document: json.dumps(document).encode() + b" " * (5 << 20)),
)
