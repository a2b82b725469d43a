"""Marks and questions of core customers, share of wallet, index and rank: hand calculations."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from engine.loyalty.cuts import Cuts
from engine.loyalty.features import core
from tests.states import (
    NOW,
    Bought,
    Opinion,
    Person,
    Thing,
    a_context,
    some_columns,
    values_of,
)

ITEMS = {"tea": "drinks", "mug": "dishes", "own": Thing("drinks", exclusive=True)}
KNOWN = (
    "full_price_share",
    "preference_stability",
    "contacts_per_order",
    "orders_12m",
    "margin_12m",
    "churn_risk",
    "clv_predicted",
)
TRAINED = msgspec.structs.replace(
    Cuts.untrained(),
    as_of_ms=NOW,
    top_margin=1_000.0,
    scales={
        "contacts_per_order": (0.0, 0.0, 0.0, 2.0),
        "orders_12m": (1.0, 2.0, 3.0, 4.0),
        "clv_predicted": tuple(float(n) for n in range(10)),
        "exclusive_share": (0.0, 0.5),
    },
    moments={"exclusive_share": (0.25, 0.1)},
    wallet={"drinks": 400.0},
)


def computed(person: Person, *, cuts: Cuts = TRAINED, **known: float):
    before = some_columns(**{name: [known.get(name)] for name in KNOWN})
    return core.compute(a_context([person], items=ITEMS, cuts=cuts), before)


def columns(person: Person, **options):
    return {name: values_of(column)[0] for name, column in computed(person, **options).items()}


@pytest.mark.parametrize(("days", "promptness"), [(0, 1.0), (7.5, 0.75), (30, 0.0), (90, 0.0)])
def test_who_pays_at_once_is_prompt(days, promptness):
    person = Person(orders=[Bought(3)], days_to_pay=days)

    assert columns(person)["payment_promptness"] == promptness


def test_marks_are_ranks_among_customers():
    known = columns(Person(orders=[Bought(3)]), contacts_per_order=2.0, orders_12m=3.0)

    # Three of four have fewer contacts, two of four fewer orders.
    assert known["low_service"] == 0.25
    assert known["purchase_frequency"] == 0.5
    assert known["core_marks"] == 2
    assert known["core_mark_score"] is None


def test_little_service_is_nothing_special_where_nobody_is_served():
    cuts = msgspec.structs.replace(TRAINED, scales={"contacts_per_order": (0.0, 0.0)})

    known = columns(Person(orders=[Bought(3)]), cuts=cuts, contacts_per_order=0.0)

    assert known["low_service"] is None


def test_the_mark_score_is_the_mean_of_at_least_three_marks():
    person = Person(orders=[Bought(3)], days_to_pay=0)

    known = columns(person, full_price_share=0.5, preference_stability=0.9)

    assert known["core_marks"] == 3
    assert known["core_mark_score"] == pytest.approx((1.0 + 0.5 + 0.9) / 3)


def test_a_stated_share_of_wallet_goes_before_an_estimate():
    bought = [Bought(3, "tea", value=100)]
    said = Person(orders=bought, opinions=[Opinion(9, "share_of_wallet", 0.7)])

    stated, estimated = columns(said), columns(Person(orders=bought))

    assert (stated["share_of_wallet"], stated["share_of_wallet_estimated"]) == (0.7, 0.0)
    assert (estimated["share_of_wallet"], estimated["share_of_wallet_estimated"]) == (0.25, 1.0)


def test_an_estimate_compares_a_year_in_known_categories():
    orders = [
        Bought(3, "tea", value=100),
        Bought(400, "tea", value=900),
        Bought(3, "mug", value=500),
    ]

    # The mug's category has no known wallet, and 400 days are more than a year.
    assert columns(Person(orders=orders))["share_of_wallet"] == 0.25
    assert columns(Person(orders=orders[2:]))["share_of_wallet"] is None
    assert columns(Person(orders=[Bought(3, "tea", value=800)]))["share_of_wallet"] == 1.0


def test_the_wallet_of_a_category_is_what_its_best_buyers_spend():
    people = [Person(orders=[Bought(3, "tea", value=100 * n)]) for n in range(1, 12)]
    people += [Person(orders=[Bought(400, "tea", value=10**6), Bought(3, "mug", value=7)])]

    wallet = core.fit_wallet(a_context(people, items=ITEMS))

    # The 90th percentile of 100, 200 to 1,100 by linear interpolation is the tenth value.
    assert wallet == {"drinks": pytest.approx(1_000.0), "dishes": 7.0}
    assert core.fit_wallet(a_context([])) == {}


def test_differential_value_is_the_exclusive_share_beyond_the_usual():
    orders = [Bought(3, "own", value=300), Bought(2, "tea", value=100), Bought(500, "own")]

    known = columns(Person(orders=orders))

    assert known["exclusive_share"] == 0.75
    assert known["differential_value"] == pytest.approx(0.5)


def test_a_shop_without_exclusive_items_has_no_such_advantage():
    cuts = msgspec.structs.replace(TRAINED, scales={"exclusive_share": (0.0, 0.0)})

    known = columns(Person(orders=[Bought(3, "tea")]), cuts=cuts)

    assert (known["exclusive_share"], known["differential_value"]) == (None, None)


# Yes, no and unknown for each of the three questions.
FIRST = {"yes": 1_000.0, "no": 999.0, "unknown": None}
SECOND = {"yes": 0.5, "no": 0.49, "unknown": None}
THIRD = {"yes": "own", "no": "tea", "unknown": None}


@pytest.mark.parametrize(
    ("first", "second", "third", "score", "cell", "core_customer"),
    [
        ("yes", "yes", "yes", 3, "q1_q2_q3", 1.0),
        ("yes", "yes", "no", 2, "q1_q2", 1.0),
        ("yes", "no", "yes", 2, "q1_q3", 1.0),
        ("no", "yes", "yes", 2, "q2_q3", 0.0),
        ("yes", "no", "no", 1, "q1", 0.0),
        ("no", "no", "no", 0, "none", 0.0),
        ("yes", "yes", "unknown", 2, "q1_q2", 1.0),
        ("yes", "no", "unknown", 1, "q1", None),
        ("unknown", "yes", "yes", 2, "q2_q3", None),
        ("unknown", "no", "no", 0, "none", 0.0),
        ("no", "unknown", "unknown", 0, "none", 0.0),
        ("unknown", "unknown", "unknown", None, None, None),
    ],
)
def test_core_customers_by_three_questions(first, second, third, score, cell, core_customer):
    item, share = THIRD[third], SECOND[second]
    # A thing without a category is in nobody's wallet.
    items = {"own": Thing(exclusive=True), "tea": None}
    person = Person(
        orders=[Bought(3, item)] if item else [Bought(500, "tea")],
        opinions=[] if share is None else [Opinion(3, "share_of_wallet", share)],
        days_to_pay=0,
    )
    margin = {} if FIRST[first] is None else {"margin_12m": FIRST[first]}
    before = some_columns(
        **{
            name: [{"full_price_share": 1.0, "preference_stability": 1.0, **margin}.get(name)]
            for name in KNOWN
        }
    )

    known = core.compute(a_context([person], items=items, cuts=TRAINED), before)

    assert values_of(known["core_score"]) == [score]
    assert values_of(known["core_cell"]) == [cell]
    assert values_of(known["core_customer"]) == [core_customer]


def test_a_customer_with_poor_marks_is_not_loyal_and_profitable_whatever_the_margin():
    known = columns(
        Person(orders=[Bought(500)], days_to_pay=40), full_price_share=0, preference_stability=0
    )

    assert (known["core_score"], known["core_customer"]) == (0, 0.0)


def test_the_loyalty_index_is_half_wallet_and_half_retention():
    said = Person(orders=[Bought(3)], opinions=[Opinion(9, "share_of_wallet", 0.6)])

    known = columns(said, churn_risk=0.2, orders_12m=3.0)

    assert known["loyalty_index"] == pytest.approx(100 * (0.5 * 0.6 + 0.5 * 0.8))
    assert known["loyalty_index_proxy"] == 0.0


def test_frequency_stands_in_for_an_unknown_wallet():
    person = Person(orders=[Bought(3, "mug")])

    known = columns(person, churn_risk=0.2, orders_12m=3.0)

    assert known["loyalty_index"] == pytest.approx(100 * (0.5 * 0.5 + 0.5 * 0.8))
    assert known["loyalty_index_proxy"] == 1.0
    assert columns(person, orders_12m=3.0)["loyalty_index"] is None


@pytest.mark.parametrize(
    ("value", "rank", "top"), [(8.0, 0.8, 1.0), (7.5, 0.8, 1.0), (7.0, 0.7, 0.0)]
)
def test_the_most_valuable_are_the_top_fifth(value, rank, top):
    known = columns(Person(orders=[Bought(3)]), clv_predicted=value)

    assert known["value_rank"] == rank
    assert known["most_valuable"] == top


def test_nothing_is_known_of_nobody():
    assert set(columns(Person()).values()) == {None}


def test_what_is_unknown_has_no_evidence():
    for name, column in computed(Person(orders=[Bought(3)])).items():
        np.testing.assert_array_equal(column.known, column.evidence > 0, err_msg=name)
