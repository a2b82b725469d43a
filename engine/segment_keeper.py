"""Changing the shop's own segments, and working out for everyone who is in a segment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import msgspec

from engine.domain.features import SegmentRun, StoredSegment
from engine.errors import SegmentConflict, SegmentUnknown
from engine.loyalty.features.registry import FEATURES
from engine.ports import Segments
from engine.segments.attributes import storable
from engine.segments.book import SegmentBook
from engine.segments.conditions import OfSegment, plain, walk
from engine.segments.dialects import DialectName
from engine.segments.problems import Problem, SegmentInvalid, instead
from engine.segments.segment import Draft, Segment, segment_of
from engine.segments.sql import compile_sql


@dataclass(frozen=True)
class SegmentKeeper:
    """Keeps segments and their members in step; `book` gives all segments of the shop as they are.

    Every method may raise StoreUnavailable.
    """

    segments: Segments
    book: Callable[[], SegmentBook]

    def one(self, name: str) -> Segment:
        """The segment of that name. Raises SegmentUnknown."""
        return known(name, self.book())

    def put(self, draft: Draft, *, now_ms: int) -> tuple[Segment, SegmentRun]:
        """Store the segment that the draft states; it and the run that worked out its members.

        Those of segments that refer to it are worked out too. Raises SegmentInvalid with every
        problem, and SegmentConflict for the name of a built-in one.
        """
        book = self.book()
        _refuse_builtin(book, draft.name)
        segment = _checked(draft, book)
        condition = msgspec.json.encode(plain(segment.condition)).decode()
        words = (segment.name, segment.title, segment.description)
        self.segments.put(StoredSegment(*words, condition=condition, updated_ms=now_ms))
        # Not read again: somebody else may be deleting it.
        changed = SegmentBook((*(each for each in book if each.name != segment.name), segment))
        runs = {
            name: self.refresh(changed, name, now_ms=now_ms)
            for name in _with_users(changed, segment.name)
        }
        return segment, runs[segment.name]

    def delete(self, name: str) -> None:
        """Remove a segment of the shop's own. Raises SegmentUnknown, and SegmentConflict when it
        is built in or others refer to it."""
        book = self.book()
        _refuse_builtin(book, name)
        users = book.used_by(name)
        if users:
            refer = "refers" if len(users) == 1 else "refer"
            raise SegmentConflict(f"{', '.join(users)} {refer} to {name}; change that first")
        # One that makes no sense any more is in no book, and can go all the same.
        if not self.segments.delete(name):
            self.one(name)

    def refresh(self, book: SegmentBook, name: str, *, now_ms: int) -> SegmentRun:
        """Work out for everyone, from the stored features, who is in the segment."""
        # A database knows its dialects by the names that conditions are compiled for.
        dialect = cast("DialectName", self.segments.dialect)
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


def known(name: str, book: SegmentBook) -> Segment:
    """The segment of that name in the book. Raises SegmentUnknown."""
    if name not in book:
        names = tuple(each.name for each in book)
        raise SegmentUnknown(f"there is no segment {name!r:.80}; {instead(name, names)}")
    return book[name]


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
        Problem(f"/{field}", "holds characters that no database keeps; take them out")
        for field, text in (("title", draft.title), ("description", draft.description))
        if not storable(text)
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
