"""A segment: a name, words for people, and the condition that its customers meet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from engine.loyalty.feature import Feature
from engine.segments.conditions import Condition
from engine.segments.limits import MAX_DESCRIPTION, MAX_TITLE
from engine.segments.parse import parse
from engine.segments.problems import Problem, SegmentInvalid, shown

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Segment:
    """A named condition. `title` and `description` are for people, `builtin` ones cannot change."""

    name: str
    title: str
    description: str
    condition: Condition
    builtin: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A segment as somebody wrote it; `condition` is decoded JSON."""

    name: str
    title: str
    description: str
    condition: object


def segment_of(draft: Draft, features: Mapping[str, Feature], *, builtin: bool = False) -> Segment:
    """The segment that a draft states; raises SegmentInvalid with every problem.

    Pointers are into an object with the draft's four fields, such as `/condition/all/0/above`.
    """
    problems = list(_problems_of_words(draft))
    try:
        condition = parse(draft.condition, features, at="/condition")
    except SegmentInvalid as error:
        raise SegmentInvalid((*problems, *error.problems)) from error
    if problems:
        raise SegmentInvalid(problems)
    return Segment(draft.name, draft.title, draft.description, condition, builtin)


def _problems_of_words(draft: Draft) -> list[Problem]:
    problems = []
    if not _NAME.fullmatch(draft.name):
        remedy = "write a small letter, then up to 63 small letters, digits and _"
        problems.append(Problem("/name", f"{shown(draft.name)} is no name; {remedy}"))
    for field, text, least, most in (
        ("title", draft.title, 1, MAX_TITLE),
        ("description", draft.description, 0, MAX_DESCRIPTION),
    ):
        if not least <= len(text.strip()) or len(text) > most:
            problems.append(
                Problem(f"/{field}", f"has {len(text)} characters; write {least} to {most}")
            )
    return problems
