"""What is wrong with a segment: several things at once, each with its place and its remedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from engine.errors import RequestInvalid


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where, as a JSON pointer (RFC 6901) into what was sent, and what to do."""

    pointer: str
    message: str

    def __str__(self) -> str:
        return f"{self.pointer}: {self.message}" if self.pointer else self.message


class SegmentInvalid(RequestInvalid):
    """A segment cannot be used; `problems` lists every mistake found, the message is one line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = tuple(problems)


def step(pointer: str, key: str | int) -> str:
    """The pointer one step further down, to a key of an object or a position of a list."""
    return f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"


def shown(value: object) -> str:
    """A value short enough for a message of one line."""
    return f"{value!r:.60}"


def instead(given: str, known: Sequence[str], *, most: int = 12) -> str:
    """A remedy for an unknown word: what is written nearly so, or what there is."""
    close = get_close_matches(given, known, n=3)
    if close:
        return f"did you mean {' or '.join(close)}?"
    if len(known) <= most:
        return f"use one of {', '.join(known)}"
    return f"use one of {', '.join(known[:most])} and {len(known) - most} more"
