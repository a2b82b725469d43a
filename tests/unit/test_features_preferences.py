"""Favourites, divergence, reliability and the ranking of categories: hand calculations and laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.loyalty.features import preferences
from engine.loyalty.features.preferences import divergence
from engine.loyalty.features.tastes import category_preferences, scores_of
from tests.states import Bought, Interest, Person, Preference, a_context, values_of

ITEMS = {"tea": "drinks", "coffee": "drinks", "mug": "dishes", "pot": "dishes", "thing": None}


def columns(person: Person):
    computed = preferences.compute(a_context([person], items=ITEMS), {})
    return {name: values_of(column)[0] for name, column in computed.items()}


def divergence_of(first: list[float], second: list[float]) -> float:
    row = np.zeros(len(first), np.int64)
    return float(divergence(np.asarray(first), np.asarray(second), row, customers=1)[0])


def entropy(shares: list[float]) -> float:
    return -sum(share * math.log2(share) for share in shares if share)


def test_the_favourite_is_the_category_of_most_lines():
    person = Person(orders=[Bought(3, "tea"), Bought(2, "mug"), Bought(1, "coffee")])

    known = columns(person)

    assert (known["favourite_category"], known["categories"]) == ("drinks", 2)


def test_among_equals_the_first_by_name_is_the_favourite():
    assert columns(Person(orders=[Bought(3, "tea"), Bought(2, "mug")]))["favourite_category"] == (
        "dishes"
    )


def test_items_without_a_category_count_for_none():
    known = columns(Person(orders=[Bought(3, "thing")]))

    assert known["favourite_category"] is None
    assert known["categories"] is None


def test_divergence_has_its_known_values():
    assert divergence_of([1, 1], [2, 2]) == pytest.approx(0.0, abs=1e-15)
    assert divergence_of([1, 0], [0, 3]) == pytest.approx(1.0)
    # H(middle) - (H(p) + H(q)) / 2 (Lin 1991).
    expected = entropy([0.75, 0.25]) - (entropy([1.0]) + entropy([0.5, 0.5])) / 2
    assert divergence_of([4, 0], [1, 1]) == pytest.approx(expected)
    assert math.isnan(divergence_of([0, 0], [1, 1]))


@given(
    st.lists(
        st.tuples(st.integers(0, 50).map(float), st.integers(0, 50).map(float)),
        min_size=1,
        max_size=8,
    )
)
def test_divergence_is_symmetric_and_between_0_and_1(pairs):
    first, second = [a for a, _ in pairs], [b for _, b in pairs]

    there, back = divergence_of(first, second), divergence_of(second, first)

    assert there == back or (math.isnan(there) and math.isnan(back))
    assert math.isnan(there) or 0 <= there <= 1


def test_stability_compares_the_halves_of_the_orders():
    orders = [Bought(4, "tea"), Bought(3, "coffee"), Bought(2, "mug"), Bought(1, "tea")]

    known = columns(Person(orders=orders))

    # With half a line added: (2.5, .5) of 3 against (1.5, 1.5) of 3.
    p, q = [2.5 / 3, 0.5 / 3], [0.5, 0.5]
    middle = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    expected = 1 - (entropy(middle) - (entropy(p) + entropy(q)) / 2)
    assert known["preference_stability"] == pytest.approx(expected)
    assert columns(Person(orders=orders[:3]))["preference_stability"] is None


def test_drift_compares_a_quarter_with_the_three_before():
    before = [Bought(100 + n, "tea") for n in range(5)]
    recent = [Bought(n, "tea" if n < 2 else "mug") for n in range(5)]
    older = [Bought(400 + n, "mug") for n in range(5)]

    known = columns(Person(orders=[*before, *recent, *older]))

    expected = entropy([0.7, 0.3]) - entropy([0.4, 0.6]) / 2
    assert known["preference_drift"] == pytest.approx(expected)
    assert known["preference_shift"] == 1.0
    assert columns(Person(orders=[*before, *recent[1:]]))["preference_drift"] is None


def test_reliability_is_the_share_of_likes_that_are_bought():
    liked = [Preference("drinks"), Preference("garden"), Preference("dishes", -1.0)]
    person = Person(orders=[Bought(3, "tea")], preferences=[*liked, Preference("size:42")])

    # Beta(4, 2): one of two likes is bought; a dislike and a size are no likes of a category.
    assert columns(person)["stated_reliability"] == (4 + 1) / (6 + 2)
    assert columns(Person(preferences=liked))["stated_reliability"] is None


def ranked(person: Person) -> dict[str, tuple[float, float, float]]:
    table = category_preferences(a_context([person], items=ITEMS))
    return {
        table.labels[category]: (explicit, implicit, score)
        for category, explicit, implicit, score in zip(
            table.category.tolist(),
            table.explicit.tolist(),
            table.implicit.tolist(),
            table.score.tolist(),
            strict=True,
        )
    }


def test_preferences_add_what_is_said_to_what_is_done():
    person = Person(
        orders=[Bought(60, "tea"), Bought(0, "tea")],
        interests=[Interest(0, "mug", views=2, clicks=1, carts=1)],
        preferences=[Preference("drinks", 1.0, ago=180), Preference("garden", 0.5, ago=0)],
    )

    table = ranked(person)

    reliability = (4 + 1) / (6 + 2)
    drinks = (0.5 * reliability, math.log1p(1.0 + 0.5))
    dishes = (0.0, math.log1p(0.5 + 0.2 + 2 * 0.1))
    garden = (0.5 * reliability, 0.0)
    assert list(table) == ["drinks", "dishes", "garden"]
    for name, (explicit, implicit) in zip(table, (drinks, dishes, garden), strict=True):
        assert table[name] == pytest.approx((explicit, implicit, 0.5 * explicit + 0.5 * implicit))


def test_what_a_customer_does_not_want_wins_over_what_the_customer_did():
    person = Person(
        orders=[Bought(n, "tea") for n in range(9)],
        preferences=[Preference("drinks", -1.0, ago=0)],
    )

    explicit, implicit, score = ranked(person)["drinks"]

    assert implicit > 2
    assert score == 0.5 * explicit < 0


def test_behaviour_is_left_out_where_personal_service_was_denied():
    person = Person(
        orders=[Bought(1, "tea")],
        preferences=[Preference("dishes")],
        consents={"personalization": (False, 1)},
    )

    assert list(ranked(person)) == ["dishes"]


def test_scores_of_a_category_are_by_customer():
    people = [Person(orders=[Bought(0, "tea")]), Person(), Person(orders=[Bought(0, "mug")])]

    scores = scores_of(category_preferences(a_context(people, items=ITEMS)), "drinks")

    np.testing.assert_array_equal(scores, [0.5 * math.log1p(1.0), np.nan, np.nan])


def test_nothing_is_known_of_nobody():
    assert set(columns(Person()).values()) == {None}
    assert ranked(Person()) == {}
