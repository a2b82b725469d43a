"""One customer's whole story as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.charts.timeline import Event
from engine.portrait import Taste
from training.report.rendering import rendered
from training.report.sections.story import happened, wanted
from training.report.words import day

TEMPLATE = "customer.html"


@dataclass(frozen=True)
class Card:
    """A headline number, what it is, a sentence, and how many observations it rests on."""

    value: str
    name: str
    sentence: str
    evidence: int


@dataclass(frozen=True)
class Fact:
    """A known feature as people read it; `about` says what it is, `confidence` is 0 to 1."""

    name: str
    about: str
    value: str
    sentence: str
    confidence: float
    evidence: int


@dataclass(frozen=True)
class FactGroup:
    """Known features that belong together."""

    title: str
    facts: Sequence[Fact]


@dataclass(frozen=True)
class Membership:
    """A segment the customer is in, why, and since which day; "" when that was not noted."""

    title: str
    description: str
    reasons: Sequence[str]
    since: str


@dataclass(frozen=True)
class Missing:
    """What would make features known, and their names."""

    needs: str
    names: Sequence[str]


@dataclass(frozen=True)
class StageRun:
    """A lifecycle stage and the times in ms between which it held."""

    stage: str
    from_ms: int
    to_ms: int


@dataclass(frozen=True)
class Story:
    """Everything the page shows. `course` says stage and since when, `advice` what to do.

    `orders` hold revenue in minor units by day; `runs` are stages, the oldest first.
    """

    customer_id: str
    as_of_ms: int
    currency: str | None
    course: str
    advice: str
    cards: Sequence[Card]
    orders: Sequence[Event]
    runs: Sequence[StageRun]
    groups: Sequence[FactGroup]
    memberships: Sequence[Membership]
    tastes: Sequence[Taste]
    missing: Sequence[Missing]
    version: str = ""


def customer_page(story: Story) -> str:
    """The whole page; a part without data says so."""
    spans = [(each.stage, each.from_ms, each.to_ms) for each in story.runs]
    return rendered(
        TEMPLATE,
        story=story,
        as_of=day(story.as_of_ms),
        happened=happened(story.orders, spans, currency=story.currency),
        wanted=wanted(story.tastes),
    )
