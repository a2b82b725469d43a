"""Asking a model who wants an item."""

from __future__ import annotations

import numpy as np

from engine.domain.histories import NetLine, histories_of
from engine.models.pairs import Pairs
from engine.models.query import Query
from engine.recommend.audience import audience, neighbours, wanting, without_buyers_since
from tests.fakes import NOW, a_model

NOW_MS = int(NOW.timestamp() * 1000)
DAY = 86_400_000


def a_line(item_id: str, days_ago: int = 10) -> NetLine:
    return NetLine(f"o-{item_id}-{days_ago}", NOW_MS - days_ago * DAY, item_id, 1.0, 500)


def some_histories():
    model = a_model()
    bought = {
        "ann": [a_line("A")],
        "bob": [a_line("F", 40), a_line("B")],
        "cat": [a_line("C")],
        "dan": [],
    }
    return model, histories_of(bought.items(), items=model.items)


def test_the_audience_of_an_item_is_what_scorers_say_in_their_own_units():
    model, histories = some_histories()
    query, item = Query(histories, NOW_MS), model.items.index("F")
    pairs = Pairs.of(np.arange(4), np.full(4, item), customers=4)
    said = {
        name: np.nan_to_num(model.scorers[name].score(query).at(pairs))
        for name in ("frequency", "item_item")
    }
    total = said["frequency"] + 0.2 * said["item_item"]

    found = audience(model, histories, "F", limit=4, now_ms=NOW_MS)

    expected = sorted(zip(-total, histories.customers, strict=True))
    assert [each.customer_id for each in found] == [name for _, name in expected]
    np.testing.assert_allclose(
        [each.score for each in found], [-score for score, _ in expected], atol=1e-6
    )


def test_whoever_buys_it_often_wants_it_more_than_whoever_bought_nothing_else():
    model = a_model()
    bought = {
        "once": [a_line("F", 40)],
        "weekly": [
            line for ago in (35, 28, 21, 14, 7) for line in (a_line("F", ago), a_line("B", ago))
        ],
    }

    found = audience(
        model, histories_of(bought.items(), items=model.items), "F", limit=2, now_ms=NOW_MS
    )

    assert [each.customer_id for each in found] == ["weekly", "once"]


def test_several_items_are_asked_about_at_once():
    model, histories = some_histories()
    items = np.asarray([0, 3, 5], dtype=np.int32)

    together = wanting(model, histories, items, now_ms=NOW_MS)

    alone = [wanting(model, histories, items[[at]], now_ms=NOW_MS) for at in range(3)]
    np.testing.assert_array_equal(together, np.concatenate(alone, axis=1))
    assert together.dtype == np.float32


def test_a_customer_alone_scores_as_among_others():
    model, histories = some_histories()

    together = {
        each.customer_id: each for each in audience(model, histories, "F", limit=4, now_ms=NOW_MS)
    }
    alone = [
        audience(model, histories.take([row]), "F", limit=1, now_ms=NOW_MS)[0] for row in range(4)
    ]

    assert {each.customer_id: each for each in alone} == together


def test_no_customers_are_no_audience():
    model = a_model()

    assert audience(model, histories_of([], items=model.items), "A", limit=5, now_ms=NOW_MS) == []


def test_who_just_bought_it_is_left_out():
    model, histories = some_histories()
    item = model.items.index("F")

    long_ago = without_buyers_since(histories, item, since_ms=NOW_MS - 30 * DAY)
    lately = without_buyers_since(histories, item, since_ms=NOW_MS - 60 * DAY)

    assert long_ago.customers == ("ann", "bob", "cat", "dan")
    assert lately.customers == ("ann", "cat", "dan")


def test_neighbours_are_the_nearest_items_and_none_of_an_unknown_one():
    model = a_model()

    assert neighbours(model, "A", most=5) == ["F"]
    assert neighbours(model, "B", most=5) == []
    assert neighbours(model, "nothing", most=5) == []
