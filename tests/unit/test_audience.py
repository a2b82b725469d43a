"""Asking a model who wants an item."""

from __future__ import annotations

import numpy as np

from engine.domain.histories import NetLine, histories_of
from engine.models.goals import Goal
from engine.models.pairs import Pairs
from engine.models.query import Query
from engine.recommend.audience import audience, neighbours, without_buyers_since
from engine.recommend.scoring import ask, score
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


def test_the_audience_of_an_item_is_its_column_of_the_blend_sorted():
    model, histories = some_histories()
    query = Query(histories, NOW_MS)
    everything = Pairs.of(np.arange(4).repeat(6), np.tile(np.arange(6), 4), customers=4)
    total = score(model, query, everything, ask(model, query), goal=Goal.ANY).total
    column = total.reshape(4, 6)[:, model.items.index("F")]

    found = audience(model, histories, "F", limit=4, now_ms=NOW_MS)

    expected = sorted(
        zip(column.tolist(), histories.customers, strict=True), key=lambda each: (-each[0], each[1])
    )
    assert [each.customer_id for each in found] == [name for _, name in expected]
    np.testing.assert_allclose(
        [each.score for each in found], [score for score, _ in expected], atol=1e-6
    )


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
