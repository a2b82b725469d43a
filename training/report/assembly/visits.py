"""The funnel of visits, and of strategies and campaigns beside the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from engine.domain.arrays import IntArray
from engine.domain.ids import MISSING
from engine.loyalty.shop.funnel import (
    Funnel,
    campaign_of,
    compare,
    funnels,
    of_customers,
    repeats,
    since,
)
from engine.loyalty.states import Visits
from training.report.assembly.sources import Sources
from training.report.data import Comparison, Visiting

MOST_CAMPAIGNS = 5
THE_REST = "all other visits"


def visiting(sources: Sources) -> Visiting | None:
    """Funnels of the visits of 12 months; None without a visit."""
    config, now = sources.cuts.config, sources.now_ms
    visits = sources.states.visits
    visits = visits.where(since(visits, now_ms=now, days=config.year))
    if not len(visits):
        return None
    repeated = repeats(visits, sources.orders(), now_ms=now, days=config.quarter)
    everyone = np.zeros(len(visits), dtype=np.int32)
    overall = funnels(visits, repeated, group=everyone, names=["all visits"])[0]
    if not overall.browsing:
        return Visiting(overall)
    pairs = [
        pair
        for group, names in _groupings(sources, visits)
        for pair in _beside_rest(visits, repeated, group, names)
    ]
    compared = [
        Comparison(
            name=own.name,
            control=THE_REST,
            steps=tuple(compare(own, rest, config=config, randomised=False)),
        )
        for own, rest in pairs
    ]
    return Visiting(overall, tuple(own for own, _ in pairs), tuple(compared))


def _groupings(sources: Sources, visits: Visits) -> Iterator[tuple[IntArray, Sequence[str]]]:
    """Ways to sort visits into groups: the group of each visit, and the groups' names."""
    mails, words = sources.states.mails, sources.states.words
    campaign = campaign_of(visits, mails, hours=sources.cuts.config.campaign_hours)
    sizes = np.bincount(campaign[campaign >= 0], minlength=len(words))
    largest = np.argsort(-sizes, kind="stable")[:MOST_CAMPAIGNS]
    largest = largest[sizes[largest] > 0]
    place = np.full(len(words) + 1, MISSING, dtype=np.int32)
    place[largest] = np.arange(len(largest))
    yield place[campaign], [f"campaign {words[each]}" for each in largest.tolist()]
    strategy, labels = sources.choices("strategy")
    yield of_customers(strategy, visits), [f"strategy {each}" for each in labels]


def _beside_rest(
    visits: Visits, repeated: IntArray, group: IntArray, names: Sequence[str]
) -> Iterator[tuple[Funnel, Funnel]]:
    """Each group's funnel and that of all other visits; groups without a visit are left out."""
    for at, name in enumerate(names):
        halves = np.where(group == at, 0, 1).astype(np.int32)
        own, rest = funnels(visits, repeated, group=halves, names=[name, THE_REST])
        if own.counts[0]:
            yield own, rest
