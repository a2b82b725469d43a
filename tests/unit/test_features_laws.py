"""Laws that every feature of promotion, engagement, voice, preferences, attitude and core keeps."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.loyalty.cuts import Cuts
from engine.loyalty.feature import Column, Kind
from engine.loyalty.features import (
    attitude,
    core,
    engagement,
    lifecycle,
    orders,
    preferences,
    promotion,
    rfm_features,
    value,
    voice,
)
from engine.loyalty.features.context import Context
from engine.loyalty.features.tastes import category_preferences
from engine.loyalty.states import States
from tests.states import (
    NOW,
    Bought,
    Case,
    Interest,
    Opinion,
    Person,
    Preference,
    Thing,
    Visited,
    a_states,
    values_of,
)

GROUPS = (
    orders,
    rfm_features,
    value,
    promotion,
    engagement,
    voice,
    preferences,
    lifecycle,
    attitude,
    core,
)
OWN = (promotion, engagement, voice, preferences, attitude, core)
FEATURES = {each.name: each for group in OWN for each in group.FEATURES}
ITEMS = {
    "cup": "dishes",
    "jam": Thing("food", exclusive=True),
    "mug": "dishes",
    "tea": "drinks",
    "thing": None,
}

ago = st.one_of(st.integers(0, 12).map(float), st.floats(0, 900).map(lambda days: round(days, 3)))
items = st.sampled_from(sorted(ITEMS))
share = st.integers(0, 10).map(lambda tenths: tenths / 10)
scored = st.builds(
    Opinion,
    ago,
    st.sampled_from(["rating", "nps", "csat", "repurchase_intent", "share_of_wallet", "budget"]),
    share,
    st.none(),
    st.none(),
)
reasons = st.builds(
    Opinion,
    ago,
    st.just("exit_reason"),
    st.just(float("nan")),
    st.sampled_from(["price", "spam", "no idea"]),
    st.none(),
)
counts = st.integers(0, 2)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    opened = draw(ago)
    waits = st.one_of(st.none(), st.floats(0, 1).map(lambda part: opened * (1 - part)))
    return Case(opened, draw(waits), draw(waits), draw(st.sampled_from(["delivery", "other"])))


persons = st.builds(
    Person,
    orders=st.lists(
        st.builds(
            Bought,
            ago,
            items,
            st.integers(0, 900),
            st.sampled_from([0, 0, 5, 90]),
            st.sampled_from([1.0, 2.0, 0.3]),
        ),
        max_size=9,
    ),
    visits=st.lists(
        st.builds(Visited, ago, st.integers(0, 127), st.just(1), st.just(1.0)), max_size=4
    ),
    interests=st.lists(
        st.builds(Interest, st.integers(0, 300), items, counts, counts, counts), max_size=4
    ),
    opinions=st.lists(st.one_of(scored, reasons), max_size=6),
    cases=st.lists(cases(), max_size=3),
    contacts=st.lists(st.tuples(ago, st.sampled_from(["phone", "complaint"])), max_size=4),
    mails=st.lists(st.tuples(ago, st.integers(0, 2)), max_size=6),
    preferences=st.lists(
        st.builds(
            Preference,
            st.sampled_from(["dishes", "drinks", "garden", "size:42", "budget"]),
            st.sampled_from([-1.0, 0.0, 0.5, 1.0]),
            ago,
            st.integers(1, 3),
        ),
        max_size=4,
        unique_by=lambda preference: preference.topic,
    ),
    consents=st.dictionaries(
        st.sampled_from(["email", "personalization"]), st.tuples(st.booleans(), ago)
    ),
    signed_up=st.one_of(st.none(), ago),
    returned=counts,
    placed=st.none(),
    days_to_pay=st.sampled_from([float("nan"), 0.0, 14.0, 45.0]),
    business=st.integers(-1, 1),
)
shops = st.lists(persons, min_size=1, max_size=6)


def _needed(kind: str) -> list[str]:
    return [name for group in OWN for name in getattr(group, kind, ())]


CUTS = msgspec.structs.replace(
    Cuts.untrained(),
    as_of_ms=NOW,
    top_margin=200.0,
    scales=dict.fromkeys(_needed("SCALED"), (0.0, 0.1, 0.5, 1.0, 3.0)),
    moments=dict.fromkeys(_needed("STANDARDISED"), (0.3, 0.7)),
    wallet={"dishes": 700.0, "drinks": 90.0},
)
trainings = st.sampled_from([Cuts.untrained(), CUTS, msgspec.structs.replace(CUTS, scales={})])


def columns_of(states: States, cuts: Cuts) -> dict[str, Column]:
    context = Context.of(states, cuts, now_ms=NOW)
    known: dict[str, Column] = {}
    for group in GROUPS:
        known.update(group.compute(context, known))
    return {name: known[name] for name in FEATURES}


def a_shop(drawn: list[Person]) -> States:
    return a_states(drawn, items=ITEMS)


@pytest.mark.parametrize("group", OWN, ids=lambda group: group.__name__.rpartition(".")[2])
def test_every_feature_has_a_column_and_every_column_a_feature(group):
    states = a_shop([Person(orders=[Bought(3)])])
    context = Context.of(states, CUTS, now_ms=NOW)
    known: dict[str, Column] = {}
    for earlier in GROUPS[: GROUPS.index(group)]:
        known.update(earlier.compute(context, known))

    computed = group.compute(context, known)

    assert list(computed) and set(computed) == {each.name for each in group.FEATURES}
    for each in group.FEATURES:
        assert each.about and each.needs
        words = ("yes", "no") if each.kind is Kind.FLAG else each.choices
        assert each.sentence or set(each.sentences) == set(words)


@settings(max_examples=60)
@given(shops, trainings)
def test_values_are_of_their_kind(drawn, cuts):
    for name, column in columns_of(a_shop(drawn), cuts).items():
        known = column.values[column.known]

        assert column.values.dtype == np.float64 and column.evidence.dtype == np.int32
        assert (column.evidence >= 0).all()
        np.testing.assert_array_equal(column.known, column.evidence > 0, err_msg=name)
        if FEATURES[name].kind is Kind.SHARE:
            assert ((known >= 0) & (known <= 1)).all(), name
        if FEATURES[name].kind is Kind.FLAG:
            assert set(known.tolist()) <= {0.0, 1.0}, name
        if FEATURES[name].kind is Kind.COUNT:
            assert ((known >= 0) & (known == np.floor(known))).all(), name
        if FEATURES[name].kind is Kind.CHOICE:
            assert set(known.tolist()) <= set(range(len(column.labels))), name
            assert column.labels == (FEATURES[name].choices or column.labels), name


@settings(max_examples=60)
@given(shops, trainings, st.randoms(use_true_random=False))
def test_the_order_of_customers_does_not_matter(drawn, cuts, random):
    states, order = a_shop(drawn), list(range(len(drawn)))
    random.shuffle(order)

    straight = columns_of(states, cuts)
    shuffled = columns_of(states.take(np.asarray(order, np.int64)), cuts)

    for name, column in straight.items():
        moved = column.take(np.asarray(order, np.int64))
        np.testing.assert_array_equal(shuffled[name].values, moved.values, err_msg=name)
        np.testing.assert_array_equal(shuffled[name].evidence, moved.evidence, err_msg=name)


@settings(max_examples=60)
@given(shops, trainings)
def test_one_customer_alone_is_known_as_among_others(drawn, cuts):
    together = columns_of(a_shop(drawn), cuts)

    for position, person in enumerate(drawn):
        # With tables of items and words that hold nothing of the others.
        own = {each.item for each in (*person.orders, *person.interests)}
        alone = columns_of(
            a_states([person], items={item: ITEMS[item] for item in sorted(own)}), cuts
        )
        for name, column in together.items():
            assert values_of(alone[name]) == [values_of(column)[position]], name
            assert alone[name].evidence[0] == column.evidence[position], name


@settings(max_examples=40)
@given(shops)
def test_categories_are_ranked_alone_as_among_others(drawn):
    def table(states: States) -> list[list[tuple[str, float, float, float]]]:
        found = category_preferences(Context.of(states, CUTS, now_ms=NOW))
        rows = zip(
            [found.labels[each] for each in found.category],
            found.explicit.tolist(),
            found.implicit.tolist(),
            found.score.tolist(),
            strict=True,
        )
        flat = list(rows)
        return [flat[a:b] for a, b in zip(found.indptr[:-1], found.indptr[1:], strict=True)]

    together = table(a_shop(drawn))

    for position, person in enumerate(drawn):
        own = {each.item for each in (*person.orders, *person.interests)}
        alone = table(a_states([person], items={item: ITEMS[item] for item in sorted(own)}))
        assert alone == [together[position]]
        scores = [score for *_, score in alone[0]]
        assert scores == sorted(scores, reverse=True)


@settings(max_examples=40)
@given(persons, persons, trainings)
def test_what_is_still_to_come_has_no_effect(past, planted, cuts):
    """Consents and preferences aside, of which a state holds the last word only."""
    later = {
        name: [replace(each, ago=-1.0 - each.ago) for each in getattr(planted, name)]
        for name in ("orders", "visits", "opinions")
    }
    later["interests"] = [replace(each, ago=-1 - each.ago) for each in planted.interests]
    later["cases"] = [Case(-1.0 - each.opened, topic=each.topic) for each in planted.cases]
    later["contacts"] = [(-1.0 - day, topic) for day, topic in planted.contacts]
    later["mails"] = [(-1.0 - day, kind) for day, kind in planted.mails]
    now = {name: (*getattr(past, name), *rows) for name, rows in later.items()}
    states = a_shop([past])

    # What was seen, placed and bought comes from the fold, which is cut off elsewhere.
    with_future = replace(a_shop([replace(past, **now)]), people=states.people)

    without = columns_of(states, cuts)
    for name, column in columns_of(with_future, cuts).items():
        assert values_of(column) == values_of(without[name]), name
        assert column.evidence.tolist() == without[name].evidence.tolist(), name


def test_no_customers_have_no_values():
    for column in columns_of(a_states([]), CUTS).values():
        assert column.values.shape == column.evidence.shape == (0,)
