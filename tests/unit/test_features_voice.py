"""Opinions, complaints, exits and silent dissatisfaction: hand calculations."""

from __future__ import annotations

import math

import msgspec
import pytest

from engine.loyalty.cuts import Cuts
from engine.loyalty.features import voice
from engine.loyalty.features.departure import reason_of
from engine.loyalty.states import SENT
from tests.states import (
    NOW,
    Bought,
    Case,
    Opinion,
    Person,
    a_context,
    some_columns,
    values_of,
)

HOUR = 1 / 24


def computed(person: Person, *, cuts: Cuts | None = None, now_ms: int = NOW, **known):
    before = {
        "return_rate": None,
        "overdue": 1.0 if person.orders else None,
        "cycle_days": 10.0 if person.orders else None,
        "churn_risk_cycle": None,
        "mail_ignored": None,
        **known,
    }
    context = a_context([person], cuts=cuts, now_ms=now_ms)
    columns = some_columns(**{name: [value] for name, value in before.items()})
    return voice.compute(context, columns)


def columns(person: Person, **options):
    return {name: values_of(column)[0] for name, column in computed(person, **options).items()}


def test_opinions_of_the_last_year_are_averaged():
    person = Person(
        opinions=[
            Opinion(366, "rating", 0.0),
            Opinion(300, "rating", 0.6),
            Opinion(3, "rating", 1.0),
            Opinion(3, "csat", 0.8),
            Opinion(4, "nps", 0.9),
        ]
    )

    known = columns(person)

    assert known["rating_mean"] == pytest.approx(0.8)
    assert known["csat"] == 0.8
    assert known["nps"] == 9


def test_product_satisfaction_halves_the_weight_of_a_rating_in_180_days():
    person = Person(opinions=[Opinion(180, "rating", 0.2), Opinion(0, "rating", 0.8)])

    known = columns(person, return_rate=0.1)

    ratings = (0.5 * 0.2 + 1.0 * 0.8) / 1.5
    assert known["product_satisfaction"] == pytest.approx(0.7 * ratings + 0.3 * 0.9, rel=1e-12)


def test_returns_alone_are_no_satisfaction_with_products():
    assert columns(Person(orders=[Bought(3)]), return_rate=0.05)["product_satisfaction"] is None


def test_relationship_satisfaction_averages_what_there_is():
    person = Person(
        opinions=[Opinion(4, "nps", 0.5), Opinion(4, "csat", 1.0)], cases=[Case(9, None, 8)]
    )

    known = columns(person)

    assert known["relationship_satisfaction"] == pytest.approx((0.5 + 1.0 + 1.0) / 3)
    assert computed(person)["relationship_satisfaction"].evidence[0] == 3


@pytest.mark.parametrize(
    ("rating", "csat", "quadrant"),
    [
        (0.9, 0.6, "loyal"),
        (0.9, 0.59, "vulnerable"),
        (0.3, 0.9, "potential"),
        (0.3, 0.3, "negative"),
        (0.3, None, None),
        (None, 0.9, None),
    ],
)
def test_quadrants_of_satisfaction(rating, csat, quadrant):
    opinions = [Opinion(0, "rating", rating)] if rating is not None else []
    opinions += [Opinion(0, "csat", csat)] if csat is not None else []

    assert columns(Person(opinions=opinions))["satisfaction_quadrant"] == quadrant


def test_contacts_are_counted_for_a_year_and_by_the_order():
    person = Person(
        orders=[Bought(500), Bought(20)],
        contacts=[(400, "phone"), (30, "complaint"), (2, "mail")],
        cases=[Case(30)],
    )

    known = columns(person)

    assert known["contacts_12m"] == 2
    assert known["contacts_per_order"] == 3 / 2
    assert (known["complaints"], known["open_complaints"]) == (1, 1)


def test_no_contacts_are_none_only_where_contacts_are_told():
    quiet = Person(orders=[Bought(3)])
    cuts = msgspec.structs.replace(
        Cuts.untrained(), as_of_ms=NOW, scales={"contacts_per_order": (0.0, 2.0)}
    )

    assert columns(quiet)["contacts_12m"] is None
    assert columns(quiet, cuts=cuts)["contacts_12m"] == 0
    assert columns(quiet, cuts=cuts)["contacts_per_order"] == 0
    assert columns(Person(), cuts=cuts)["contacts_per_order"] is None


def test_hours_to_an_answer_and_to_a_resolution_are_means():
    person = Person(
        cases=[
            Case(10, 10 - HOUR, 10 - 4 * HOUR),
            Case(9, 9 - 3 * HOUR, None),
            Case(8, None, 8 - 6 * HOUR),
        ]
    )

    known = columns(person)

    assert known["first_response_hours"] == pytest.approx(2)
    assert known["resolution_hours"] == pytest.approx(5)


def test_a_promise_is_broken_by_a_late_resolution_and_by_none_in_time():
    person = Person(cases=[Case(10, None, 8), Case(10, None, 7.9), Case(2.1), Case(1.9)])

    known = computed(person)["promise_kept"]

    # The last case is not decided yet.
    assert values_of(known)[0] == pytest.approx(1 / 3)
    assert known.evidence[0] == 3


