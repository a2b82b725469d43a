"""What may be compared with what: the operators of each kind, and how their values are read."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.errors import RequestInvalid
from engine.loyalty.feature import Feature, Kind
from engine.segments.attributes import storable
from engine.segments.conditions import Op, Operand, Scalar
from engine.segments.limits import MAX_COUNT, MAX_DAYS, MAX_IN, MAX_TEXT
from engine.segments.problems import Problem, instead, shown, step

_ORDERED = (Op.ABOVE, Op.AT_LEAST, Op.BELOW, Op.AT_MOST, Op.BETWEEN)
_NUMBER_OPS = (Op.IS, Op.IS_NOT, Op.IN, *_ORDERED, Op.KNOWN)
_WORD_OPS = (Op.IS, Op.IS_NOT, Op.IN, Op.KNOWN)
_FLAG_OPS = (Op.IS, Op.IS_NOT, Op.KNOWN)
_MOMENT_OPS = (Op.WITHIN_DAYS, Op.NOT_WITHIN_DAYS, Op.KNOWN)
_EVENT_OPS = (*_ORDERED, Op.IS)
_OPS: Mapping[Kind, tuple[Op, ...]] = {
    Kind.FLAG: _FLAG_OPS,
    Kind.CHOICE: _WORD_OPS,
    Kind.TEXT: _WORD_OPS,
    Kind.MOMENT: _MOMENT_OPS,
}

Read = Callable[[object], Scalar]
Reader = Callable[["Subject", object, str], Operand]


class Faults(Exception):
    """What is wrong with an operand; never leaves the parser."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__()
        self.problems = problems


@dataclass(frozen=True)
class Subject:
    """What a leaf compares: a feature, an attribute or events, and how one value is read.

    `ops` are the operators it takes. `read` raises RequestInvalid for a value that it cannot be
    compared with.
    """

    about: str
    name: str
    ops: tuple[Op, ...]
    read: Read


def subject_of_feature(feature: Feature) -> Subject:
    """How a feature of its kind is compared."""
    ops = _OPS.get(feature.kind, _NUMBER_OPS)
    read: Read
    match feature.kind:
        case Kind.FLAG:
            read = _flag
        case Kind.CHOICE:
            read = _choice(feature)
        case Kind.TEXT:
            read = _text
        case Kind.MOMENT:
            read = days
        case Kind.SHARE:
            read = _share
        case _:
            read = number
    return Subject("feature", feature.name, ops, read)


def subject_of_attribute(name: str) -> Subject:
    """How an attribute is compared: by the type of what it is compared with."""
    return Subject("attribute", name, _NUMBER_OPS, _scalar)


def subject_of_events() -> Subject:
    """How a number of events is compared."""
    return Subject("events", "events", _EVENT_OPS, count)


def operand(subject: Subject, op: Op, given: object, pointer: str) -> Operand:
    """What the operator compares with, read; raises Faults with the pointer of each mistake."""
    return _READERS.get(op, _single)(subject, given, pointer)


def number(given: object) -> float:
    """A finite number."""
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise RequestInvalid(f"{shown(given)} is no number; write one without quotes")
    try:
        finite = math.isfinite(given)
    except OverflowError:
        finite = False
    if not finite:
        raise RequestInvalid("the number is too large; write a finite one")
    return given


def days(given: object) -> float:
    """A number of days above 0."""
    found = number(given)
    if not 0 < found <= MAX_DAYS:
        raise RequestInvalid(f"{found:g} is not above 0 and up to {MAX_DAYS}; write days")
    return found


def count(given: object) -> int:
    """A whole number of events, 0 or more."""
    found = number(given)
    if found != int(found) or not 0 <= found <= MAX_COUNT:
        raise RequestInvalid(f"{found:g} is no count; write a whole number from 0 to {MAX_COUNT}")
    return int(found)


def _share(given: object) -> float:
    found = number(given)
    if not 0 <= found <= 1:
        raise RequestInvalid(f"{found:g} is not in 0 to 1; write 0.3 for 30 %")
    return found


