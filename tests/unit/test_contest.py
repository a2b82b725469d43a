"""Bringing models to one ground."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from engine.domain.assortment import Assortment
from engine.domain.catalog import Item
from engine.domain.histories import DAY_MS
from engine.domain.ids import IdTable
from engine.errors import DataRefused
from engine.loyalty.config import LoyaltyConfig
from engine.loyalty.features.registry import features
from engine.loyalty.fit import fit_cuts
from engine.loyalty.purchases import plain_facts, states_of_purchases
from engine.models.goals import Goal
from tests.builders import DAY_ZERO_MS, a_history, a_model, histories
from training.contest import (
    Entry,
    Known,
    Match,
    alone,
    ground_of,
    hold,
    orders_with,
    singles,
    spent_on,
    stages_of,
    titles_of,
    without_trees,
)
from training.evaluation.contenders import Role
from training.evaluation.metrics import Truth
from training.history import Purchases
from training.retrained import later, with_test_days
from training.split import Split
from training.truth import window_of
from training.windows import Window

ITEMS = ("apple", "bread", "cheese", "dates", "eggs")
START_MS = DAY_ZERO_MS + 20 * DAY_MS
MATCH = Match(cooldown=timedelta(0), limit=3, seed=1)


def some_purchases() -> Purchases:
    """Three customers with a past, and a guest who bought bread."""
    past = {
        "anna": a_history((0, ["apple"]), (7, ["apple", "bread"]), (14, ["apple"])),
        "ben": a_history((3, ["cheese"])),
        "cleo": a_history((4, ["bread", "dates"]), (11, ["bread"])),
    }
    guests = histories(ITEMS, {"": a_history((5, ["bread"]))})
    return Purchases(histories(ITEMS, past), guests, IdTable(ITEMS), START_MS)


def a_window(purchases: Purchases) -> Window:
    """Anna buys apples again and eggs for the first time, Ben bread, Cleo bread again."""
    bought = ([0], [4]), ([], [1]), ([1], [])
    truths = [Truth(np.array(a, np.int64), np.array(b, np.int64), 0) for a, b in bought]
    return Window(purchases.customers, truths, START_MS, newcomers=2)


def known(purchases: Purchases) -> Known:
    return Known(
        items=purchases.items,
        assortment=Assortment.unknown(len(ITEMS)),
        popularity=orders_with(purchases),
        cuts=None,
        until_ms=START_MS + 7 * DAY_MS,
        titles={"apple": "Apple, red"},
    )


def test_popularity_counts_orders_of_customers_and_guests_once_each() -> None:
    counts = orders_with(some_purchases())

    assert counts.tolist() == [3, 4, 1, 1, 0]


def test_popularity_over_another_table_leaves_out_what_it_lacks() -> None:
    counts = orders_with(some_purchases(), IdTable(["eggs", "bread"]))

    assert counts.tolist() == [0, 4]


def test_the_ground_knows_who_ordered_how_often() -> None:
    purchases = some_purchases()

    ground = ground_of(a_window(purchases), known(purchases))

    assert {name: mask.tolist() for name, mask in ground.groups["activity"].items()} == {
        "new": [False, True, False],
        "light": [True, False, True],
        "heavy": [False, False, False],
    }
    assert ground.newcomers == 2
    assert ground.title(0) == "Apple, red"


def test_the_ground_says_that_its_customers_were_drawn_from_more() -> None:
    purchases = some_purchases()
    drawn = replace(a_window(purchases), drawn_from=1_234)

    ground = ground_of(drawn, known(purchases))

    assert any("1,234 customers" in note and " 3 drawn" in note for note in ground.notes)


def test_stages_are_those_that_the_features_tell() -> None:
    purchases = some_purchases()
    facts = plain_facts(ITEMS)
    states = states_of_purchases(purchases.customers, facts)
    cuts = fit_cuts(states, LoyaltyConfig(), now_ms=START_MS)

    stages = stages_of(purchases.customers, facts, cuts, now_ms=START_MS)

    told = features(states, cuts, now_ms=START_MS)
    assert stages == [told.row(position)["stage"] for position in range(3)]


def test_the_first_entry_is_on_trial_in_both_contests() -> None:
    purchases, model = some_purchases(), a_model(ITEMS)
    entries = [Entry("all", model, Role.MODEL, 2.0), *singles(model, {"als": 0.5})]

    outcome = hold(entries, a_window(purchases), known(purchases), match=MATCH)

    assert outcome.home.first.name == "all"
    assert outcome.discover is not None
    assert outcome.discover.first.name == "all"
    assert outcome.discover.facts.customers == 2
    assert outcome.home.first.cost.fit_seconds == 2.0


def test_who_only_knows_the_past_stays_away_from_discover() -> None:
    purchases, model = some_purchases(), a_model(ITEMS)
    entries = [Entry("all", model, Role.MODEL), *singles(model, {})]

    outcome = hold(entries, a_window(purchases), known(purchases), match=MATCH)

    assert outcome.discover is not None
    names = [each.name for each in outcome.discover.results]
    assert names == ["all", "popularity", "item-item", "ALS as by default"]


def test_popularity_shows_what_was_bought_before_too() -> None:
    purchases, model = some_purchases(), a_model(ITEMS)
    entries = [each for each in singles(model, {}) if each.name == "popularity"]

    outcome = hold(entries, a_window(purchases), known(purchases), match=MATCH)

    # Apple, bread and cheese sell best: Anna's apples and Cleo's bread are among them.
    assert outcome.home.first.quality["repeat"]["recall"] == 1.0


def test_a_window_without_buyers_is_refused() -> None:
    purchases = some_purchases()
    nobody = Window(purchases.customers.take([]), [], START_MS, newcomers=4)

    with pytest.raises(DataRefused, match="nobody with a past"):
        hold([Entry("all", a_model(ITEMS))], nobody, known(purchases), match=MATCH)


def test_a_scorer_alone_is_a_model_of_that_scorer_whatever_the_goal() -> None:
    model = a_model(ITEMS)

    single = alone(model, {"als": 1.0})

    assert set(single.scorers) == {"als"}
    assert single.blends == {Goal.ANY: {"als": 1.0}}


def test_a_model_without_ranking_is_served_by_its_blends_already() -> None:
    model = a_model(ITEMS)

    assert without_trees(model) == replace(model, ranking=None)


def test_time_is_that_of_the_scorers_with_a_say() -> None:
    seconds = {"als": 2.0, "ease": 3.0, "popularity": 0.5}

    assert spent_on({"als": 1.0, "popularity": 1e-6}, seconds) == 2.0
    assert spent_on({"frequency": 1.0}, seconds) is None


def test_items_without_a_title_have_none() -> None:
    catalog = {"a": Item("a", title="Apple"), "b": Item("b")}

    assert titles_of(catalog) == {"a": "Apple"}


def test_a_truth_by_ids_tells_repeats_new_and_unseen_items_apart() -> None:
    purchases = some_purchases()
    table = IdTable(["eggs", "dates", "cheese", "bread", "apple"])
    bought = {"anna": ["apple", "eggs", "kiwi"], "zoe": ["apple"]}

    target = window_of(bought, purchases, table)

    assert target.histories.customers == ("anna",)
    assert target.histories.item.tolist() == [4, 4, 3, 4]
    (truth,) = target.truths
    assert (truth.repeat.tolist(), truth.explore.tolist(), truth.unseen) == ([4], [0], 1)
    assert target.newcomers == 1


def test_a_test_window_of_other_length_ends_where_it_ended() -> None:
    split = Split(10 * DAY_MS, 20 * DAY_MS, 30 * DAY_MS)

    moved = with_test_days(split, 5, first_ms=0)

    assert moved == Split(15 * DAY_MS, 25 * DAY_MS, 30 * DAY_MS)
    assert with_test_days(split, None, first_ms=0) == split
    with pytest.raises(DataRefused, match="--test-days 25"):
        with_test_days(split, 25, first_ms=0)


def test_two_recipes_meet_after_both_were_settled() -> None:
    one = Split(10 * DAY_MS, 20 * DAY_MS, 30 * DAY_MS)
    other = Split(18 * DAY_MS, 25 * DAY_MS, 28 * DAY_MS)

    assert later(one, other) == later(other, one) == Split(18 * DAY_MS, 25 * DAY_MS, 30 * DAY_MS)
