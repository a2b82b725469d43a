"""Conditions from JSON, with every mistake told at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.domain.events import EventType, check_id
from engine.errors import RequestInvalid
from engine.loyalty.feature import Feature
from engine.segments.attributes import storable
from engine.segments.conditions import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Not,
    OfAttribute,
    OfEvents,
    OfFeature,
    OfSegment,
    Op,
)
from engine.segments.limits import MAX_ATTRIBUTE_NAME, MAX_DEPTH, MAX_NODES, MAX_PROBLEMS
from engine.segments.operands import (
    Faults,
    Subject,
    days,
    operand,
    subject_of_attribute,
    subject_of_events,
    subject_of_feature,
)
from engine.segments.problems import Problem, SegmentInvalid, instead, shown, step

SUBJECTS = ("all", "any", "not", "feature", "attribute", "events", "segment")
_OPS = tuple(op.value for op in Op)
_TYPES = tuple(type_.value for type_ in EventType)
# What stands in a leaf beside its comparison.
_BESIDE: Mapping[str, frozenset[str]] = {
    "feature": frozenset({"feature"}),
    "attribute": frozenset({"attribute"}),
    "events": frozenset({"events", "within_days", "item_id"}),
}


def parse(given: object, features: Mapping[str, Feature], *, at: str = "") -> Condition:
    """The condition that decoded JSON states; references to segments stay unresolved.

    Raises SegmentInvalid with all problems, their pointers beginning with `at`.
    """
    reader = _Reader(features)
    condition = reader.read(given, at, 1)
    if condition is None or reader.problems:
        raise SegmentInvalid(reader.problems[:MAX_PROBLEMS])
    return condition


class _Reader:
    """Reads one condition; a node that cannot be read is None and leaves its problems here."""

    def __init__(self, features: Mapping[str, Feature]) -> None:
        self.problems: list[Problem] = []
        self._features = features
        self._nodes = 0
        self._leaves: Mapping[str, Callable[[dict[str, Any], str], Condition]] = {
            "feature": self._feature,
            "attribute": self._attribute,
            "events": self._events,
        }

    def read(self, given: object, pointer: str, depth: int) -> Condition | None:
        self._nodes += 1
        try:
            return self._node(given, pointer, depth)
        except Faults as faults:
            self.problems.extend(faults.problems)
            return None

    def _node(self, given: object, pointer: str, depth: int) -> Condition | None:
        if self._nodes > MAX_NODES:
            raise _fault(pointer, f"more than {MAX_NODES} conditions; refer to another segment")
        if depth > MAX_DEPTH:
            raise _fault(pointer, f"nested deeper than {MAX_DEPTH}; refer to another segment")
        if not isinstance(given, dict):
            raise _fault(pointer, f"{shown(given)} is no condition; write an object")
        about = [name for name in SUBJECTS if name in given]
        if len(about) != 1:
            found = f"{' and '.join(about)} are too many" if about else "says nothing of whom"
            raise _fault(pointer, f"{found}; state exactly one of {', '.join(SUBJECTS)}")
        return self._by_subject(about[0], given, pointer, depth)

    def _by_subject(
        self, about: str, given: dict[str, Any], pointer: str, depth: int
    ) -> Condition | None:
        if about in self._leaves:
            return self._leaves[about](given, pointer)
        self.problems.extend(
            Problem(step(pointer, key), f"cannot stand beside {about!r}; leave it out")
            for key in given
            if key != about
        )
        if about == "segment":
            return self._segment(given, pointer)
        below = step(pointer, about)
        if about == "not":
            part = self.read(given[about], below, depth + 1)
            return None if part is None else Not(part)
        parts = self._parts(given[about], below, depth + 1)
        return AllOf(parts) if about == "all" else AnyOf(parts)

    def _parts(self, given: object, pointer: str, depth: int) -> tuple[Condition, ...]:
        if not isinstance(given, list) or not given:
            raise _fault(pointer, "write a list of at least one condition")
        parts: list[Condition] = []
        for index, each in enumerate(given):
            if self._nodes > MAX_NODES:
                break
            part = self.read(each, step(pointer, index), depth)
            if part is not None:
                parts.append(part)
        return tuple(parts)

    def _feature(self, given: dict[str, Any], pointer: str) -> Condition:
        name = given["feature"]
        feature = self._features.get(name) if isinstance(name, str) else None
        if feature is None:
            remedy = instead(str(name), tuple(self._features))
            raise _fault(step(pointer, "feature"), f"no feature {shown(name)}; {remedy}")
        comparison = _comparison(subject_of_feature(feature), given, pointer)
        return OfFeature(feature.name, feature.kind, comparison)

    def _attribute(self, given: dict[str, Any], pointer: str) -> Condition:
        name = given["attribute"]
        good = isinstance(name, str) and 0 < len(name) <= MAX_ATTRIBUTE_NAME and storable(name)
        if not good:
            raise _fault(
                step(pointer, "attribute"),
                f"{shown(name)} is no name of 1 to {MAX_ATTRIBUTE_NAME} characters; "
                "write the trait's name as the shop sends it",
            )
        return OfAttribute(name, _comparison(subject_of_attribute(name), given, pointer))

    def _events(self, given: dict[str, Any], pointer: str) -> Condition:
        before = len(self.problems)
        name, item_id, within = given["events"], given.get("item_id"), given.get("within_days")
        if name not in _TYPES:
            remedy = instead(str(name), _TYPES)
            message = f"no event type {shown(name)}; {remedy}"
            self.problems.append(Problem(step(pointer, "events"), message))
        if "item_id" in given:
            self._check(_item_id, item_id, step(pointer, "item_id"))
        if "within_days" in given:
            self._check(days, within, step(pointer, "within_days"))
        comparison = _comparison(subject_of_events(), given, pointer)
        if len(self.problems) > before:
            raise Faults
        return OfEvents(EventType(name), comparison, within, item_id)

    def _segment(self, given: dict[str, Any], pointer: str) -> Condition:
        name = given["segment"]
        if not isinstance(name, str) or not name:
            raise _fault(step(pointer, "segment"), f"{shown(name)} is no segment's name")
        return OfSegment(name)

    def _check(self, read: Callable[[object], object], given: object, pointer: str) -> None:
        try:
            read(given)
        except RequestInvalid as error:
            self.problems.append(Problem(pointer, error.reason))


def _comparison(subject: Subject, given: dict[str, Any], pointer: str) -> Comparison:
    """The one comparison of a leaf; raises Faults."""
    keys = [key for key in given if key not in _BESIDE[subject.about]]
    if len(keys) != 1:
        found = f"{', '.join(keys)} are too many" if keys else "there is no comparison"
        remedy = f"state exactly one of {', '.join(subject.ops)}"
        raise _fault(pointer, f"{subject.name}: {found:.100}; {remedy}")
    key = keys[0]
    if key not in subject.ops:
        what = "cannot be compared by" if key in _OPS else "knows no comparison"
        remedy = instead(key, tuple(op.value for op in subject.ops))
        raise _fault(step(pointer, key), f"{subject.name} {what} {shown(key)}; {remedy}")
    op = Op(key)
    return Comparison(op, operand(subject, op, given[key], step(pointer, key)))


def _fault(pointer: str, message: str) -> Faults:
    return Faults(Problem(pointer, message))


def _item_id(given: object) -> str:
    if not isinstance(given, str):
        raise RequestInvalid(f"{shown(given)} is no item's id; put it in quotes")
    check_id(given, field="item_id")
    return given
