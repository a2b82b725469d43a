"""All segments of a shop together: who refers to whom, and conditions with that written out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

from engine.segments.conditions import (
    AllOf,
    AnyOf,
    Condition,
    Not,
    OfAttribute,
    OfEvents,
    OfFeature,
    OfSegment,
    Op,
    depth,
    walk,
)
from engine.segments.limits import (
    MAX_WHOLE_DEPTH,
    MAX_WHOLE_EVENTS,
    MAX_WHOLE_NODES,
    MAX_WHOLE_VALUES,
)
from engine.segments.problems import Problem, SegmentInvalid, instead
from engine.segments.segment import Segment


class _Size(NamedTuple):
    nodes: int
    values: int
    events: int


_SIZES = ("conditions", "values in lists", "conditions on events")
_MOST = _Size(MAX_WHOLE_NODES, MAX_WHOLE_VALUES, MAX_WHOLE_EVENTS)


class SegmentBook:
    """The built-in segments and the shop's own, each with its references resolved.

    Raises SegmentInvalid when a name is given twice, a reference leads nowhere or in a circle, or
    a condition with everything it refers to is too large for a database. Problems name the
    segment; their pointers are into an object with its `condition`.
    """

    def __init__(self, segments: Iterable[Segment]) -> None:
        given = tuple(segments)
        self._segments = {segment.name: segment for segment in given}
        self._check_names(given)
        self._check_references()
        self._order = self._ordered()
        self._resolved: dict[str, Condition] = {}
        self._sizes: dict[str, _Size] = {}
        for name in self._order:
            self._sizes[name] = self._sized(name)
            self._resolved[name] = self.resolve(self._segments[name].condition)
            self._check_depth(name)

    def __iter__(self) -> Iterator[Segment]:
        """The segments, each after those that it refers to."""
        return (self._segments[name] for name in self._order)

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, name: object) -> bool:
        return name in self._segments

    def __getitem__(self, name: str) -> Segment:
        """The segment of that name as it is written; raises KeyError."""
        return self._segments[name]

    def condition(self, name: str) -> Condition:
        """The segment's condition with references written out; raises KeyError."""
        return self._resolved[name]

    def resolve(self, condition: Condition) -> Condition:
        """The condition with references written out; raises SegmentInvalid for an unknown one."""
        match condition:
            case AllOf(parts):
                return AllOf(tuple(map(self.resolve, parts)))
            case AnyOf(parts):
                return AnyOf(tuple(map(self.resolve, parts)))
            case Not(part):
                return Not(self.resolve(part))
            case OfSegment(name):
                if name not in self._resolved:
                    raise SegmentInvalid([Problem("", self._unknown(name))])
                return replace(condition, condition=self._resolved[name])
            case _:
                return condition

    def used_by(self, name: str) -> tuple[str, ...]:
        """The names of the segments that refer to this one, sorted."""
        return tuple(
            sorted(each.name for each in self if name in dict(_references(each.condition)))
        )

    def _check_names(self, given: tuple[Segment, ...]) -> None:
        seen: set[str] = set()
        problems = []
        for segment in given:
            if segment.name in seen:
                problems.append(Problem("/name", f"{segment.name} is taken; choose another name"))
            seen.add(segment.name)
        if problems:
            raise SegmentInvalid(problems)

    def _check_references(self) -> None:
        problems = [
            Problem(pointer, f"in {segment.name}: {self._unknown(name)}")
            for segment in self._segments.values()
            for name, pointer in _references(segment.condition)
            if name not in self._segments
        ]
        if problems:
            raise SegmentInvalid(problems)

    def _unknown(self, name: str) -> str:
        return f"no segment {name!r:.80}; {instead(name, tuple(self._segments))}"

    def _ordered(self) -> tuple[str, ...]:
        graph = {
            segment.name: [name for name, _ in _references(segment.condition)]
            for segment in self._segments.values()
        }
        try:
            return tuple(TopologicalSorter(graph).static_order())
        except CycleError as error:
            path = error.args[1][::-1]
            pointer = dict(_references(self._segments[path[0]].condition))[path[1]]
            message = f"{' -> '.join(path)} goes round in a circle; take one reference out"
            raise SegmentInvalid([Problem(pointer, message)]) from error

    def _sized(self, name: str) -> _Size:
        # Counted without writing anything out: twenty segments that each name the one before
        # twice would make a million nodes.
        size = _Size(0, 0, 0)
        for _, part in walk(self._segments[name].condition):
            inner = self._sizes[part.name] if isinstance(part, OfSegment) else _Size(0, 0, 0)
            size = _Size(*map(sum, zip(size, inner, _size_of(part), strict=True)))
        for what, count, most in zip(_SIZES, size, _MOST, strict=True):
            if count > most:
                raise _too_large(name, f"{count:,} {what}, at most {most:,} work")
        return size

    def _check_depth(self, name: str) -> None:
        found = depth(self._resolved[name])
        if found > MAX_WHOLE_DEPTH:
            raise _too_large(name, f"{found} levels, at most {MAX_WHOLE_DEPTH} work")


def _references(condition: Condition) -> Iterator[tuple[str, str]]:
    """The segments referred to, each with the pointer to the reference."""
    for pointer, part in walk(condition, "/condition"):
        if isinstance(part, OfSegment):
            yield part.name, f"{pointer}/segment"


def _size_of(part: Condition) -> _Size:
    values = 0
    if isinstance(part, OfFeature | OfAttribute) and part.comparison.op is Op.IN:
        values = len(part.comparison.values)
    return _Size(1, values, int(isinstance(part, OfEvents)))


def _too_large(name: str, what: str) -> SegmentInvalid:
    message = f"{name} with all it refers to has {what}; refer to fewer or simpler segments"
    return SegmentInvalid([Problem("/condition", message)])
