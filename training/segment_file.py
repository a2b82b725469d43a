"""A segment as it is written in a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import DataRefused
from engine.segments.book import SegmentBook
from engine.segments.segment import Draft

_FIELDS = ("title", "description", "condition")


@dataclass(frozen=True)
class Words:
    """What the command line says of a segment beside its condition; None: nothing."""

    title: str | None = None
    description: str | None = None


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


def _read(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    try:
        return msgspec.json.decode(path.read_bytes())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataRefused(f"is no JSON that can be read: {error}", source=str(path)) from error
    except OSError as error:
        raise DataRefused(f"cannot be read: {error.strerror}", source=str(path)) from error
