"""Why a customer belongs to a segment, or does not: every condition with the values it saw."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from engine.loyalty.feature import Kind
from engine.segments import words
from engine.segments.attributes import comparable
from engine.segments.conditions import (
    AllOf,
    AnyOf,
    Condition,
    Not,
    OfAttribute,
    OfEvents,
    OfFeature,
    OfSegment,
    Scalar,
    parts_of,
    plain,
)
from engine.segments.predicate import Person, holds, known, written_out


@dataclass(frozen=True)
class Why:
    """One condition's verdict on one customer.

    `pointer` leads to it in its segment's JSON. `decisive` marks what made the whole come out as
    it did: where all must hold and one does not, that one. `value` is what the customer has, None
    when unknown or for a group; `asked` the condition as JSON for a comparison, None for a group.
    Below a reference to a segment stand that segment's conditions, with pointers into its own.
    """

    pointer: str
    holds: bool
    sentence: str
    value: Scalar | None = None
    asked: dict[str, Any] | None = None
    parts: tuple[Why, ...] = ()
    decisive: bool = True

    def reasons(self) -> tuple[str, ...]:
        """The sentences of the comparisons that decided, in the order they are written."""
        return tuple(each.sentence for each in self._leaves() if each.decisive)

    def _leaves(self) -> Iterator[Why]:
        if not self.parts:
            yield self
        for part in self.parts:
            yield from part._leaves()


def why(
    condition: Condition,
    person: Person,
    *,
    now_ms: int,
    money: Callable[[float], str] = words.in_hundredths,
) -> Why:
    """Every condition of the tree with its verdict; `money` says minor units of the currency.

    Raises RequestInvalid for a reference to a segment that no book has resolved.
    """
    return _decided(_Teller(person, now_ms, money).tell(condition, ""), decisive=True)


@dataclass(frozen=True)
class _Teller:
    """Tells of one customer at one time."""

    person: Person
    now_ms: int
    money: Callable[[float], str]

    def tell(self, condition: Condition, pointer: str) -> Why:
        """What became of the condition that stands at the pointer, and of its parts."""
        match condition:
            case AllOf() | AnyOf() | Not():
                return self._group(condition, pointer)
            case OfSegment():
                return self._segment(condition, pointer)
            case OfFeature():
                return self._feature(condition, pointer)
            case OfAttribute():
                return self._attribute(condition, pointer)
            case OfEvents():
                return self._events(condition, pointer)

    def _group(self, condition: AllOf | AnyOf | Not, pointer: str) -> Why:
        parts = tuple(self.tell(part, pointer + further) for further, part in parts_of(condition))
        holding = sum(part.holds for part in parts)
        if isinstance(condition, Not):
            verb = "holds" if holding else "does not hold"
            sentence = f"the condition below {verb}, it must not"
            return Why(pointer, holding == 0, sentence, parts=parts)
        every = isinstance(condition, AllOf)
        sentence = words.of_group(holding, len(parts), every=every)
        return Why(pointer, holding == len(parts) if every else holding > 0, sentence, parts=parts)

    def _segment(self, reference: OfSegment, pointer: str) -> Why:
        inner = self.tell(written_out(reference), "")
        verb = "belongs" if inner.holds else "does not belong"
        return Why(
            pointer,
            inner.holds,
            f"{verb} to the segment {reference.name}",
            asked=plain(reference),
            parts=(inner,),
        )

    def _feature(self, leaf: OfFeature, pointer: str) -> Why:
        value: Any = self.person.values.get(leaf.feature)
        value = value if known(value) else None
        if leaf.kind is Kind.MOMENT:
            told = words.of_moment(leaf.feature, value, leaf.comparison, now_ms=self.now_ms)
        else:
            say = words.of_kind(leaf.kind, self.money)
            told = words.of_value(leaf.feature, value, leaf.comparison, say)
        return self._leaf(leaf, pointer, told, value)

    def _attribute(self, leaf: OfAttribute, pointer: str) -> Why:
        value = comparable(self.person.attributes.get(leaf.attribute))
        told = words.of_value(leaf.attribute, value, leaf.comparison, words.of_type)
        return self._leaf(leaf, pointer, told, value)

    def _events(self, leaf: OfEvents, pointer: str) -> Why:
        since = leaf.since_ms(self.now_ms)
        count = self.person.count_events(leaf.type, since, leaf.item_id)
        return self._leaf(leaf, pointer, words.of_count(leaf, count), count)

    def _leaf(self, leaf: Condition, pointer: str, told: str, value: Scalar | None) -> Why:
        met = holds(leaf, self.person, now_ms=self.now_ms)
        return Why(pointer, met, told, value, asked=plain(leaf))


def _decided(told: Why, *, decisive: bool) -> Why:
    """The same tree with only what decides marked: parts that came out as the whole did.

    Where all parts hold in an `all`, or none in an `any`, that is every part; below `not` and a
    segment there is one part, which always decides.
    """
    single = len(told.parts) == 1
    parts = tuple(
        _decided(part, decisive=decisive and (single or part.holds is told.holds))
        for part in told.parts
    )
    return replace(told, parts=parts, decisive=decisive)