def _flag(given: object) -> bool:
    if not isinstance(given, bool):
        raise RequestInvalid(f"{shown(given)} is not true or false; write one of them")
    return given


def _text(given: object) -> str:
    if not isinstance(given, str):
        raise RequestInvalid(f"{shown(given)} is no text; put it in quotes")
    if len(given) > MAX_TEXT or not storable(given):
        raise RequestInvalid(
            f"{shown(given)} cannot be compared with; write up to {MAX_TEXT} ordinary characters"
        )
    return given


def _choice(feature: Feature) -> Read:
    def read(given: object) -> str:
        word = _text(given)
        if feature.choices and word not in feature.choices:
            raise RequestInvalid(
                f"{shown(word)} is no {feature.name}; {instead(word, feature.choices)}"
            )
        return word

    return read


def _scalar(given: object) -> Scalar:
    if isinstance(given, bool):
        return given
    return _text(given) if isinstance(given, str) else number(given)


def _single(subject: Subject, given: object, pointer: str) -> Operand:
    if isinstance(given, list | dict) or given is None:
        raise Faults(Problem(pointer, f"{shown(given)} is no single value; write one"))
    return _one(subject.read, given, pointer)


def _ordered(subject: Subject, given: object, pointer: str) -> Operand:
    found = _single(subject, given, pointer)
    _refuse_unordered(found, pointer)
    return found


def _refuse_unordered(found: Operand, pointer: str) -> None:
    if isinstance(found, str | bool):
        raise Faults(Problem(pointer, f"{shown(found)} has no order; compare with a number"))


def _below(subject: Subject, given: object, pointer: str) -> Operand:
    found = _ordered(subject, given, pointer)
    if subject.read is count and found == 0:
        raise Faults(Problem(pointer, "no count is below 0; write `is` 0 for none"))
    return found


def _between(subject: Subject, given: object, pointer: str) -> Operand:
    if not isinstance(given, list) or len(given) != 2:
        raise Faults(Problem(pointer, f"{shown(given)} is no range; write [lowest, highest]"))
    low, high = _each(subject, given, pointer)
    for end, found in enumerate((low, high)):
        _refuse_unordered(found, step(pointer, end))
    if float(low) > float(high):
        raise Faults(Problem(pointer, f"{low} is above {high}; write [lowest, highest]"))
    return (low, high)


def _in(subject: Subject, given: object, pointer: str) -> Operand:
    if not isinstance(given, list) or not 0 < len(given) <= MAX_IN:
        raise Faults(Problem(pointer, f"write a list of 1 to {MAX_IN} values"))
    found = _each(subject, given, pointer)
    if len({_type(value) for value in found}) > 1:
        raise Faults(Problem(pointer, "texts and numbers are mixed; write values of one type"))
    if isinstance(found[0], bool):
        raise Faults(Problem(pointer, "true and false are not listed; use `is`"))
    return found


def _known(_: Subject, given: object, pointer: str) -> Operand:
    return _one(_flag, given, pointer)


def _one(read: Read, given: object, pointer: str) -> Scalar:
    try:
        return read(given)
    except RequestInvalid as error:
        raise Faults(Problem(pointer, error.reason)) from error


def _each(subject: Subject, given: list[object], pointer: str) -> tuple[Scalar, ...]:
    found: list[Scalar] = []
    problems: list[Problem] = []
    for index, value in enumerate(given):
        try:
            found.append(_one(subject.read, value, step(pointer, index)))
        except Faults as faults:
            problems.extend(faults.problems)
    if problems:
        raise Faults(*problems)
    return tuple(found)


def _type(value: Scalar) -> type:
    return type(value) if isinstance(value, bool | str) else float


_READERS: Mapping[Op, Reader] = {
    Op.IN: _in,
    Op.BETWEEN: _between,
    Op.KNOWN: _known,
    Op.BELOW: _below,
    Op.ABOVE: _ordered,
    Op.AT_LEAST: _ordered,
    Op.AT_MOST: _ordered,
}
