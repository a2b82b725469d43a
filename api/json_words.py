"""What is wrong with a value of JSON, in the words of JSON and not of a programming language."""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches
from functools import lru_cache

# Of a word nobody knows; what is longer is like none of ours.
LONGEST_WORD = 60
MOST_ALIKE = 3
_EXPECTED = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "datetime": "a time",
    "null": "null",
}
_GOT = _EXPECTED | {"int": "a number", "float": "a number"}
_BOUNDS = {">=": "of at least", ">": "above", "<=": "of at most", "<": "below"}
_UNITS = {
    "str": ("character", "characters"),
    "array": ("entry", "entries"),
    "object": ("field", "fields"),
}
_KIND = re.compile(r"Expected `([a-z |]+)`, got `(\w+)`")
_BOUND = re.compile(r"Expected `(\w+)`( of length)? ([<>]=?) (\S+)")
_STEP = re.compile(r"Expected `(\w+)` that's a multiple of (\S+)")
_FORM = re.compile(r"Expected `str` matching regex '(.*)'", re.DOTALL)
_CHOICE = re.compile(r"Invalid enum value (.*)", re.DOTALL)
_TIME = re.compile(r"Invalid RFC3339 encoded datetime")
_RANGE = re.compile(r"(?:Number|Integer value) out of range")


def in_words(reason: str) -> str:
    """The reason of a decoder (Expected `float | null`, got `str`) in JSON's words.

    One that is not known stays as it is.
    """
    for pattern, say in _SAYINGS:
        if match := pattern.fullmatch(reason):
            return say(match)
    return reason


def _kind(match: re.Match[str]) -> str:
    wanted, got = match[1].split(" | "), match[2]
    given = _GOT.get(got, got)
    if got == "float" and "int" in wanted and "float" not in wanted:
        given = "a fraction"
    if "float" in wanted:
        # Of numbers the wider word says it all.
        wanted = [each for each in wanted if each != "int"]
    *others, last = [_EXPECTED.get(each, each) for each in wanted]
    either = f"{', '.join(others)} or {last}" if others else last
    return f"must be {either}, not {given}"


def _bound(match: re.Match[str]) -> str:
    kind, length, sign, number = match.groups()
    said = f"{_EXPECTED.get(kind, kind)} {_BOUNDS[sign]} {number.removesuffix('.0')}"
    if not length:
        return f"must be {said}"
    one, many = _UNITS.get(kind, ("part", "parts"))
    return f"must be {said} {one if number == '1' else many}"


_SAYINGS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (_KIND, _kind),
    (_BOUND, _bound),
    (_STEP, lambda match: f"must be {_EXPECTED.get(match[1], match[1])} in steps of {match[2]}"),
    (_FORM, lambda match: f"must be text of the form {match[1]}"),
    (_CHOICE, lambda match: f"{match[1][:LONGEST_WORD]} is none of its values; /docs lists them"),
    (_TIME, lambda _: "is no time with an offset"),
    (_RANGE, lambda _: "the number is out of range"),
)


@lru_cache(maxsize=1_000)
def alike(given: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """The known words that are written nearly so, the nearest first, whatever their case."""
    if len(given) > LONGEST_WORD:
        return ()
    plain: dict[str, str] = {}
    for each in known:
        plain.setdefault(_plain(each), each)
    close = get_close_matches(_plain(given), plain, n=MOST_ALIKE)
    return tuple(plain[each] for each in close)


def _plain(word: str) -> str:
    return "".join(each for each in word.casefold() if each.isalnum())
