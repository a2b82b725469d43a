"""Changing the shop's own segments from the command line, and working out their members."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from engine.domain.features import SegmentRun, StoredSegment
from engine.errors import DataRefused, RequestInvalid
from engine.loyalty.features.registry import FEATURES
from engine.ports import Segments
from engine.segments.attributes import storable
from engine.segments.book import SegmentBook
from engine.segments.conditions import OfSegment, plain, walk
from engine.segments.problems import Problem, SegmentInvalid, instead
from engine.segments.segment import Draft, Segment, segment_of
from engine.segments.shop import shop_book
from training.refresh import refresh_segment

_FIELDS = ("title", "description", "condition")


@dataclass(frozen=True)
class Words:
    """What the command line says of a segment beside its condition; None: nothing."""

    title: str | None = None
    description: str | None = None


@dataclass(frozen=True)
class Keeper:
    """Keeps the shop's segments and their members in step."""

    segments: Segments

    def book(self) -> SegmentBook:
        """All segments of the shop as they are."""
        return shop_book(self.segments.own(), FEATURES)

    def one(self, name: str) -> Segment:
        """The segment of that name; raises RequestInvalid."""
        book = self.book()
        if name not in book:
            names = tuple(each.name for each in book)
            raise RequestInvalid(f"there is no segment {name!r:.80}; {instead(name, names)}")
        return book[name]

    def put(self, draft: Draft, *, now_ms: int) -> SegmentRun:
        """Store the segment, work out its members and those of segments that refer to it.

        Raises RequestInvalid with every problem, and for the name of a built-in segment.
        """
        book = self.book()
        _refuse_builtin(book, draft.name)
        segment = _checked(draft, book)
        condition = msgspec.json.encode(plain(segment.condition)).decode()
        words = (segment.name, segment.title, segment.description)
        self.segments.put(StoredSegment(*words, condition=condition, updated_ms=now_ms))
        changed = self.book()
        runs = {
            name: refresh_segment(self.segments, changed, name, now_ms=now_ms)
            for name in with_users(changed, segment.name)
        }
        return runs[segment.name]

    def delete(self, name: str) -> None:
        """Remove a segment of the shop's own; raises RequestInvalid when that cannot be."""
        book = self.book()
        _refuse_builtin(book, name)
        users = book.used_by(name)
        if users:
            raise RequestInvalid(
                f"{', '.join(users)} refer{'s' if len(users) == 1 else ''} to {name}; "
                "change that first"
            )
        # One that makes no sense any more is in no book, and can go all the same.
        if not self.segments.delete(name):
            self.one(name)


def draft_of(name: str, path: Path, words: Words, book: SegmentBook) -> Draft:
    """A draft from a JSON file: a condition, or an object with a title, a description and one.

    What nobody says stays as it is in the book. Raises DataRefused for a file that cannot be used.
    """
    given = _read(path)
    told = given if isinstance(given, dict) and "condition" in given else {"condition": given}
    strange = [key for key in told if key not in _FIELDS]
    if strange:
        raise DataRefused(
            f"{', '.join(strange)}: no such key beside the condition; "
            f"allowed are {', '.join(_FIELDS)}",
            source=str(path),
        )
    for key in ("title", "description"):
        if not isinstance(told.get(key, ""), str):
            raise DataRefused(f"{key} is no text; put it in quotes", source=str(path))
    known = book[name] if name in book else None  # noqa: SIM401 - a book is no dict
    title = name.replace("_", " ").capitalize()
    return Draft(
        name,
        words.title or told.get("title") or (known.title if known else title),
        words.description or told.get("description") or (known.description if known else ""),
        told["condition"],
    )


def with_users(book: SegmentBook, name: str) -> list[str]:
    """The segment and all that refer to it, directly or by way of others, in the book's order."""
    found = {name}
    for each in book:
        if found & {part.name for _, part in walk(each.condition) if isinstance(part, OfSegment)}:
            found.add(each.name)
    return [each.name for each in book if each.name in found]


def _read(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    try:
        return msgspec.json.decode(path.read_bytes())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataRefused(f"is no JSON that can be read: {error}", source=str(path)) from error
    except OSError as error:
        raise DataRefused(f"cannot be read: {error.strerror}", source=str(path)) from error


def _refuse_builtin(book: SegmentBook, name: str) -> None:
    if name in book and book[name].builtin:
        raise RequestInvalid(
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
