"""Changing the shop's own segments, and working out for everyone who is in a segment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import msgspec

from api.problems import SegmentConflict, SegmentUnknown
from engine.domain.features import SegmentRun, StoredSegment
from engine.live import LiveModel
from engine.loyalty.features.registry import FEATURES
from engine.ports import Segments
from engine.segments.book import SegmentBook
from engine.segments.conditions import OfSegment, plain, walk
from engine.segments.dialects import DialectName
from engine.segments.problems import Problem, SegmentInvalid
from engine.segments.segment import Draft, Segment, segment_of
from engine.segments.sql import compile_sql


@dataclass(frozen=True)
class SegmentKeeper:
    """Keeps segments and their members in step. Every method may raise StoreUnavailable."""

    segments: Segments
    live: LiveModel

    def book(self) -> SegmentBook:
        """All segments of the shop as they are."""
        return self.live.book(self.segments.revision())

    def one(self, name: str) -> Segment:
        """The segment of that name. Raises SegmentUnknown."""
        book = self.book()
        if name not in book:
            raise SegmentUnknown("there is no such segment; GET /v1/segments lists them")
        return book[name]

    def put(self, draft: Draft, *, now_ms: int) -> Segment:
        """The segment that the draft states, stored and its members worked out.

        So are those of segments that refer to it. Raises SegmentInvalid with every problem, and
        SegmentConflict for the name of a built-in one.
        """
        book = self.book()
        _refuse_builtin(book, draft.name)
        segment = _checked(draft, book)
        condition = msgspec.json.encode(plain(segment.condition)).decode()
        words = (segment.name, segment.title, segment.description)
        self.segments.put(StoredSegment(*words, condition=condition, updated_ms=now_ms))
        changed = self.book()
        for name in _with_users(changed, segment.name):
            self.refresh(changed, name, now_ms=now_ms)
        return segment

    def delete(self, name: str) -> None:
        """Remove a segment of the shop's own. Raises SegmentUnknown, and SegmentConflict when it
        is built in or others refer to it."""
        book = self.book()
        _refuse_builtin(book, name)
        users = book.used_by(name)
        if users:
            raise SegmentConflict(
                f"{', '.join(users)} refer{'s' if len(users) == 1 else ''} to it; change that first"
            )
        if not self.segments.delete(name):
            raise SegmentUnknown("there is no such segment; GET /v1/segments lists them")

    def refresh(self, book: SegmentBook, name: str, *, now_ms: int) -> SegmentRun:
        """Work out for everyone who is in the segment."""
        dialect = cast(DialectName, self.segments.dialect)
        compiled = compile_sql(book.condition(name), dialect=dialect, now_ms=now_ms)
        return self.segments.refresh(name, compiled.sql, compiled.params, now_ms=now_ms)

    def due(self, *, before_ms: int) -> Iterator[tuple[SegmentBook, str]]:
        """Segments that were last worked out before that time, or before they last changed.

        A segment has changed when one that it refers to has.
        """
        own = {each.name: each.updated_ms for each in self.segments.own()}
        runs, book = self.segments.runs(), self.book()
        changed: dict[str, int] = {}
        for each in book:
            references = (changed[name] for name in references_of(each))
            changed[each.name] = max((own.get(each.name, 0), *references))
            run = runs.get(each.name)
            if run is None or run.refreshed_ms < max(before_ms, changed[each.name]):
                yield book, each.name


def references_of(segment: Segment) -> list[str]:
    """The names of the segments that its condition refers to."""
    return [part.name for _, part in walk(segment.condition) if isinstance(part, OfSegment)]


def _refuse_builtin(book: SegmentBook, name: str) -> None:
    if name in book and book[name].builtin:
        raise SegmentConflict(
            f"{name} is built in and stays as it is; give yours another name, it may refer to it"
        )


def _checked(draft: Draft, book: SegmentBook) -> Segment:
    problems = [
        Problem(f"/{field}", "holds a NUL character; take it out")
        for field, text in (("title", draft.title), ("description", draft.description))
        if "\0" in text
    ]
    try:
        segment = segment_of(draft, FEATURES)
        SegmentBook((*(each for each in book if each.name != draft.name), segment))
    except SegmentInvalid as error:
        raise SegmentInvalid((*problems, *error.problems)) from error
    if problems:
        raise SegmentInvalid(problems)
    return segment


def _with_users(book: SegmentBook, name: str) -> list[str]:
    """The segment and all that refer to it, directly or by way of others, in the book's order."""
    found = {name}
    for each in book:
        if found.intersection(references_of(each)):
            found.add(each.name)
    return [each.name for each in book if each.name in found]
