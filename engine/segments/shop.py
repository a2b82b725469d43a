"""The segments of one shop: the built-in ones and its own, as they are stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from engine.domain.features import StoredSegment
from engine.loyalty.feature import Feature
from engine.segments.book import SegmentBook
from engine.segments.builtin import builtin_segments
from engine.segments.conditions import OfSegment, walk
from engine.segments.problems import SegmentInvalid
from engine.segments.segment import Draft, Segment, segment_of


def shop_book(stored: Iterable[StoredSegment], features: Mapping[str, Feature]) -> SegmentBook:
    """The book of the built-in segments and those stored ones that still make sense.

    A stored segment was valid when it was written. When a feature it asks for has gone since, it
    is left out, with those that refer to it.
    """
    book = SegmentBook(builtin_segments(features))
    waiting = [segment for each in stored if (segment := _read(each, features)) is not None]
    waiting = [each for each in waiting if each.name not in book]
    while ready := [each for each in waiting if all(name in book for name in _named(each))]:
        waiting = [each for each in waiting if each not in ready]
        for each in ready:
            book = _with(book, each)
    return book


def _read(stored: StoredSegment, features: Mapping[str, Feature]) -> Segment | None:
    try:
        condition = msgspec.json.decode(stored.condition)
        draft = Draft(stored.name, stored.title, stored.description, condition)
        return segment_of(draft, features)
    except (SegmentInvalid, msgspec.DecodeError):
        return None


def _with(book: SegmentBook, segment: Segment) -> SegmentBook:
    try:
        return SegmentBook((*book, segment))
    except SegmentInvalid:
        # Too large with all it refers to, by the limits of now.
        return book


def _named(segment: Segment) -> list[str]:
    return [part.name for _, part in walk(segment.condition) if isinstance(part, OfSegment)]
