"""Bringing models to one ground: who was there, what each shows them, and what that costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from engine.domain.arrays import BoolArray, FloatArray
from engine.domain.assortment import Assortment
from engine.domain.catalog import Item
from engine.domain.histories import Histories
from engine.domain.ids import IdTable
from engine.errors import DataRefused
from engine.loyalty.cuts import Cuts
from engine.loyalty.features.context import Context
from engine.loyalty.purchases import facts_of, states_of_purchases
from engine.loyalty.states import ItemFacts
from engine.loyalty.trajectory import NO_STAGE, STAGES, Course
from engine.models.als import Als
from engine.models.frequency import PersonalFrequency
from engine.models.goals import Goal
from engine.models.model import Model
from engine.models.repurchase import RepurchaseTiming
from training.evaluate import FILL, FILTERED, SINGLES, evaluate
from training.evaluation.contenders import Contender, Ground, Role
from training.evaluation.examples import Example, choose_examples
from training.evaluation.groups import by_activity, by_label
from training.evaluation.judge import PLAIN, Judging, judge_contenders
from training.evaluation.results import Evaluation
from training.history import Purchases
from training.windows import Window, only_new

ACTIVITY, STAGE = "activity", "stage"
DISCOVER = "Discover: new to the customer"
# What cannot say anything of items that are new to a customer.
_OF_THE_PAST = frozenset({PersonalFrequency.name, RepurchaseTiming.name})


@dataclass(frozen=True)
class Entry:
    """A model that competes; `new_only` shows everybody only what they never bought."""

    name: str
    model: Model
    role: Role = Role.BASELINE
    fit_seconds: float | None = None
    new_only: bool = False


@dataclass(frozen=True)
class Known:
    """What was known when the window began, items as positions in the models' table.

    Without `cuts` no stage is told; `until_ms` None: nobody says when the window ended. Not
    `timed`: purchases have no times, and all that can be sought is new to the customer.
    """

    items: IdTable
    assortment: Assortment
    popularity: FloatArray
    cuts: Cuts | None
    until_ms: int | None
    titles: Mapping[str, str]
    notes: Sequence[str] = ()
    timed: bool = True


@dataclass(frozen=True)
class Match:
    """How to hold a contest: the cooldown of the shop, how long lists are, the judge, the lots."""

    cooldown: timedelta
    limit: int
    seed: int
    judging: Judging = PLAIN
    step: Callable[[str], None] = lambda _: None


@dataclass(frozen=True)
class Outcome:
    """The contest over everything, the one over what was new, and customers to look at.

    `discover` is None when nobody bought anything new, or nobody competes for it.
    """

    home: Evaluation
    discover: Evaluation | None
    examples: Sequence[Example]


def hold(entries: Sequence[Entry], target: Window, known: Known, *, match: Match) -> Outcome:
    """The contest of the entries, the first of them on trial, for home and for discover.

    Raises DataRefused when nobody in the window can be judged by.
    """
    if not target.truths:
        raise DataRefused(
            "nobody with a past bought anything in the test window; choose a longer one, "
            "--test-days say"
        )
    ground = ground_of(target, known)
    shown = [contender(each, target, match=match) for each in entries]
    match.step(f"judging {len(shown)} lists for {len(ground):,} customers")
    home = _judged(ground, shown, match)
    return Outcome(
        home=home,
        discover=_discover(entries, target, known, match) if known.timed else None,
        examples=choose_examples(
            ground,
            _side_by_side(home, shown),
            limit=match.limit,
            rng=np.random.default_rng(match.seed),
        ),
    )


def ground_of(target: Window, known: Known) -> Ground:
    """The ground that a window makes: its customers apart by activity and by lifecycle stage."""
    groups: dict[str, Mapping[str, BoolArray]] = {ACTIVITY: by_activity(target.histories)}
    if known.cuts is not None:
        facts = facts_of(known.items, known.assortment)
        stages = stages_of(target.histories, facts, known.cuts, now_ms=target.start_ms)
        groups[STAGE] = by_label(stages, order=STAGES)
    return Ground(
        histories=target.histories,
        truths=target.truths,
        item_ids=known.items,
        popularity=known.popularity,
        category=known.assortment.category,
        start_ms=target.start_ms,
        until_ms=known.until_ms,
        groups=groups,
        titles=known.titles,
        newcomers=target.newcomers,
        notes=[*known.notes, *_drawn(target)],
        timed=known.timed,
    )


def _drawn(target: Window) -> list[str]:
    """That not everybody is here, when it is so."""
    if target.drawn_from is None:
        return []
    return [
        f"{target.drawn_from:,} customers with a past bought something in the window; of so many, "
        f"{len(target.truths):,} drawn evenly tell as much."
    ]


def stages_of(
    histories: Histories, facts: ItemFacts, cuts: Cuts, *, now_ms: int
) -> list[str | None]:
    """The lifecycle stage of each customer as of now, None for one without an order."""
    states = states_of_purchases(histories, facts)
    context = Context.of(states, cuts, now_ms=now_ms)
    everyone = np.arange(len(histories))
    stages = Course.of(context).stages(everyone, np.full(everyone.shape, context.today))
    return [None if each == NO_STAGE else STAGES[each] for each in stages.tolist()]


def orders_with(purchases: Purchases, items: IdTable | None = None) -> FloatArray:
    """How many orders, guests' among them, hold each item of the purchases' table or another."""
    table = purchases.items if items is None else items
    position = table.indices(purchases.items.ids)
    total = np.zeros(len(table), dtype=np.int64)
    for histories in (purchases.customers, purchases.guests):
        known = histories.item >= 0
        item = position[histories.item[known]]
        pairs = np.unique(np.stack([histories.order[known], item], axis=1), axis=0)
        total += np.bincount(pairs[pairs[:, 1] >= 0, 1], minlength=len(total))
    return total.astype(np.float32)


def titles_of(catalog: Mapping[str, Item]) -> dict[str, str]:
    """The titles there are, by item."""
    return {item_id: item.title for item_id, item in catalog.items() if item.title}


def contender(entry: Entry, target: Window, *, match: Match) -> Contender:
    """The lists that the entry shows the window's customers, timed."""
    match.step(f"lists of '{entry.name}' for {len(target.truths):,} customers")
    tried = evaluate(
        entry.model,
        target,
        cooldown=match.cooldown,
        limit=match.limit,
        new_only=entry.new_only,
    )
    return Contender(
        name=entry.name,
        lists=tried.lists,
        fit_seconds=entry.fit_seconds,
        lists_per_second=len(tried.lists) / tried.seconds if tried.seconds > 0 else None,
        memory_mb=megabytes(entry.model),
        role=entry.role,
    )


