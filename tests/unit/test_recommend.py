"""The stages of an answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.models.goals import Goal
from engine.models.model import Model
from engine.models.pairs import Pairs
from engine.models.popularity import Popularity
from engine.models.query import Query
from engine.recommend.answer import CatalogView, Dropped, ReasonCode, Request
from engine.recommend.blend import blend
from engine.recommend.candidates import Breadth
from engine.recommend.features.said import shares_of
from engine.recommend.recommender import Recommender
from engine.recommend.scoring import ask as asked
from engine.recommend.scoring import score
from engine.recommend.surfaces import popular, similar
from tests.builders import DAY_ZERO_MS, a_history, a_model, histories

DAY_MS = 86_400_000
LATER = DAY_ZERO_MS + 100 * DAY_MS
NO_COOLDOWN = timedelta(0)
TEN = Request()


def ask(model: Model, past, request: Request = TEN, **more):
    view = more.get("view", CatalogView())
    cooldown = more.get("cooldown", NO_COOLDOWN)
    now_ms = more.get("now_ms", LATER)
    asked = histories(model.items, {"anna": past})
    (answer,) = Recommender(model, cooldown=cooldown).recommend(
        asked, request, view=view, now_ms=now_ms
    )
    return answer


def listed(answer) -> list[str]:
    return [item.item_id for item in answer.items]


def test_the_blend_is_the_sum_of_its_parts() -> None:
    model = a_model()
    past = histories(model.items, {"anna": a_history((0, ["apple", "dates"]), (20, ["dates"]))})
    query = Query(past, LATER)
    everything = Pairs.of(np.zeros(5, np.int64), np.arange(5), customers=1)

    scored = score(model, query, everything, asked(model, query), goal=Goal.ANY)

    parts = scored.blended.parts
    np.testing.assert_array_equal(scored.total, scored.blended.total)
    np.testing.assert_allclose(scored.total, sum(parts.values()), rtol=1e-6)
    assert parts["frequency"].max() == pytest.approx(1.0)
    # Of five orders' worth of apple, a weight of 0.01; what was never bought has no frequency.
    np.testing.assert_allclose(parts["popularity"], [0.01, 0.008, 0.006, 0.004, 0.002], rtol=1e-6)
    assert parts["frequency"][[1, 2, 4]].tolist() == [0, 0, 0]


def test_a_scorer_counts_by_its_share_of_the_customers_highest() -> None:
    pairs = Pairs.of(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), customers=2)
    said = {
        "one": np.array([2, 8, np.nan, 5], dtype=np.float32),
        "two": np.array([-1, -2, 3, 0], dtype=np.float32),
    }

    blended = blend(shares_of(said, pairs), pairs, weights={"one": 1.0, "two": 0.5, "silent": 9.0})

    # Where a scorer says nothing good of any item, it counts nothing.
    assert blended.total.tolist() == [0.25, 1.0, 0.5, 1.0]
    assert set(blended.parts) == {"one", "two"}


def test_a_list_is_full_and_its_scores_never_rise() -> None:
    answer = ask(a_model(), a_history((0, ["cheese"])), Request(limit=4))

    assert len(answer.items) == 4
    assert [item.rank for item in answer.items] == [1, 2, 3, 4]
    scores = [item.score for item in answer.items]
    assert scores == sorted(scores, reverse=True)


@given(
    st.sets(st.sampled_from(["apple", "bread", "cheese", "dates", "eggs"])),
    st.sets(st.sampled_from(["apple", "bread", "cheese", "dates", "eggs"])),
    st.integers(1, 7),
)
def test_what_is_excluded_or_unavailable_never_appears(excluded, unavailable, limit: int) -> None:
    request = Request(limit=limit, exclude_item_ids=frozenset(excluded))
    view = CatalogView(unavailable=frozenset(unavailable))

    answer = ask(a_model(), a_history((0, ["cheese", "eggs"])), request, view=view)

    barred = excluded | unavailable
    assert not barred & set(listed(answer))
    assert len(answer.items) == min(limit, 5 - len(barred))


def test_dropped_counts_only_items_that_would_have_been_listed() -> None:
    past = a_history((0, ["cheese"]), (30, ["cheese"]))
    view = CatalogView(unavailable=frozenset({"cheese"}))

    answer = ask(a_model(), past, Request(limit=2), view=view)

    assert answer.dropped == {Dropped.UNAVAILABLE: 1}


def test_what_was_just_bought_waits_for_the_cooldown() -> None:
    past = a_history((0, ["cheese"]), (10, ["cheese"]))
    bought_ms = DAY_ZERO_MS + 10 * DAY_MS

    during = ask(a_model(), past, cooldown=timedelta(days=1), now_ms=bought_ms + DAY_MS // 2)
    after = ask(a_model(), past, cooldown=timedelta(days=1), now_ms=bought_ms + 2 * DAY_MS)

    assert "cheese" not in listed(during)
    assert during.dropped == {Dropped.JUST_BOUGHT: 1}
    assert listed(after)[0] == "cheese"


def test_new_only_leaves_out_everything_bought_before() -> None:
    answer = ask(a_model(), a_history((0, ["apple", "eggs"])), Request(limit=5, new_only=True))

    assert set(listed(answer)) == {"bread", "cheese", "dates"}


def test_a_category_comes_first_and_strict_filtering_allows_no_other() -> None:
    view = CatalogView(categories={"dates": "fruit", "apple": "fruit", "eggs": "dairy"})
    past = a_history((0, ["eggs"]), (5, ["eggs"]))

    loose = ask(a_model(), past, Request(limit=4, category="fruit"), view=view)
    strict = ask(
        a_model(), past, Request(limit=4, category="fruit", strict_filtering=True), view=view
    )

    assert set(listed(loose)[:2]) == {"dates", "apple"}
    assert len(loose.items) == 4
    assert set(listed(strict)) == {"dates", "apple"}
    scores = [item.score for item in loose.items]
    assert scores == sorted(scores, reverse=True)


def test_strict_filtering_counts_the_better_items_of_other_categories_in_a_full_list() -> None:
    view = CatalogView(categories={"dates": "fruit", "apple": "fruit"})
    request = Request(limit=1, category="fruit", strict_filtering=True)

    answer = ask(a_model(), a_history((0, ["eggs"]), (5, ["eggs"])), request, view=view)

    assert len(answer.items) == 1
    assert answer.dropped[Dropped.OTHER_CATEGORY] >= 1


def test_the_rules_follow_the_catalogue_from_one_view_to_the_next() -> None:
    model = a_model()
    recommender = Recommender(model, cooldown=NO_COOLDOWN)
    sold_out = CatalogView(1, unavailable=frozenset({"apple"}), categories={"eggs": "dairy"})
    back = CatalogView(2, categories={"dates": "dairy"})
    dairy = Request(category="dairy", strict_filtering=True)

    shown = [listed(popular(recommender, Request(limit=1), view=each)) for each in (sold_out, back)]
    filtered = [listed(popular(recommender, dairy, view=each)) for each in (sold_out, back)]

    assert shown == [["bread"], ["apple"]]
    assert filtered == [["eggs"], ["dates"]]


def test_a_category_no_item_has_prefers_nothing_and_strictly_allows_nothing() -> None:
    view = CatalogView(categories={"dates": "fruit"})
    recommender = Recommender(a_model(), cooldown=NO_COOLDOWN)

    loose = popular(recommender, Request(limit=2, category="toys"), view=view)
    strict = popular(
        recommender, Request(limit=2, category="toys", strict_filtering=True), view=view
    )

    assert listed(loose) == ["apple", "bread"]
    assert listed(strict) == []


def test_a_wanted_category_is_found_beyond_the_usual_candidates() -> None:
    names = [f"i{number:03d}" for number in range(100)]
    view = CatalogView(categories={"i099": "rare"})
    narrow = Breadth(own=1, new=1, popular=1)
    recommender = Recommender(a_model(names), cooldown=NO_COOLDOWN, breadth=narrow)
    past = histories(recommender.model.items, {"anna": a_history((0, ["i005"]))})

    (answer,) = recommender.recommend(
        past, Request(limit=2, category="rare"), view=view, now_ms=LATER
    )

    assert listed(answer)[0] == "i099"
    assert len(answer.items) == 2


def test_what_is_bought_again_only_is_asked_of_what_was_bought() -> None:
    answer = ask(a_model(), a_history((0, ["eggs"]), (9, ["dates"])), Request(again_only=True))

    assert listed(answer) == ["dates", "eggs"]
    assert {item.reasons[0].code for item in answer.items} == {ReasonCode.BUY_AGAIN}


def test_only_unknown_purchases_are_labelled() -> None:
    answer = ask(a_model(), a_history((0, ["never heard of"])), Request(limit=2))

    assert listed(answer) == ["apple", "bread"]
    assert answer.fallback_reason == "no_known_purchase"


def test_what_no_scorer_speaks_for_is_never_said_to_be_bought_again() -> None:
    model = a_model()
    # The last sale of the last item is so long ago that nothing of its weight is left.
    forgotten = Popularity(np.array([4, 3, 2, 1, 0], dtype=np.float32), half_life_days=30.0)
    model = replace(model, scorers={**model.scorers, "popularity": forgotten})

    answer = ask(model, (), Request(limit=5))

    assert answer.items[-1].item_id == "eggs"
    assert answer.items[-1].reasons[0].code is ReasonCode.POPULAR
    assert answer.items[-1].source == "popularity"


def test_a_habit_is_explained_as_buying_again() -> None:
    answer = ask(a_model(), a_history((0, ["cheese"]), (9, ["cheese"])), Request(limit=1))

    assert answer.items[0].item_id == "cheese"
    assert answer.items[0].source == "frequency"
    assert answer.items[0].reasons[0].code is ReasonCode.BUY_AGAIN


def test_a_neighbour_is_explained_by_the_item_it_neighbours() -> None:
    model = a_model(weights={"item_item": 1.0, "popularity": 0.01})

    answer = ask(model, a_history((0, ["eggs"])), Request(limit=1))

    assert answer.items[0].item_id == "dates"
    assert answer.items[0].reasons[0].code is ReasonCode.BECAUSE_YOU_BOUGHT
    assert answer.items[0].reasons[0].item_id == "eggs"


def test_an_unknown_customer_gets_popular_items_and_a_label() -> None:
    answer = ask(a_model(), (), Request(limit=3))

    assert listed(answer) == ["apple", "bread", "cheese"]
    assert answer.fallback_reason == "unknown_customer"
    assert {item.reasons[0].code for item in answer.items} == {ReasonCode.POPULAR}


def test_similar_items_come_before_popular_ones_and_never_include_the_item() -> None:
    recommender = Recommender(a_model(), cooldown=NO_COOLDOWN)

    answer = similar(recommender, "cheese", Request(limit=4), view=CatalogView())

    assert listed(answer) == ["bread", "dates", "apple", "eggs"]
    assert [item.reasons[0].code for item in answer.items] == [
        ReasonCode.SIMILAR,
        ReasonCode.SIMILAR,
        ReasonCode.POPULAR,
        ReasonCode.POPULAR,
    ]
    scores = [item.score for item in answer.items]
    assert scores == sorted(scores, reverse=True)


def test_an_item_nobody_knows_is_similar_to_what_is_popular() -> None:
    recommender = Recommender(a_model(), cooldown=NO_COOLDOWN)

    answer = similar(recommender, "nothing", Request(limit=2), view=CatalogView())

    assert listed(answer) == ["apple", "bread"]
    assert answer.fallback_reason == "unknown_item"


def test_many_customers_at_once_get_what_each_gets_alone(monkeypatch) -> None:
    model = a_model()
    pasts = {
        f"c{number}": a_history((0, [item]), (number, ["dates"]))
        for number, item in enumerate(["apple", "bread", "cheese", "eggs"])
    }
    recommender = Recommender(model, cooldown=NO_COOLDOWN)
    monkeypatch.setattr("engine.recommend.recommender.BLOCK", 3)

    together = recommender.recommend(
        histories(model.items, pasts), Request(), view=CatalogView(), now_ms=LATER
    )

    alone = [replace(ask(model, past), customer_id=name) for name, past in pasts.items()]
    assert [listed(answer) for answer in together] == [listed(answer) for answer in alone]
    assert [answer.customer_id for answer in together] == list(pasts)
