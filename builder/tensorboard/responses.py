"""A server's responses, in a form that can be stored, compared and read."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

# A JSON document, as `json` loads it, with NaN and the infinities as `<NaN>`, `<Infinity>`.
Json = Any
# `{"status": 200, "type": "application/json", "json": …}`; text has `text` instead of `json`, and
# anything else has `sha256` and `length` (bytes).
TensorBoardResponse = dict[str, Json]

# Replaces the logdir's path in every response.
LOGDIR_PLACEHOLDER = "<logdir>"
_TEXT_TYPES = ("text/", "application/javascript", "application/x-protobuf")
_LONGEST_TEXT = 40_000  # bytes; of a longer text its sha256 is kept


class TensorBoardRequest(NamedTuple):
    """One request: a path with its query, percent-encoded; a POST if there is a body."""

    path: str
    body: str | None = None
    body_type: str = "application/x-www-form-urlencoded"

    @property
    def key(self) -> str:
        """What the response is stored under: `GET /data/runs`, `POST /data/… body`."""
        return f"GET {self.path}" if self.body is None else f"POST {self.path} {self.body}"


def canonicalize_response(
    status: int, headers: Mapping[str, str], body: bytes, logdir: str
) -> TensorBoardResponse:
    """Convert a response to a `TensorBoardResponse`.

    Args:
        status: the HTTP status.
        headers: of the response; only the content type counts.
        body: of the response, decompressed.
        logdir: the path that becomes `<logdir>`.
    """
    kind = headers.get("Content-Type", "")
    response: TensorBoardResponse = {"status": status, "type": kind}
    if "json" in kind:
        try:
            document = json.loads(body, parse_constant=lambda name: f"<{name}>")
        except ValueError:
            return response | {"text": body.decode(errors="replace")}
        return response | {"json": _replace_logdir(document, logdir)}
    if kind.startswith(_TEXT_TYPES) and len(body) <= _LONGEST_TEXT:
        return response | {
            "text": body.decode(errors="replace").replace(logdir, LOGDIR_PLACEHOLDER)
        }
    return response | {"sha256": hashlib.sha256(body).hexdigest(), "length": len(body)}


def _replace_logdir(value: Json, logdir: str) -> Json:
    if isinstance(value, str):
        return value.replace(logdir, LOGDIR_PLACEHOLDER)
    if isinstance(value, list):
        return [_replace_logdir(item, logdir) for item in value]
    if isinstance(value, dict):
        return {key: _replace_logdir(item, logdir) for key, item in value.items()}
    return value
