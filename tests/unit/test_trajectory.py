"""Lifecycle stages by orders: CDNOW's known numbers, the rules one by one, and since when."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.histories import DAY_MS
from engine.loyalty.config import LoyaltyConfig
from engine.loyalty.cuts import POOLED, Cuts, ValueModels
from engine.loyalty.features.context import Context
from engine.loyalty.stage_since import stage_since
from engine.loyalty.states import States
from engine.loyalty.trajectory import NO_STAGE, SEPARATION, STAGES, Course, stages
from tests.purchases_only import CDNOW, cdnow, day_ms, states_of_purchases
from tests.states import NOW, TODAY, Bought, Person, a_states

MBG_ON_CDNOW = {"kind": "mbg_nbd", "r": 0.5248, "alpha": 43.28, "a": 0.8914, "b": 1.614}
BG_ON_CDNOW = {"kind": "bg_nbd", "r": 0.2426, "alpha": 30.89, "a": 0.7929, "b": 2.4258}
WITHOUT_MODEL: dict[str, object] = {}


def cuts_of(
    cycle: float, model: dict[str, object] = WITHOUT_MODEL, config: LoyaltyConfig | None = None
) -> Cuts:
    untrained = Cuts.untrained()
    return Cuts(
        as_of_ms=NOW,
        rfm=untrained.rfm,
        config=config or LoyaltyConfig(),
        cycle=cycle,
        value={POOLED: ValueModels(dict(model))} if model else {},
    )


def stage_of(*days_ago: float, cuts: Cuts | None = None) -> str | None:
    states = a_states([Person(orders=[Bought(ago) for ago in days_ago])])
    [[stage]] = stages(states, cuts or cuts_of(30), np.asarray([NOW])).tolist()
    return None if stage == NO_STAGE else STAGES[stage]


@pytest.mark.skipif(not CDNOW.exists(), reason=f"the CDNOW sample is not at {CDNOW}")
@pytest.mark.parametrize("model", [WITHOUT_MODEL, MBG_ON_CDNOW, BG_ON_CDNOW])
@pytest.mark.parametrize(
    ("cycle", "sizes"),
    [(27.0, (74, 458, 1_825)), (60.0, (108, 517, 1_732))],
)
def test_cdnow_has_the_known_stages(
    cycle: float, sizes: tuple[int, int, int], model: dict[str, object]
):
    """As of 30 September 1997, with loyalty entered by its condition on that day alone."""
    goods = cdnow()
    now = day_ms("19970930")
    cuts = cuts_of(cycle, model, LoyaltyConfig(loyalty_held_for=0))

    stage = stages(states_of_purchases(goods), cuts, np.asarray([now]))[:, 0]

    counts = np.bincount(stage, minlength=len(STAGES))
    assert counts.tolist() == [0, 0, sizes[1], sizes[0], sizes[2]]
    if cycle == 27.0:
        later = goods.where(goods.at > now)
        spent = np.bincount(later.row(), weights=later.value, minlength=len(later)) / 100
        again = np.diff(later.indptr) > 0
        told = [
            (
                round(float(again[stage == each].mean()), 2),
                round(float(spent[stage == each].mean()), 2),
            )
            for each in (3, 2, 4)
        ]
        assert told == [(0.89, 233.72), (0.60, 61.46), (0.19, 13.99)]


@pytest.mark.parametrize(
    ("days_ago", "stage"),
    [
        ((), None),
        ((10,), "exploration"),
        ((90,), "exploration"),
        ((91,), "separation"),
        ((40, 10), "familiarity"),
        ((120, 90, 60, 30, 5), "loyalty"),
        # Three orders are too few.
        ((120, 60, 5), "familiarity"),
        # Four, but all within two of the four windows of 30 days.
        ((200, 35, 20, 5), "familiarity"),
        # Regular, but known for less than three cycles.
        ((80, 60, 40, 20, 5), "familiarity"),
        # Regular until a silence of over three cycles.
        ((300, 270, 240, 210, 180), "separation"),
        # Later than one and a half cycles: no longer loyal, not yet gone.
        ((200, 170, 140, 110, 80), "familiarity"),
    ],
)
def test_rules_of_the_stages(days_ago: tuple[float, ...], stage: str | None):
    assert stage_of(*days_ago) == stage


def test_loyalty_has_to_hold_for_a_day():
    """The order of today fills the third window; yesterday only two had one."""
    days_ago = (110, 80, 70, 0)

    assert stage_of(*days_ago) == "familiarity"
    assert stage_of(*days_ago, cuts=cuts_of(30, config=LoyaltyConfig(loyalty_held_for=0))) == (
        "loyalty"
    )


def test_an_unlikely_next_order_separates_before_three_cycles():
    """55 days after the last of four orders, 2.6 cycles of 21 days.

    By the model P(alive) = 1 / (1 + 5 / (1 + 3) * ((10 + 100) / (10 + 45))^4) = 0.048.
    """
    leaving = {"kind": "mbg_nbd", "r": 1.0, "alpha": 10.0, "a": 5.0, "b": 1.0}

    assert stage_of(100, 90, 80, 55) == "familiarity"
    assert stage_of(100, 90, 80, 55, cuts=cuts_of(30, leaving)) == "separation"


def test_stages_of_many_times_are_those_of_each():
    states = a_states(
        [Person(orders=[Bought(each) for each in own]) for own in ((300, 5), (), (99,))]
    )
    times = NOW - DAY_MS * np.asarray([400, 250, 100, 0])

    together = stages(states, cuts_of(30), times)

    one_by_one = [stages(states, cuts_of(30), times[each : each + 1]) for each in range(4)]
    assert together.tolist() == np.concatenate(one_by_one, axis=1).tolist()
    assert together[0].tolist() == [NO_STAGE, 1, SEPARATION, 2]


def test_orders_after_the_latest_time_do_not_exist():
    early = NOW - 50 * DAY_MS
    with_later = a_states([Person(orders=[Bought(90), Bought(10)])])
    without = a_states([Person(orders=[Bought(90)])])

    times = np.asarray([early])
    assert stages(with_later, cuts_of(30), times) == stages(without, cuts_of(30), times)


gaps = st.lists(
    st.one_of(st.integers(1, 12), st.integers(13, 60), st.integers(61, 300)), max_size=25
)


@given(st.lists(st.tuples(st.integers(0, 120), gaps), min_size=1, max_size=5), st.booleans())
def test_the_stage_began_when_it_says(customers: list[tuple[int, list[int]]], modelled: bool):
    """Against a walk back over every single day."""
    cuts = cuts_of(30, MBG_ON_CDNOW if modelled else WITHOUT_MODEL)
    states = a_states([buyer(last, own) for last, own in customers])
    course = Course.of(Context.of(states, cuts, now_ms=NOW))
    everyone = np.arange(len(states))
    stage = course.stages(everyone, np.full(len(states), TODAY))

    since, before = stage_since(course, everyone, stage, today=TODAY)

    for number, own in enumerate(daily(course)):
        start = int(since[number])
        assert own[start] == own[TODAY] == stage[number]
        assert own[start - 1] == before[number] != stage[number]
        assert longest_break(own[start:] == stage[number]) < 7


@given(st.lists(st.tuples(st.integers(0, 120), gaps), min_size=2, max_size=6))
def test_others_do_not_change_when_a_stage_began(customers: list[tuple[int, list[int]]]):
    states = a_states([buyer(last, own) for last, own in customers])

    together = began(states)

    alone = [began(states.take(np.asarray([each]))) for each in range(len(states))]
    assert together == [each for [each] in alone]


def test_separation_begins_on_the_first_day_beyond_three_cycles():
    states = a_states([Person(orders=[Bought(200)])])

    assert began(states, cuts_of(30)) == [(TODAY - 200 + 91, STAGES.index("exploration"))]


def buyer(last: int, between: list[int]) -> Person:
    ago = [last, *(last + total for total in np.cumsum(between).tolist())]
    return Person(orders=[Bought(each) for each in ago if each < TODAY])


def began(states: States, cuts: Cuts | None = None) -> list[tuple[int, int]]:
    course = Course.of(Context.of(states, cuts or cuts_of(30, MBG_ON_CDNOW), now_ms=NOW))
    everyone = np.arange(len(states))
    stage = course.stages(everyone, np.full(len(states), TODAY))
    since, before = stage_since(course, everyone, stage, today=TODAY)
    return list(zip(since.tolist(), before.tolist(), strict=True))


def daily(course: Course) -> np.ndarray:
    everyone = np.arange(len(course.types))
    return course.on(everyone, np.tile(np.arange(TODAY + 1), (len(everyone), 1)))


def longest_break(held: np.ndarray) -> int:
    longest = now = 0
    for each in held.tolist():
        now = 0 if each else now + 1
        longest = max(longest, now)
    return longest
