"""Compare a release's responses today with those of its era; describe the differences."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from builder.tensorboard.responses import Json, TensorBoardResponse
    from builder.today.reference import ModeRecord

_SHOWN = 100
_ABSENT = "nothing"


class ResponseDifference(NamedTuple):
    """One place in one response, such as `$.train[3].text`, and what is there then and today."""

    key: str
    where: str
    era: str
    today: str

    def __str__(self) -> str:
        return f"{self.key[:200]} {self.where}: {self.era} in its era, {self.today} today"


def compare_responses(
    era: Mapping[str, TensorBoardResponse], today: Mapping[str, TensorBoardResponse]
) -> list[ResponseDifference]:
    """Find where normalised responses differ.

    Returns:
        The first place in each response, in the order of the keys.
    """
    found = []
    for key in sorted({*era, *today}):
        if key not in era or key not in today:
            ends = (_ABSENT, "an answer") if key not in era else ("an answer", _ABSENT)
            found.append(ResponseDifference(key, "$", *ends))
            continue
        difference = next(_iter_differences(era[key], today[key], "$"), None)
        if difference is not None:
            found.append(ResponseDifference(key, *difference))
    return found


def find_new_exceptions(era: ModeRecord, today: ModeRecord) -> list[str]:
    """Find exceptions in the server's log whose type the era's log does not have."""
    known = {_parse_exception_type(line) for line in era.exceptions}
    return [line for line in today.exceptions if _parse_exception_type(line) not in known]


def find_broken_responses(
    era: Mapping[str, TensorBoardResponse] | None, today: Mapping[str, TensorBoardResponse]
) -> list[str]:
    """Find the keys of requests that got a 5xx or no response at all.

    Those for which it was so in the era too are left out.
    """
    return [
        f"{key[:200]}: {response['status'] or response.get('text', 'no answer')}"
        for key, response in today.items()
        if _is_broken(response) and not (era and key in era and _is_broken(era[key]))
    ]


def _is_broken(response: TensorBoardResponse) -> bool:
    return not response["status"] or response["status"] >= 500


def _parse_exception_type(line: str) -> str:
    """Return `KeyError` of `KeyError: 'x'`: another Python may word the message otherwise."""
    return line.partition(":")[0].rpartition(".")[2]


def _iter_differences(era: Json, today: Json, where: str) -> Iterator[tuple[str, str, str]]:
    """Yield every place where two documents differ, depth first."""
    if isinstance(era, dict) and isinstance(today, dict):
        for key in sorted({*era, *today}):
            if key not in era:
                yield f"{where}.{key}", _ABSENT, _shorten_repr(today[key])
            elif key not in today:
                yield f"{where}.{key}", _shorten_repr(era[key]), _ABSENT
            else:
                yield from _iter_differences(era[key], today[key], f"{where}.{key}")
    elif isinstance(era, list) and isinstance(today, list):
        for k, (one, other) in enumerate(zip(era, today, strict=False)):
            yield from _iter_differences(one, other, f"{where}[{k}]")
        if len(era) != len(today):
            yield where, f"{len(era)} elements", f"{len(today)} elements"
    elif isinstance(era, str) and isinstance(today, str) and "\n" in era + today:
        yield from _iter_line_differences(era, today, where)
    elif repr(era) != repr(today):  # tells 1 from 1.0 and True, and 0.0 from -0.0
        yield where, _shorten_repr(era), _shorten_repr(today)


def _iter_line_differences(era: str, today: str, where: str) -> Iterator[tuple[str, str, str]]:
    if era == today:
        return
    today_lines, era_lines = today.split("\n"), era.split("\n")
    for k, (one, other) in enumerate(zip(era_lines, today_lines, strict=False), 1):
        if one != other:
            yield f"{where} line {k}", _shorten_repr(one), _shorten_repr(other)
    if len(era_lines) != len(today_lines):
        yield where, f"{len(era_lines)} lines", f"{len(today_lines)} lines"


def _shorten_repr(value: Json) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
