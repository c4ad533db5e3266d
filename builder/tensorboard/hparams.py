"""Encode the messages of the hparams plugin: an experiment, and its sessions' starts and ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from builder.tensorboard.events import (
    DT_FLOAT,
    Tensor,
    encode_bytes,
    encode_double,
    encode_map_entry,
    encode_summary_metadata,
    encode_varint,
)
from builder.tensorboard.summaries import encode_tensor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def encode_hparams_experiment(hparams: Sequence[bytes], metric_tags: Sequence[str]) -> bytes:
    """Encode what may vary in an experiment and what is measured.

    `hparams` are encoded `HParamInfo`.
    """
    body = (
        encode_bytes(1, "an *experiment*")
        + encode_bytes(2, "somebody")
        + encode_double(3, 1_500_000_000.0)
    )
    body += b"".join(encode_bytes(4, info) for info in hparams)
    metrics = (
        encode_bytes(1, encode_bytes(1, "") + encode_bytes(2, tag)) + encode_bytes(3, tag.upper())
        for tag in metric_tags
    )
    return _encode_hparams(
        "experiment", encode_bytes(2, body + b"".join(encode_bytes(5, m) for m in metrics))
    )


def encode_hparams_start(
    values: Mapping[str, str | float | bool], group: str, seconds: float
) -> bytes:
    """Encode the start of a session with these values.

    Each is a `google.protobuf.Value`, with the fields number 2, text 3, bool 4.
    """
    body = b""
    for name, value in values.items():
        if isinstance(value, bool):
            encoded = encode_varint(4, int(value))
        else:
            encoded = encode_bytes(3, value) if isinstance(value, str) else encode_double(2, value)
        body += encode_map_entry(1, name, encoded)
    return _encode_hparams(
        "session_start_info",
        encode_bytes(3, body + encode_bytes(4, group) + encode_double(5, seconds)),
    )


def encode_hparams_end(status: int, seconds: float) -> bytes:
    """Encode the end of a session; `status` is 1 success, 2 failure, 3 still running."""
    return _encode_hparams(
        "session_end_info", encode_bytes(4, encode_varint(1, status) + encode_double(2, seconds))
    )


def _encode_hparams(tag: str, content: bytes) -> bytes:
    about = encode_summary_metadata("hparams", content)
    return encode_tensor(f"_hparams_/{tag}", Tensor(DT_FLOAT, (0,), []), about)
