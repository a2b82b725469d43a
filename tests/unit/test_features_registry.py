"""All features at once: the same for one customer alone and among others, and for nobody."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.loyalty.config import LoyaltyConfig
from engine.loyalty.cuts import POOLED, Cuts, ValueModels
from engine.loyalty.feature import Kind
from engine.loyalty.features.registry import (
    FEATURES,
    GROUPS,
    SCALED,
    STANDARDISED,
    features,
    value_at,
)
from engine.loyalty.features.rows import feature_rows, values_of
from engine.loyalty.fit import fit_cuts
from engine.loyalty.states import IN_CART, ORDERED, VIEWED, States
from tests.states import NOW, Bought, Person, Thing, Visited, a_states

CUTS = Cuts(
    as_of_ms=NOW,
    rfm=Cuts.untrained().rfm,
    cycle=30.0,
    config=LoyaltyConfig(acquisition_cost=200, contact_cost=3, return_cost=2, win_back_cost=5),
    win_back={"3": (4, 20), "6": (1, 7)},
    value={
        POOLED: ValueModels(
            {"kind": "mbg_nbd", "r": 0.5, "alpha": 40.0, "a": 0.9, "b": 1.6},
            {"kind": "gamma_gamma", "p": 6.0, "q": 4.0, "v": 1_500.0},
        ),
        "business": ValueModels(
            {"kind": "pareto_nbd", "r": 0.5, "alpha": 10.0, "s": 0.6, "beta": 12.0}
        ),
    },
)
ITEMS = {"cup": Thing("ware", cost=30.0), "pot": Thing("kitchen"), "tea": None}

bought = st.builds(
    lambda ago, item, value, units: Bought(ago, item, value, units=units),
    st.floats(0, 900),
    st.sampled_from(["cup", "pot", "tea"]),
    st.integers(0, 5_000),
    st.sampled_from([1.0, 2.5, 40.0]),
)
visited = st.tuples(st.floats(0, 399), st.sampled_from([0, VIEWED, IN_CART, ORDERED])).map(
    lambda drawn: Visited(*drawn)
)
people = st.lists(
    st.builds(
        Person,
        orders=st.lists(bought, max_size=12),
        visits=st.lists(visited, max_size=3),
        returned=st.integers(0, 3),
        business=st.sampled_from([-1, 0, 1]),
    ),
    min_size=1,
    max_size=6,
)


def told(states: States, cuts: Cuts = CUTS) -> dict[str, list[str]]:
    """Values in hexadecimal, so that the last bit counts, and evidence and words beside them."""
    computed = features(states, cuts, now_ms=NOW)
    return {
        name: [
            f"{value.hex()} {seen} {value_at(column, number) if column.labels else ''}"
            for number, (value, seen) in enumerate(
                zip(column.values.tolist(), column.evidence.tolist(), strict=True)
            )
        ]
        for name, column in computed.columns.items()
    }


def test_every_feature_has_a_column_and_every_column_a_feature():
    computed = features(a_states([Person(orders=[Bought(3)])]), CUTS, now_ms=NOW)

    assert set(computed.columns) == set(FEATURES)
    assert len(FEATURES) == sum(len(group.FEATURES) for group in GROUPS)


def test_what_cuts_must_hold_are_features():
    assert set(FEATURES) >= SCALED | STANDARDISED


@pytest.mark.parametrize("feature", FEATURES.values(), ids=lambda each: each.name)
def test_features_are_described(feature):
    assert feature.about.endswith(".") and feature.needs and not feature.needs.endswith(".")


@given(people)
def test_a_customer_is_known_alone_as_among_others(drawn: list[Person]):
    states = a_states(drawn, items=ITEMS)

    together = told(states)

    for number in range(len(states)):
        alone = told(states.take(np.asarray([number])))
        assert {name: [own[number]] for name, own in together.items()} == alone


@given(people, st.randoms(use_true_random=False))
def test_the_order_of_customers_does_not_matter(drawn: list[Person], random):
    states = a_states(drawn, items=ITEMS)
    order = list(range(len(states)))
    random.shuffle(order)

    shuffled = told(states.take(np.asarray(order)))

    expected = {name: [own[each] for each in order] for name, own in told(states).items()}
    assert shuffled == expected


@given(people)
def test_shares_flags_and_choices_stay_in_their_bounds(drawn: list[Person]):
    computed = features(a_states(drawn, items=ITEMS), CUTS, now_ms=NOW)

    for name, column in computed.columns.items():
        values = column.values[column.known]
        assert column.values.dtype == np.float64 and column.evidence.dtype == np.int32
        assert not np.isinf(values).any(), name
        assert (column.evidence >= 0).all() and (column.evidence[column.known] > 0).all(), name
        if FEATURES[name].kind is Kind.SHARE:
            assert ((values >= 0) & (values <= 1)).all(), name
        if FEATURES[name].kind is Kind.FLAG:
            assert np.isin(values, [0, 1]).all(), name
        if FEATURES[name].kind is Kind.CHOICE and FEATURES[name].choices:
            assert column.labels == FEATURES[name].choices, name
        if column.labels:
            assert np.isin(values, np.arange(len(column.labels))).all(), name


@given(people)
@settings(max_examples=25)
def test_future_purchases_have_no_effect_on_what_orders_tell(drawn: list[Person]):
    later = [
        Person(orders=[*each.orders, Bought(-3, value=9_999)], placed=len(each.orders))
        for each in drawn
    ]
    now = [Person(orders=each.orders, placed=len(each.orders)) for each in drawn]
    names = [each.name for group in GROUPS[:2] for each in group.FEATURES]

    with_later, without = told(a_states(later, items=ITEMS)), told(a_states(now, items=ITEMS))

    # Lines bought are counted by the fold, which knows no moment.
    names = [name for name in names if name not in ("return_rate", "all_refunded", "customer_type")]
    assert {name: with_later[name] for name in names} == {name: without[name] for name in names}


def test_nobody_has_features_of_no_length():
    computed = features(a_states([]), CUTS, now_ms=NOW)

    assert len(computed) == 0
    assert {len(column.values) for column in computed.columns.values()} == {0}


def test_a_row_has_words_for_choices_and_nothing_for_unknown():
    computed = features(a_states([Person(orders=[Bought(200)]), Person()]), CUTS, now_ms=NOW)

    row, other = computed.row(0), computed.row(1)

    assert (row["orders"], row["stage"], row["turning"]) == (1.0, "separation", 0.0)
    assert (other["orders"], other["stage"]) == (None, None)
    assert computed.take(np.asarray([1, 0])).row(1) == row
    assert computed["orders"].values[0] == 1


def test_finite_for_very_many_orders_and_for_one_of_today():
    """x = 2,000 orders, one a day; and T = 0."""
    busy = Person(orders=[Bought(float(day)) for day in range(900)])

    computed = features(a_states([busy, Person(orders=[Bought(0)])]), CUTS, now_ms=NOW)

    for name in ("p_alive", "churn_risk", "expected_orders", "clv_predicted", "clv_residual"):
        assert np.isfinite(computed[name].values).all(), name


@pytest.mark.parametrize("kind", ["mbg_nbd", "bg_nbd"])
def test_churn_risk_rises_with_the_time_since_the_last_order(kind: str):
    models = {POOLED: ValueModels({"kind": kind, "r": 0.5, "alpha": 40.0, "a": 0.9, "b": 1.6})}
    cuts = Cuts(as_of_ms=NOW, rfm=CUTS.rfm, value=models)
    waiting = [
        Person(orders=[Bought(each + ago) for each in (0, 30, 60)]) for ago in range(0, 300, 20)
    ]

    risk = features(a_states(waiting), cuts, now_ms=NOW)["churn_risk"].values.tolist()

    assert all(sooner < later for sooner, later in pairwise(risk))


def test_untrained_cuts_do():
    cuts = fit_cuts(a_states([]), LoyaltyConfig(), now_ms=NOW)
    states = a_states([Person(orders=[Bought(3), Bought(40)]), Person()])

    for each in (Cuts.untrained(), cuts):
        assert len(features(states, each, now_ms=NOW)) == 2


def test_rows_say_what_columns_say():
    people = [Person(orders=[Bought(40, "cup"), Bought(3, "tea")]), Person(), Person(business=1)]
    found = features(a_states(people, items={"cup": "dishes"}), CUTS, now_ms=NOW)

    rows = feature_rows(found, revisions=[4, 5, 6], attributes=["{}"] * 3, version="v")

    assert [(row.customer_id, row.revision) for row in rows] == [("c0", 4), ("c1", 5), ("c2", 6)]
    assert rows[0].values["favourite_category"] == "dishes" and rows[0].values["orders"] == 2
    assert rows[1].values["orders"] is None
    for name, column in found.columns.items():
        assert [row.values[name] for row in rows] == values_of(column), name
