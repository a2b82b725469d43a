"""Lists that begin with the shop, an item, a basket or a choice, worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from engine.domain.assortment import Assortment
from engine.domain.histories import Histories
from engine.domain.ids import IdTable
from engine.models.goals import Goal
from engine.models.item_item import Ease
from engine.models.item_statistics import ItemStatistics
from engine.models.model import Model, Ranking
from engine.models.query import Query
from engine.recommend.answer import Answer, CatalogView, Dropped, ReasonCode, Request
from engine.recommend.basket import Hand, basket_part, for_hand
from engine.recommend.control.config import Boost, Control, ControlPatch, Pin
from engine.recommend.recommender import Recommender
from engine.recommend.rerank import rerank
from engine.recommend.steering import Steering
from engine.recommend.surfaces import (
    bought_together,
    popular,
    popular_among,
    selling_in_shop,
    selling_of,
    similar,
)
from tests.builders import DAY_ZERO, DAY_ZERO_MS, a_history, a_model, histories
from training.fitting.sessions import SessionsConfig, fit_sessions
from training.history import Purchases

ITEMS = ("apple", "bread", "cheese", "dates", "eggs")
DAY = 86_400_000
NOW = DAY_ZERO_MS + 100 * DAY
VIEW = CatalogView()


def a_recommender(model: Model | None = None, *, control: Control | None = None) -> Recommender:
    return Recommender(model or a_model(ITEMS), cooldown=timedelta(0), control=control)


def names(answer: Answer) -> list[str]:
    return [each.item_id for each in answer.items]


def told(answer: Answer) -> list[tuple[str, ReasonCode, str | None]]:
    return [(each.item_id, each.reasons[0].code, each.reasons[0].item_id) for each in answer.items]


def with_sessions(*orders: Sequence[str]) -> Model:
    """The small model, and what was together in orders of as many customers on day 0."""
    model = a_model(ITEMS)
    buyers = {f"c{row}": a_history((0.0, own)) for row, own in enumerate(orders)}
    customers = histories(ITEMS, buyers)
    nobody = histories(ITEMS, {})
    purchases = Purchases(customers, nobody, model.items, DAY_ZERO_MS + DAY)
    sessions = fit_sessions(purchases, config=SessionsConfig())
    blends = {**model.blends, Goal.BASKET: {"sessions": 1.0, "popularity": 0.01}}
    return replace(model, scorers={**model.scorers, "sessions": sessions}, blends=blends)


def with_categories(model: Model, categories: Sequence[str]) -> Model:
    table = IdTable(sorted(set(categories)))
    unknown = Assortment.unknown(len(model.items))
    own = table.indices(list(categories))
    return replace(model, assortment=replace(unknown, category=own, categories=table))


def with_orders(model: Model, orders: Sequence[int]) -> Model:
    """The items were in so many orders, each of another customer."""
    count = len(orders)
    ones, times = np.ones(count, dtype=np.float32), np.zeros(count, dtype=np.int64)
    statistics = ItemStatistics(
        half_lives=(30.0,),
        popularity=ones[:, None],
        buyers=np.asarray(orders, dtype=np.float32),
        repeat_rate=ones,
        orders_per_buyer=ones,
        gap_days=ones,
        price=ones,
        first_at=times,
        last_at=times,
        category_share=ones,
        category_repeat_rate=ones,
        kind_share=ones,
        discovered=ones[:, None],
        discount=ones[:, None],
    )
    return replace(model, ranking=Ranking(statistics, horizon_days=28.0))


def of_customer(*orders: tuple[float, Sequence[str]], name: str = "anna") -> Histories:
    return histories(ITEMS, {name: a_history(*orders)})


def test_popular_items_score_by_the_best_one():
    answer = popular(a_recommender(), Request(limit=3), view=VIEW)

    assert [(each.item_id, each.score) for each in answer.items] == [
        ("apple", 1.0),
        ("bread", 0.8),
        ("cheese", 0.6),
    ]
    assert {each.source for each in answer.items} == {"popularity"}


def test_nothing_popular_was_bought_before():
    assert names(popular(a_recommender(), Request(again_only=True), view=VIEW)) == []


def test_what_is_liked_comes_first_each_part_by_what_sells():
    recommender = a_recommender()
    first = np.asarray([False, False, True, False, True])

    selling = selling_in_shop(recommender.model, first=first)
    answer = popular(recommender, Request(), view=VIEW, selling=selling)

    assert told(answer) == [
        ("cheese", ReasonCode.LIKES_CATEGORY, None),
        ("eggs", ReasonCode.LIKES_CATEGORY, None),
        ("apple", ReasonCode.POPULAR, None),
        ("bread", ReasonCode.POPULAR, None),
        ("dates", ReasonCode.POPULAR, None),
    ]


def test_what_sells_in_a_group_is_counted_by_hand():
    model = a_model(ITEMS)
    # Three lines: of 15 orders of everybody, 5 : 4 : 3 : 2 : 1, a group like all would have had
    # 1 : .8 : .6 : .4 : .2.
    members = histories(
        ITEMS,
        {
            "anna": a_history((100.0, ["eggs"]), (70.0, ["eggs"])),
            "berta": a_history((40.0, ["dates", "unheard of"])),
        },
    )

    shares = popular_among(model, members)

    shop = np.asarray([5, 4, 3, 2, 1])
    more = np.asarray([5 / 6, 5 / 5.8, 5 / 5.6, 6 / 5.4, 7 / 5.2])
    np.testing.assert_allclose(shares, shop * more / (shop * more).sum(), rtol=1e-6)
    assert shares.dtype == np.float32


def test_a_group_that_buys_as_all_do_sees_what_sells_in_the_shop():
    model = a_model(ITEMS)
    everybody = {
        f"c{place}-{number}": a_history((10.0, [item]))
        for place, item in enumerate(ITEMS)
        for number in range(5 - place)
    }

    shares = popular_among(model, histories(ITEMS, everybody))

    np.testing.assert_allclose(shares, np.asarray([5, 4, 3, 2, 1]) / 15, rtol=1e-6)


def test_an_item_counts_once_an_order():
    model = a_model(ITEMS)
    once = histories(ITEMS, {"anna": a_history((100.0, ["eggs"]))})
    line = a_history((100.0, ["eggs"]))[0]
    twice = histories(ITEMS, {"anna": (line, line)})

    one, two = (popular_among(model, each) for each in (once, twice))

    np.testing.assert_array_equal(one, two)


def test_a_large_group_has_best_sellers_of_its_own():
    recommender = a_recommender()
    buyers = {f"c{each}": a_history((100.0, ["eggs"])) for each in range(200)}

    shares = popular_among(recommender.model, histories(ITEMS, buyers))
    answer = popular(recommender, Request(limit=2), view=VIEW, selling=selling_of(shares))

    assert names(answer) == ["eggs", "apple"]


def test_neighbours_come_before_what_only_sells():
    answer = similar(a_recommender(), "dates", Request(), view=VIEW)

    assert told(answer) == [
        ("cheese", ReasonCode.SIMILAR, "dates"),
        ("eggs", ReasonCode.SIMILAR, "dates"),
        ("apple", ReasonCode.POPULAR, None),
        ("bread", ReasonCode.POPULAR, None),
    ]
    assert answer.dropped == {Dropped.EXCLUDED: 1}
    assert [each.score for each in answer.items] == sorted(
        (each.score for each in answer.items), reverse=True
    )


def test_both_models_of_nearness_are_heard_alike():
    model = a_model(ITEMS)
    # Neighbours say eggs and cheese alike, EASE bread above eggs, each in a unit of its own.
    near = np.zeros((5, 5), dtype=np.float32)
    near[ITEMS.index("dates"), [0, 1, 4]] = (-8.0, 40.0, 20.0)
    model = replace(
        model,
        scorers={**model.scorers, "ease": Ease(sparse.csr_matrix(near), half_life_days=90.0)},
    )

    answer = similar(a_recommender(model), "dates", Request(limit=4), view=VIEW)

    # Eggs 1 + .5, bread and cheese 1 each, by position; what EASE speaks against only sells.
    assert told(answer)[:3] == [
        ("eggs", ReasonCode.SIMILAR, "dates"),
        ("bread", ReasonCode.SIMILAR, "dates"),
        ("cheese", ReasonCode.SIMILAR, "dates"),
    ]
    assert told(answer)[3] == ("apple", ReasonCode.POPULAR, None)


def test_what_is_in_the_same_orders_is_bought_together():
    model = with_sessions(["apple", "eggs"], ["apple", "eggs"], ["apple", "bread"], ["cheese"])

    answer = bought_together(a_recommender(model), "eggs", Request(limit=3), view=VIEW)

    assert told(answer) == [
        ("apple", ReasonCode.BOUGHT_TOGETHER, "eggs"),
        ("bread", ReasonCode.POPULAR, None),
        ("cheese", ReasonCode.POPULAR, None),
    ]
    assert answer.items[0].source == "sessions"


@pytest.mark.parametrize("make", [similar, bought_together])
def test_a_stranger_has_popular_company(make):
    answer = make(a_recommender(), "unheard of", Request(limit=2), view=VIEW)

    assert names(answer) == ["apple", "bread"]
    assert answer.fallback_reason == "unknown_item"


@pytest.mark.parametrize("strict", [False, True])
def test_the_rules_hold_in_every_list_of_an_item(strict: bool):
    view = CatalogView(
        revision=1,
        unavailable=frozenset({"eggs"}),
        categories={"apple": "fruit", "cheese": "milk"},
    )
    request = Request(category="fruit", strict_filtering=strict)
    model = with_sessions(["dates", "cheese"], ["dates", "eggs"])

    for make in (similar, bought_together):
        answer = make(a_recommender(model), "dates", request, view=view)

        assert names(answer) == (["apple"] if strict else ["apple", "cheese", "bread"])
        assert answer.dropped[Dropped.UNAVAILABLE] == 1


def test_a_basket_names_the_item_that_speaks_for_each():
    model = with_sessions(["apple", "eggs"], ["bread", "dates"], ["cheese"])
    hand = Hand(("apple", "bread"))

    answer = for_hand(a_recommender(model), hand, Request(), view=VIEW, now_ms=NOW)

    assert {item: (code, why) for item, code, why in told(answer)} == {
        "eggs": (ReasonCode.BOUGHT_TOGETHER, "apple"),
        "dates": (ReasonCode.BOUGHT_TOGETHER, "bread"),
        "cheese": (ReasonCode.POPULAR, None),
    }
    assert names(answer)[-1] == "cheese"
    assert answer.dropped == {Dropped.IN_BASKET: 2}


def test_the_first_place_has_a_reason_although_it_would_stay_the_first():
    # Eggs go with everything in hand, and nothing else goes with any of it.
    model = with_sessions(["apple", "eggs"], ["bread", "eggs"], ["cheese"])

    answer = for_hand(
        a_recommender(model), Hand(("apple", "bread")), Request(), view=VIEW, now_ms=NOW
    )

    item, code, why = told(answer)[0]
    assert (item, code) == ("eggs", ReasonCode.BOUGHT_TOGETHER)
    assert why in {"apple", "bread"}


def test_what_nothing_in_hand_speaks_for_is_only_popular():
    # Items next to each other are near.
    model = a_model(ITEMS, weights={"item_item": 1.0})

    answer = for_hand(a_recommender(model), Hand(("dates",)), Request(), view=VIEW, now_ms=NOW)

    assert {item: why for item, _, why in told(answer)} == {
        "cheese": "dates",
        "eggs": "dates",
        "apple": None,
        "bread": None,
    }


def test_the_more_somebody_ordered_the_less_a_basket_changes():
    orders = [a_history(*((day, ["apple", "bread"]) for day in range(count))) for count in (1, 16)]
    once, often = (histories(ITEMS, {"anna": own}) for own in orders)

    parts = [float(basket_part(each)) for each in (once, often)]

    # 1 beside .3, and beside .3 x 16 ** .35.
    assert parts == pytest.approx([1 / 1.3, 1 / (1 + 0.3 * 2**1.4)])


def test_half_of_a_known_customers_list_is_their_own():
    model = with_sessions(["apple", "eggs"], ["bread"], ["cheese"])
    anna = of_customer((90.0, ["dates"]), (99.0, ["dates"]))

    answer = for_hand(
        a_recommender(model),
        Hand(("apple",)),
        Request(limit=2),
        view=VIEW,
        now_ms=NOW,
        customer=anna,
    )

    assert {item: code for item, code, _ in told(answer)} == {
        "eggs": ReasonCode.BOUGHT_TOGETHER,
        "dates": ReasonCode.BUY_AGAIN,
    }
    assert answer.customer_id == "anna"


def test_a_customers_cooldown_holds_beside_a_basket():
    anna = of_customer((99.9, ["dates"]))
    recommender = Recommender(a_model(ITEMS), cooldown=timedelta(days=1))

    answer = for_hand(
        recommender, Hand(("apple",)), Request(), view=VIEW, now_ms=NOW, customer=anna
    )

    assert not {"dates", "apple"} & set(names(answer))
    assert answer.dropped[Dropped.JUST_BOUGHT] == 1


held = st.lists(st.sampled_from((*ITEMS, "unheard of")), max_size=6).map(tuple)


@settings(max_examples=50)
@given(
    hand=held,
    viewed=st.booleans(),
    limit=st.integers(1, 6),
    excluded=st.sets(st.sampled_from(ITEMS)),
)
def test_nothing_in_hand_or_excluded_comes_back(
    hand: tuple[str, ...], viewed: bool, limit: int, excluded: set[str]
):
    request = Request(limit=limit, exclude_item_ids=frozenset(excluded))

    answer = for_hand(
        RECOMMENDER,
        Hand(hand, viewed),
        request,
        view=VIEW,
        now_ms=NOW,
        customer=of_customer((90.0, ["dates"])),
    )

    free = set(ITEMS) - set(hand) - excluded
    assert len(answer.items) == min(limit, len(free))
    assert set(names(answer)) <= free
    assert [each.rank for each in answer.items] == list(range(1, len(answer.items) + 1))


def test_a_choice_is_ordered_as_the_customers_own_list_is():
    recommender = a_recommender()
    anna = of_customer((90.0, ["eggs"]), (95.0, ["dates"]))

    (own,) = recommender.recommend(anna, Request(), view=VIEW, now_ms=NOW)
    answer = rerank(recommender, anna, ITEMS[::-1], Request(), view=VIEW, now_ms=NOW)

    assert names(answer) == names(own)


@settings(max_examples=50)
@given(choice=st.lists(st.sampled_from((*ITEMS, "x", "y")), max_size=12), limit=st.integers(1, 8))
def test_a_choice_comes_back_each_item_once_and_strangers_last(choice: list[str], limit: int):
    answer = rerank(
        RECOMMENDER,
        of_customer((90.0, ["eggs"])),
        tuple(choice),
        Request(limit=limit),
        view=VIEW,
        now_ms=NOW,
    )

    whole = len(set(choice))
    strangers = [each for each in dict.fromkeys(choice) if each in "xy"]
    scores = [each.score for each in answer.items]
    assert len(answer.items) == min(limit, whole) == len(set(names(answer)))
    assert scores == sorted(scores, reverse=True)
    if limit >= whole:
        assert names(answer)[whole - len(strangers) :] == strangers


RECOMMENDER = a_recommender(with_sessions(["apple", "eggs"], ["bread", "dates"], ["cheese"]))


def test_a_pinned_item_is_chosen_however_low_its_score():
    items = tuple(f"i{number:03d}" for number in range(200))
    pin = Control(pins=(Pin(item_id="i199", place=2),))
    recommender = a_recommender(a_model(items), control=pin)
    someone = histories(items, {"anna": a_history((90.0, ["i003"]))})

    (answer,) = recommender.recommend(someone, Request(limit=3), view=VIEW, now_ms=NOW)

    assert names(answer)[1] == "i199"
    assert [each.rule for each in answer.items] == [None, "pinned", None]


def cold_shop(categories: Mapping[str, str], orders: Sequence[int], control: Control) -> Steering:
    model = with_categories(a_model(ITEMS), [categories[each] for each in ITEMS])
    return Steering(with_orders(model, orders), control)


def test_cold_items_of_the_customers_categories_are_explored_first(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr("engine.recommend.steering.COLD_A_CUSTOMER", 1)
    categories = {"apple": "a", "bread": "b", "cheese": "a", "dates": "b", "eggs": "c"}
    steering = cold_shop(categories, [99, 90, 1, 1, 1], Control(exploration_share=0.1))
    buyers = {"anna": a_history((1.0, ["apple"])), "berta": a_history((1.0, ["bread"]))}

    wanted = steering.wanted(Query(histories(ITEMS, buyers), NOW), Request())

    assert wanted is not None
    assert [ITEMS[each] for each in wanted.item] == ["cheese", "dates"]


def test_every_cold_item_has_its_day(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("engine.recommend.steering.COLD_A_DAY", 1)
    steering = cold_shop(
        dict.fromkeys(ITEMS, "a"), [99, 90, 1, 1, 1], Control(exploration_share=0.1)
    )
    anna = of_customer((1.0, ["apple"]))

    days = [steering.wanted(Query(anna, NOW + day * DAY), Request()) for day in range(60)]

    assert {ITEMS[int(each.item[0])] for each in days if each} == {"cheese", "dates", "eggs"}


def test_nothing_is_wanted_where_only_the_bought_is_asked_for():
    control = Control(exploration_share=0.5, pins=(Pin(item_id="eggs", place=1),))
    steering = cold_shop(dict.fromkeys(ITEMS, "a"), [99, 90, 1, 1, 1], control)

    query = Query(of_customer((1.0, ["apple"])), NOW)

    assert steering.wanted(query, Request(again_only=True)) is None


def test_without_statistics_nothing_counts_as_cold():
    steering = Steering(a_model(ITEMS), Control(exploration_share=0.5))

    wanted = steering.wanted(Query(of_customer((1.0, ["apple"])), NOW), Request())

    assert wanted is None or not len(wanted)


def test_the_epoch_changes_when_the_shops_wishes_do():
    begins = NOW + 3 * DAY
    boost = Boost(item_id="eggs", factor=2.0, valid_from=DAY_ZERO + timedelta(days=103))
    plain = Steering(a_model(ITEMS), Control())
    boosted = Steering(a_model(ITEMS), Control(boosts=(boost,)))
    exploring = Steering(a_model(ITEMS), Control(exploration_share=0.1))

    assert plain.epoch(NOW) == plain.epoch(begins) == ""
    assert boosted.epoch(NOW) == boosted.epoch(begins - 1) != boosted.epoch(begins)
    assert exploring.epoch(NOW) != exploring.epoch(NOW + DAY)
    assert boosted.epoch(NOW) != exploring.epoch(NOW)


def test_a_request_may_ask_for_variety_by_what_is_bought_together():
    # Of apple's neighbour bread less than of cheese, which is no neighbour.
    patch = ControlPatch(diversity=0.9, diversity_by="co_purchase")

    plain = popular(a_recommender(), Request(limit=2), view=VIEW)
    varied = popular(a_recommender(), Request(limit=2, control=patch), view=VIEW)

    assert (names(plain), names(varied)) == (["apple", "bread"], ["apple", "cheese"])
