"""Stages with and without orders, what the last run remembers, status, strength and strategy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.domain.histories import DAY_MS
from engine.loyalty.config import LoyaltyConfig
from engine.loyalty.cuts import POOLED, Cuts, ValueModels
from engine.loyalty.features import lifecycle
from engine.loyalty.features.context import Columns, Context
from engine.loyalty.states import (
    BOT,
    CHECKOUT,
    IN_CART,
    ORDERED,
    VIEWED,
    VIEWED_TWICE,
    StageMemory,
)
from engine.loyalty.trajectory import LOYALTY, NO_STAGE, SEPARATION, STAGES
from tests.states import (
    NOW,
    TODAY,
    Bought,
    Person,
    Visited,
    a_states,
    at,
    some_columns,
    values_of,
)

MODELS = {
    POOLED: ValueModels(
        {"kind": "mbg_nbd", "r": 0.5, "alpha": 40.0, "a": 0.9, "b": 1.6},
        {"kind": "gamma_gamma", "p": 6.0, "q": 4.0, "v": 1_500.0},
    )
}
CUTS = Cuts(as_of_ms=NOW, rfm=Cuts.untrained().rfm, cycle=30.0, value=MODELS)
WITHOUT_MODELS = Cuts(as_of_ms=NOW, rfm=Cuts.untrained().rfm, cycle=30.0)


def told_of(
    *people: Person,
    cuts: Cuts = CUTS,
    memory: StageMemory | None = None,
    known: Columns | None = None,
    now_ms: int = NOW,
) -> dict[str, list[float | str | None]]:
    states = a_states(people, memory=memory, items={"cup": "ware", "pot": "kitchen"})
    columns = lifecycle.compute(Context.of(states, cuts, now_ms=now_ms), known or {})
    return {name: values_of(column) for name, column in columns.items()}


def buyer(*days_ago: float, item: str = "tea") -> Person:
    return Person(orders=[Bought(ago, item) for ago in days_ago])


def memory(stage: int, *, since_ago: float, before: int = -1) -> StageMemory:
    return StageMemory(
        stage=np.asarray([stage], np.int8),
        since=np.asarray([at(since_ago)]),
        before=np.asarray([before], np.int8),
    )


@pytest.mark.parametrize(
    ("visits", "stage", "before"),
    [
        ([Visited(10, VIEWED)], "awareness", None),
        ([Visited(10, IN_CART)], "exploration", None),
        ([Visited(200, VIEWED), Visited(10, CHECKOUT)], "exploration", "awareness"),
        ([Visited(100, VIEWED | IN_CART)], "awareness", "exploration"),
        ([Visited(10, IN_CART | BOT)], "awareness", None),
        ([Visited(366, VIEWED)], None, None),
        ([], None, None),
    ],
)
def test_stages_without_an_order(visits: list[Visited], stage: str | None, before: str | None):
    told = told_of(Person(visits=visits))

    assert told["stage"] == [stage]
    assert told["previous_stage"] == [before]
    assert told["strategy"] == ["acquire"]


def test_exploration_by_carts_began_with_the_first_that_no_month_parts_from_the_next():
    told = told_of(Person(visits=[Visited(ago, IN_CART) for ago in (90, 50, 25, 5)]))

    assert told["stage_since"] == [at(50)]


def test_who_looked_around_before_the_first_order_was_aware():
    looked = replace(buyer(5), visits=[Visited(20, VIEWED)])

    told = told_of(looked, buyer(5))

    assert told["stage"] == ["exploration", "exploration"]
    assert told["previous_stage"] == ["awareness", None]
    assert told["stage_since"] == [(TODAY - 5) * DAY_MS] * 2


@pytest.mark.parametrize("orders", [(200, 80), (90, 60, 30), (400,), (300, 299, 298, 200, 100)])
def test_who_is_gone_stays_gone_for_as_long_as_no_order_comes(orders: tuple[int, ...]):
    gone = False
    for waited in range(0, 400, 5):
        (stage,) = told_of(buyer(*(each + waited for each in orders)))["stage"]
        assert stage == "separation" or not gone
        gone = stage == "separation"
    assert gone


def test_the_stage_is_told_by_the_log_and_the_cuts_whatever_was_said_before():
    """Cuts by which 80 days are no separation: what older ones said of them is void."""
    gone = memory(SEPARATION, since_ago=10, before=2)

    told = told_of(buyer(200, 80), cuts=WITHOUT_MODELS, memory=gone)

    assert told["stage"] == told_of(buyer(200, 80), cuts=WITHOUT_MODELS)["stage"]
    assert told["stage"] != ["separation"]


def test_a_new_order_ends_separation_and_the_memory_says_what_was_before():
    gone = memory(SEPARATION, since_ago=10)

    told = told_of(buyer(200, 80, 2), cuts=WITHOUT_MODELS, memory=gone)

    assert told["stage"] == ["familiarity"]
    assert told["previous_stage"] == ["separation"]
    assert told["stage_since"][0] >= at(10)


def test_a_stage_that_still_holds_began_when_the_memory_says():
    loyal = memory(LOYALTY, since_ago=400, before=2)

    told = told_of(buyer(120, 90, 60, 30, 5), memory=loyal)

    assert told["stage"] == ["loyalty"]
    assert told["stage_since"] == [at(400)]


def test_a_memory_of_nothing_changes_nothing():
    nothing = StageMemory(
        stage=np.asarray([NO_STAGE], np.int8),
        since=np.asarray([-1]),
        before=np.asarray([NO_STAGE], np.int8),
    )
    regular = buyer(120, 90, 60, 30, 5)

    assert told_of(regular, memory=nothing) == told_of(regular)


@pytest.mark.parametrize(
    ("person", "status"),
    [
        (Person(visits=[Visited(20, ORDERED)]), "suspect"),
        (Person(visits=[Visited(20, VIEWED)]), "prospect"),
        (Person(visits=[Visited(91, VIEWED)]), "suspect"),
        (Person(visits=[Visited(20, VIEWED | BOT)]), "suspect"),
        (buyer(89), "current"),
        # Separation since 91 days, and 6 cycles are 180 days.
        (buyer(180), "current"),
        (buyer(181), "lost"),
        # A slow one: cycle (60 + 900) / 4 = 240 days, separation after 720, lost 180 later.
        (buyer(1700, 1250, 800), "current"),
        (buyer(1850, 1400, 950), "lost"),
    ],
)
def test_status_of_the_customer(person: Person, status: str):
    later = NOW + 1_000 * DAY_MS
    aged = replace(person, orders=[replace(each, ago=each.ago - 1_000) for each in person.orders])
    aged = replace(aged, visits=[replace(each, ago=each.ago - 1_000) for each in person.visits])

    assert told_of(aged, cuts=WITHOUT_MODELS, now_ms=later)["customer_status"] == [status]


@pytest.mark.parametrize(
    ("steps", "level"),
    [
        (0, "visitor"),
        (VIEWED, "browser"),
        (VIEWED | VIEWED_TWICE, "shopper"),
        (IN_CART, "shopper"),
        (CHECKOUT, "shopper"),
        (VIEWED | ORDERED, "buyer"),
    ],
)
def test_the_level_is_that_of_the_best_visit_of_a_year(steps: int, level: str):
    visits = [Visited(3), Visited(20, steps), Visited(40, steps & VIEWED)]
    before = [Visited(366, ORDERED), Visited(5, ORDERED | BOT)]

    told = told_of(Person(visits=[*before, *visits]), Person(visits=before), Person())

    assert told["visitor_level"] == [level, None, None]


def test_strength_by_hand():
    """P(alive) * (1 - exp(-2 / 3)) * (0.7 + 0.3 * 2 / 3): two orders from two categories.

    P(alive) of MBG/NBD = 1 / (1 + 0.9 / (1.6 + 1) * ((40 + 100) / (40 + 60))^1.5).
    """
    person = Person(orders=[Bought(100, "cup"), Bought(40, "pot")])

    told = told_of(person)

    alive = 1 / (1 + 0.9 / 2.6 * (140 / 100) ** 1.5)
    now = alive * (1 - np.exp(-2 / 3)) * (0.7 + 0.3 * 2 / 3)
    # 90 days ago: one order, ten days old, of one category.
    alive_then = 1 / (1 + 0.9 / 1.6 * (50 / 40) ** 0.5)
    then = alive_then * (1 - np.exp(-1 / 3)) * (0.7 + 0.3 / 3)
    assert told["relationship_strength"] == [pytest.approx(now)]
    assert told["strength_slope"] == [pytest.approx(now - then)]


def test_goods_without_a_category_count_as_one():
    told = told_of(buyer(100, 40), Person(orders=[Bought(100, "cup"), Bought(40, "cup")]))

    one, other = told["relationship_strength"]
    assert one == other


def test_strength_without_a_model_is_unknown():
    told = told_of(buyer(100, 40), Person(), cuts=WITHOUT_MODELS)

    assert told["relationship_strength"] == [None, None]
    assert told["strength_slope"] == [None, None]


@pytest.mark.parametrize(
    ("person", "strategy"),
    [
        (buyer(10), "develop"),
        (buyer(40, 10), "develop"),
        (buyer(120, 90, 60, 30, 5), "retain"),
        (buyer(300), "win_back"),
    ],
)
def test_strategy_follows_the_stage(person: Person, strategy: str):
    assert told_of(person)["strategy"] == [strategy]


def test_the_chance_to_win_back_is_that_of_others_as_late():
    """Beta(1, 9) and 4 of 20 who were as late: (1 + 4) / (10 + 20)."""
    cuts = Cuts(
        as_of_ms=NOW,
        rfm=CUTS.rfm,
        cycle=30.0,
        value=MODELS,
        win_back={"3": (4, 20), "4": (0, 0), "6": (0, 90), "9": (0, 0)},
    )

    told = told_of(buyer(100), buyer(120), buyer(200), buyer(10), cuts=cuts)

    chances = told["win_back_chance"]
    assert chances[:3] == [pytest.approx(5 / 30), pytest.approx(1 / 10), pytest.approx(1 / 100)]
    assert chances[3] is None


def test_winning_back_pays_or_not_by_its_cost():
    dear = Cuts(
        as_of_ms=NOW,
        rfm=CUTS.rfm,
        cycle=30.0,
        value=MODELS,
        config=LoyaltyConfig(win_back_cost=1_000_000),
    )

    free, costly = told_of(buyer(300)), told_of(buyer(300), cuts=dear)

    [value] = free["win_back_value"]
    assert isinstance(value, float) and value > 0
    assert costly["win_back_value"] == [pytest.approx(value - 1_000_000)]
    assert costly["strategy"] == ["let_go"]


@pytest.mark.parametrize(
    "known",
    [
        some_columns(consent_email=["denied"]),
        some_columns(exit_reason=["need_ended"]),
    ],
)
def test_who_objects_or_needs_nothing_is_let_go(known: Columns):
    told = told_of(buyer(300), known=known)

    assert told["win_back_value"] == [None]
    assert told["strategy"] == ["let_go"]


def test_without_a_model_nobody_says_whether_to_win_back():
    told = told_of(buyer(300), cuts=WITHOUT_MODELS)

    assert told["stage"] == ["separation"]
    assert told["win_back_value"] == [None]
    assert told["strategy"] == [None]


def test_stages_are_exported_in_the_order_of_a_relationship():
    assert lifecycle.STAGES == STAGES
    assert STAGES == ("awareness", "exploration", "familiarity", "loyalty", "separation")