@pytest.mark.parametrize(
    ("orders", "recovered"),
    [
        # Resolved 30 days ago, two cycles of ten days: until ten days ago.
        ([40, 29], 1.0),
        ([40, 10], 1.0),
        ([40, 9], 0.0),
        ([40], 0.0),
    ],
)
def test_a_complaint_is_made_good_by_an_order_in_time(orders, recovered):
    person = Person(orders=[Bought(each) for each in orders], cases=[Case(35, None, 30)])

    assert columns(person)["recovered"] == recovered


def test_recovery_is_not_decided_before_its_time_is_up():
    waiting = Person(orders=[Bought(40)], cases=[Case(25, None, 19)])
    open_case = Person(orders=[Bought(40)], cases=[Case(25)])

    assert columns(waiting)["recovered"] is None
    assert columns(open_case)["recovered"] is None
    assert columns(Person(cases=[Case(35, None, 30)]))["recovered"] is None


def test_a_resolution_that_is_still_to_come_has_not_happened():
    person = Person(cases=[Case(10, 4, 3), Case(4)])

    then = columns(person, now_ms=NOW - 5 * 86_400_000)

    assert (then["complaints"], then["open_complaints"]) == (1, 1)
    assert then["resolution_hours"] is None
    assert then["promise_kept"] == 0


def test_a_stated_reason_to_leave_goes_before_an_inferred_one():
    complained = Person(orders=[Bought(90)], cases=[Case(85, topic="shipping")])
    said = Person(
        orders=[Bought(90)],
        cases=[Case(85, topic="shipping")],
        opinions=[
            Opinion(80, "exit_reason", word="price"),
            Opinion(50, "exit_reason", word="Too much mail"),
        ],
    )

    inferred, stated = computed(complained, overdue=9.0), computed(said, overdue=9.0)

    assert values_of(inferred["exit_reason"]) == ["delivery"]
    assert values_of(inferred["exit_reason_inferred"]) == [1.0]
    assert values_of(stated["exit_reason"]) == ["privacy"]
    assert values_of(stated["exit_reason_inferred"]) == [0.0]
    # An inferred reason weighs half of a stated one.
    assert inferred["exit_reason"].evidence[0] == 1
    assert stated["exit_reason"].evidence[0] == 4


def test_a_complaint_explains_no_exit_of_one_who_stayed_or_came_back():
    stayed = Person(orders=[Bought(5)], cases=[Case(4, topic="price")])
    back = Person(orders=[Bought(90), Bought(60)], cases=[Case(85, topic="price")])

    assert columns(stayed)["exit_reason"] is None
    assert columns(back, overdue=9.0)["exit_reason"] is None
    assert columns(stayed, overdue=1.6, churn_risk_cycle=0.9)["exit_reason"] == "price"


@pytest.mark.parametrize(
    ("text", "reason"),
    [("price", "price"), ("Need ended", "need_ended"), ("spam", "privacy"), ("42", "other")],
)
def test_reasons_are_a_closed_list(text, reason):
    assert reason_of(text) == reason


def test_order_size_compares_the_halves_of_the_orders():
    person = Person(
        orders=[Bought(9 - n, value=value) for n, value in enumerate((300, 100, 60, 40, 20))]
    )

    # The middle one of five is in the newer half: 40 against 200.
    assert columns(person)["order_size_change"] == pytest.approx((40 - 200) / 200)
    assert columns(Person(orders=person.orders[:3]))["order_size_change"] is None


def test_ratings_that_fall_show_from_the_second_on():
    falling = Person(opinions=[Opinion(30, "rating", 1.0), Opinion(3, "rating", 0.4)])

    assert columns(falling)["rating_change"] == pytest.approx(-0.6)
    assert columns(Person(opinions=falling.opinions[:1]))["rating_change"] is None


def test_silent_dissatisfaction_is_the_logistic_of_the_mean_sign():
    cuts = msgspec.structs.replace(
        Cuts.untrained(),
        as_of_ms=NOW,
        moments={"overdue": (1.0, 0.5), "return_rate": (0.1, 0.1), "rating_change": (0.0, 0.2)},
    )
    person = Person(
        orders=[Bought(3)], opinions=[Opinion(30, "rating", 1.0), Opinion(3, "rating", 0.4)]
    )

    known = computed(person, cuts=cuts, overdue=2.0, return_rate=0.2)["silent_dissatisfaction"]

    # Signs of +2, +1 and +3 standard deviations.
    assert values_of(known)[0] == pytest.approx(1 / (1 + math.exp(-2)))
    assert known.evidence[0] == 3


def test_without_a_training_nothing_is_known_of_silence():
    person = Person(orders=[Bought(3)], mails=[(3, SENT)])

    assert columns(person, mail_ignored=1.0)["silent_dissatisfaction"] is None


def test_nothing_is_known_of_nobody():
    assert set(columns(Person()).values()) == {None}