def singles(model: Model, seconds: Mapping[str, float]) -> list[Entry]:
    """Each single scorer of a model as an entry; `seconds` are by scorer how long its fit took."""
    return [
        Entry(
            name,
            alone(model, own),
            fit_seconds=spent_on(own, seconds),
            new_only=name == FILTERED,
        )
        for name, own in SINGLES.items()
        if own.keys() <= model.scorers.keys()
    ]


def alone(model: Model, weights: Mapping[str, float]) -> Model:
    """The model with some of its scorers only, blended by the same weights whatever the goal."""
    return replace(
        model,
        scorers={name: model.scorers[name] for name in weights},
        blends={Goal.ANY: weights},
        ranking=None,
    )


def without_trees(model: Model) -> Model:
    """The model served by its blends."""
    return replace(model, ranking=model.ranking and replace(model.ranking, rankers={}))


def spent_on(weights: Mapping[str, float], seconds: Mapping[str, float]) -> float | None:
    """How long the scorers with a say took to fit, None when that was not measured."""
    own = [seconds[name] for name, weight in weights.items() if weight > FILL and name in seconds]
    return sum(own) if own else None


def megabytes(model: Model) -> float:
    """What the model's arrays hold, in MB of a million bytes."""
    return sum(array.nbytes for array in model.arrays().values()) / 1e6


def _judged(ground: Ground, shown: Sequence[Contender], match: Match) -> Evaluation:
    return judge_contenders(
        ground,
        shown,
        limit=match.limit,
        rng=np.random.default_rng(match.seed),
        config=match.judging,
    )


def _discover(
    entries: Sequence[Entry], target: Window, known: Known, match: Match
) -> Evaluation | None:
    """The contest for items new to their customers; whoever only knows the past stays away."""
    fit = [replace(each, new_only=True) for each in entries if _explores(each)]
    window = only_new(target)
    if not window.truths or not fit:
        return None
    shown = [contender(each, window, match=match) for each in fit]
    return _judged(ground_of(window, known), shown, match)


def _explores(entry: Entry) -> bool:
    """Whether an entry is one of its own when all that was bought is left out."""
    speaking = {
        name for own in entry.model.blends.values() for name, weight in own.items() if weight > FILL
    }
    if speaking == {Als.name}:
        # Of the two that differ by showing repeats or not, one is enough where nobody may.
        return entry.new_only
    return not speaking <= _OF_THE_PAST


def _side_by_side(home: Evaluation, shown: Sequence[Contender]) -> list[Contender]:
    """Whose lists stand beside each other: on trial, its measure, and whoever else is a model."""
    names = {home.first.name, home.yardstick.name if home.yardstick else ""}
    return [each for each in shown if each.name in names or each.role is not Role.BASELINE]
