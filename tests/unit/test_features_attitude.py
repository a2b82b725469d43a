"""Attitude, class and phase of loyalty, satisfied defectors: by their definitions."""

from __future__ import annotations

import pytest

from engine.loyalty.features import attitude
from engine.loyalty.states import BOT, VIEWED, VIEWED_TWICE
from tests.states import Bought, Opinion, Person, Visited, a_context, some_columns, values_of

KNOWN = (
    "nps",
    "csat",
    "rating_mean",
    "full_price_share",
    "direct_visit_share",
    "consent_email",
    "return_rate",
    "rfm_f",
    "churn_risk",
    "overdue",
    "stage",
)


def columns(person: Person, **known: float | str):
    before = some_columns(**{name: [known.get(name)] for name in KNOWN})
    computed = attitude.compute(a_context([person]), before)
    return {name: values_of(column)[0] for name, column in computed.items()}


def orders(count: int) -> Person:
    return Person(orders=[Bought(10.0 * n) for n in range(count)])


def test_the_stated_attitude_is_the_mean_of_what_was_said():
    person = Person(opinions=[Opinion(9, "repurchase_intent", 0.5)])

    known = columns(person, nps=9.0, csat=0.6, rating_mean=0.8)

    assert known["attitude"] == pytest.approx((0.9 + 0.6 + 0.8 + 0.5) / 4)
    assert known["attitude_source"] == "stated"


def test_without_a_word_three_signs_stand_in():
    signs = {"full_price_share": 1.0, "direct_visit_share": 0.4, "return_rate": 0.1}

    three = columns(orders(2), **signs)
    two = columns(orders(2), full_price_share=1.0, return_rate=0.1)
    both = columns(orders(2), csat=0.2, **signs)

    assert three["attitude"] == pytest.approx((1.0 + 0.4 + 0.9) / 3)
    assert three["attitude_source"] == "proxy"
    assert (two["attitude"], two["attitude_source"]) == (None, "none")
    assert (both["attitude"], both["attitude_source"]) == (0.2, "stated")


def test_an_old_rating_is_a_sign_by_having_been_given():
    person = Person(orders=[Bought(3)], opinions=[Opinion(500, "rating", 0.1)])

    known = columns(person, full_price_share=0.5, return_rate=0.1)

    assert known["attitude"] == pytest.approx((0.5 + 1.0 + 0.9) / 3)


@pytest.mark.parametrize(
    ("count", "score", "risk", "liking", "expected"),
    [
        (2, 4, 0.9, 0.7, "true"),
        (2, 3, 0.5, 0.7, "true"),
        (2, 4, 0.9, 0.69, "spurious"),
        (2, 3, 0.51, 0.7, "latent"),
        (1, 5, 0.1, 0.7, "latent"),
        (2, 3, 0.9, 0.2, "none"),
        (2, 3, 0.9, None, None),
    ],
)
def test_loyalty_is_repeated_buying_and_attitude(count, score, risk, liking, expected):
    known = {"rfm_f": float(score), "churn_risk": risk}
    known |= {} if liking is None else {"csat": liking}

    assert columns(orders(count), **known)["loyalty_class"] == expected


def test_repeated_buying_that_cannot_be_judged_has_no_class():
    assert columns(orders(2), csat=0.9)["loyalty_class"] is None
    assert columns(orders(2), csat=0.9, rfm_f=4.0)["loyalty_class"] == "true"
    assert columns(Person(), csat=0.9)["loyalty_class"] == "latent"


@pytest.mark.parametrize(
    ("person", "known", "phase"),
    [
        (Person(visits=[Visited(3, VIEWED | VIEWED_TWICE)]), {}, "cognitive"),
        (Person(visits=[Visited(3, VIEWED_TWICE | BOT)]), {}, None),
        (Person(visits=[Visited(3, VIEWED)]), {}, None),
        (Person(), {"nps": 9.0}, "affective"),
        (Person(), {"nps": 8.9}, None),
        (Person(), {"rating_mean": 0.9}, "affective"),
        (Person(opinions=[Opinion(3, "repurchase_intent", 6 / 7)] * 3), {}, "conative"),
        (Person(opinions=[Opinion(3, "repurchase_intent", 5 / 7)]), {"nps": 10.0}, "affective"),
        (orders(4), {"overdue": 1.5}, "action"),
        (orders(4), {"overdue": 1.6}, None),
        (orders(3), {"overdue": 1.0}, None),
    ],
)
def test_the_highest_phase_that_was_seen_counts(person, known, phase):
    assert columns(person, **known)["loyalty_phase"] == phase


@pytest.mark.parametrize(
    ("satisfaction", "stage", "expected"),
    [(0.8, "separation", 1.0), (0.79, "separation", 0.0), (0.9, "loyalty", 0.0)],
)
def test_satisfied_customers_who_left_are_defectors(satisfaction, stage, expected):
    person = Person(orders=[Bought(900)], opinions=[Opinion(890, "csat", satisfaction)])

    assert columns(person, stage=stage)["satisfied_defector"] == expected


def test_a_defector_needs_a_stage_and_a_word():
    said = Person(opinions=[Opinion(890, "csat", 0.9)])

    assert columns(said)["satisfied_defector"] is None
    assert columns(orders(2), stage="separation")["satisfied_defector"] is None


def test_nothing_is_known_of_nobody():
    assert set(columns(Person()).values()) == {None}
