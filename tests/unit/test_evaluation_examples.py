"""Example customers: drawn by lot from every group, with their past, their lists, their hits."""

from __future__ import annotations

import numpy as np

from tests.builders import DAY_ZERO_MS, a_history, histories
from tests.contests import DAY_MS, ITEMS, a_ground, a_truth, some_contenders
from training.evaluation.examples import AGAIN, NEW, Line, choose_examples


def rng(seed: int = 3) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_an_example_shows_the_past_the_lists_and_what_was_bought() -> None:
    past = a_history((0, ["bread"]), (1, ["apple", "cheese"]), (2, ["apple"]), (4, ["dates"]))
    ground = a_ground(
        1,
        histories=histories(ITEMS, {"anna": past}),
        truths=[a_truth([0], [5], unseen=2)],
    )

    (anna,) = choose_examples(ground, some_contenders(ground), limit=2, rng=rng())

    assert anna.customer_id == "anna"
    assert anna.groups == {"activity": "heavy"}
    assert [order.titles for order in anna.orders] == [
        ["dates"],
        ["Apple, red"],
        ["Apple, red", "cheese"],
    ]
    assert anna.orders[0].at_ms == DAY_ZERO_MS + 4 * DAY_MS
    assert anna.bought == [Line("Apple, red", AGAIN), Line("Figs", NEW)]
    assert anna.unseen == 2
    assert anna.lists["v2"] == [Line("Apple, red", AGAIN), Line("Figs", NEW)]
    assert anna.lists["v1"] == [Line("Apple, red", AGAIN), Line("bread", "")]


def test_every_group_has_an_example_however_small_it_is() -> None:
    few = np.zeros(80, dtype=np.bool_)
    few[[7, 70]] = True
    ground = a_ground(groups={"size": {"few": few, "many": ~few}})

    examples = choose_examples(ground, some_contenders(ground), limit=3, rng=rng())

    groups = [each.groups["size"] for each in examples]
    assert len(examples) == len({each.customer_id for each in examples}) == 8
    assert groups.count("few") == 2


def test_the_draw_is_repeatable_and_blind_to_what_was_shown() -> None:
    ground = a_ground()
    contenders = some_contenders(ground)

    one = choose_examples(ground, contenders, limit=3, rng=rng(), most=5)
    other = choose_examples(ground, contenders[::-1], limit=1, rng=rng(), most=5)

    assert [each.customer_id for each in one] == [each.customer_id for each in other]
    assert len(one) == 5


def test_a_few_customers_are_all_shown_and_no_group_is_needed() -> None:
    ground = a_ground(3, groups={})

    examples = choose_examples(ground, some_contenders(ground), limit=3, rng=rng())

    assert sorted(each.customer_id for each in examples) == ["c000", "c001", "c002"]
