"""From a portrait to the story of a customer's page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from engine.charts.timeline import Event
from engine.domain.features import Value
from engine.domain.histories import DAY_MS
from engine.loyalty.cuts import Cuts
from engine.loyalty.feature import Feature
from engine.loyalty.features.context import orders_by_day
from engine.loyalty.features.registry import FEATURES, GROUPS
from engine.loyalty.gather import states_of
from engine.loyalty.states import States
from engine.loyalty.trajectory import NO_STAGE, STAGES, stages
from engine.portrait import Portrait, Told
from engine.segments.why import why
from training.report.assembly.cards import cards
from training.report.customer import Fact, FactGroup, Membership, Missing, StageRun, Story
from training.report.sections.stages import MEANING
from training.report.words import day, days_spelled, feature_name, feature_value, money

WEEK_MS = 7 * DAY_MS
# Our own words for choices; what the shop itself named is left as it is.
_CHOICES = frozenset(choice for each in FEATURES.values() for choice in each.choices)
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Sitter:
    """Whose story it is: the portrait, the cuts it was drawn by, titles for the groups of features.

    `entered` says since when the customer is in which segment, in ms.
    """

    portrait: Portrait
    cuts: Cuts
    titles: Sequence[str]
    currency: str | None = None
    entered: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def told(self) -> Mapping[str, Told]:
        """Every feature by name."""
        return self.portrait.told()

    @cached_property
    def row(self) -> Mapping[str, Value]:
        """The features' values by name."""
        return self.portrait.row

    @cached_property
    def states(self) -> States:
        """The customer's orders, without what the catalogue says about the items."""
        own = self.portrait.customer
        return states_of([(own.stored.customer_id, own.state)], {})


def story_of(sitter: Sitter) -> Story:
    """Everything that the customer's page shows."""
    portrait = sitter.portrait
    orders = order_days(sitter)
    return Story(
        customer_id=portrait.customer.stored.customer_id,
        as_of_ms=portrait.now_ms,
        currency=sitter.currency,
        course=_course(sitter.row),
        advice=days_spelled(sitter.told["strategy"].explanation) if sitter.row["strategy"] else "",
        cards=cards(sitter.told, sitter.row, currency=sitter.currency),
        orders=orders,
        runs=stage_runs(sitter, orders),
        groups=list(_groups(sitter)),
        memberships=list(_memberships(sitter)),
        tastes=list(portrait.tastes()),
        missing=_missing(sitter.row),
        version=portrait.drawn.cuts_version,
    )


def order_days(sitter: Sitter) -> list[Event]:
    """A bar for each day with orders up to now, its height in minor units, oldest first."""
    found = orders_by_day(sitter.states.goods)
    return [
        Event(at * DAY_MS, float(value))
        for at, value in zip(found.day.tolist(), found.value.tolist(), strict=True)
        if at * DAY_MS <= sitter.portrait.now_ms
    ]


def stage_runs(sitter: Sitter, orders: Sequence[Event]) -> list[StageRun]:
    """The stages since the first order, looked at every week and now; equal ones are one run.

    The last one begins when the stage of now began, where that is known to the day.
    """
    now_ms = sitter.portrait.now_ms
    if not orders:
        return []
    times = np.append(np.arange(orders[0].at_ms, now_ms, WEEK_MS, dtype=np.int64), now_ms)
    found = stages(sitter.states, sitter.cuts, times)[0]
    turns = np.flatnonzero(np.append(True, found[1:] != found[:-1]))
    starts = times[turns].tolist()
    starts[-1] = _last_start(sitter.row, STAGES[found[-1]], starts[-1])
    # Up to the end of today: what began today is seen too.
    ends = [*starts[1:], (now_ms // DAY_MS + 1) * DAY_MS]
    return [
        StageRun(STAGES[stage], start, end)
        for stage, start, end in zip(found[turns].tolist(), starts, ends, strict=True)
        if stage != NO_STAGE
    ]


def _last_start(row: Mapping[str, Value], stage: str, seen_ms: int) -> int:
    """Since when the stage holds: by the day where one is known in the week before it was seen."""
    since = row["stage_since"]
    if row["stage"] != stage or since is None or isinstance(since, str):
        return seen_ms
    return int(since) if seen_ms - WEEK_MS < since <= seen_ms else seen_ms


def _course(row: Mapping[str, Value]) -> str:
    stage, since, before = row["stage"], row["stage_since"], row["previous_stage"]
    if not isinstance(stage, str):
        return "Stage of the lifecycle: unknown."
    told = f"{stage.capitalize()}: {MEANING[stage]}"
    if since is not None:
        told += f". So since {day(int(float(since)))}"
    return f"{told}, {before} before." if isinstance(before, str) else f"{told}."


def _groups(sitter: Sitter) -> Iterator[FactGroup]:
    for title, group in zip(sitter.titles, GROUPS, strict=True):
        facts = [
            _fact(each, sitter) for each in group.FEATURES if sitter.row[each.name] is not None
        ]
        if facts:
            yield FactGroup(title, facts)


def _fact(feature: Feature, sitter: Sitter) -> Fact:
    told = sitter.told[feature.name]
    return Fact(
        name=feature_name(feature.name),
        about=feature.about,
        value=feature_value(feature, sitter.row[feature.name], sitter.currency),
        sentence=days_spelled(told.explanation),
        confidence=told.confidence,
        evidence=told.evidence,
    )


def _memberships(sitter: Sitter) -> Iterator[Membership]:
    portrait = sitter.portrait
    for name in portrait.segments:
        segment = portrait.book[name]
        told = why(
            portrait.book.condition(name),
            portrait.person,
            now_ms=portrait.now_ms,
            money=lambda minor: money(minor, sitter.currency),
        )
        since = sitter.entered.get(name)
        yield Membership(
            title=segment.title,
            description=segment.description,
            reasons=[_WORD.sub(_spaced, reason) for reason in told.reasons()],
            since="" if since is None else day(since),
        )


def _spaced(found: re.Match[str]) -> str:
    return found[0].replace("_", " ") if found[0] in _CHOICES else found[0]


def _missing(row: Mapping[str, Value]) -> list[Missing]:
    """The unknown features by what would make them known, the most telling need first."""
    needs: dict[str, list[str]] = {}
    for name, feature in FEATURES.items():
        if row[name] is None:
            needs.setdefault(feature.needs, []).append(feature_name(name))
    found = [Missing(need, names) for need, names in needs.items()]
    return sorted(found, key=lambda each: -len(each.names))
