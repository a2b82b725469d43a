"""Visits, mail, consent and how personal the service can be: hand calculations."""

from __future__ import annotations

import math

import msgspec
import pytest

from engine.loyalty.cuts import Cuts
from engine.loyalty.features import engagement
from engine.loyalty.states import BOT, CLICKED, DIRECT, OPENED, ORDERED, SENT, VIEWED
from tests.states import (
    NOW,
    Bought,
    Interest,
    Opinion,
    Person,
    Preference,
    Visited,
    a_context,
    values_of,
)


def columns(person: Person, *, cuts: Cuts | None = None):
    computed = engagement.compute(a_context([person], cuts=cuts), {})
    return {name: values_of(column)[0] for name, column in computed.items()}


def evidence(person: Person, name: str) -> int:
    return int(engagement.compute(a_context([person]), {})[name].evidence[0])


def test_visits_of_180_days_count_without_robots():
    person = Person(
        visits=[
            Visited(200, VIEWED),
            Visited(179, VIEWED | DIRECT),
            Visited(10, VIEWED | BOT),
            Visited(1, VIEWED),
        ]
    )

    known = columns(person)

    assert known["visits_180d"] == 2
    assert known["direct_visit_share"] == 1 / 2


def test_the_revisit_probability_is_the_gamma_poisson_one():
    known = columns(Person(visits=[Visited(ago, VIEWED) for ago in (1, 2, 3)]))

    # beta = 180 + 30 days, k = 3 visits + 0.5: 1 - (beta / (beta + 30))^k.
    assert known["revisit_probability"] == pytest.approx(1 - (210 / 240) ** 3.5, rel=1e-12)


def test_a_visitor_who_stays_away_has_no_visits_and_a_small_chance():
    known = columns(Person(visits=[Visited(300, VIEWED)]))

    assert known["visits_180d"] == 0
    assert known["revisit_probability"] == pytest.approx(1 - (210 / 240) ** 0.5, rel=1e-12)
    assert known["direct_visit_share"] is None


def test_orders_alone_tell_nothing_of_visits():
    known = columns(Person(orders=[Bought(3)], visits=[Visited(3, ORDERED)]))

    assert known["visits_180d"] is None
    assert known["revisit_probability"] is None


def test_a_shop_that_tells_no_channels_has_no_direct_visits_to_speak_of():
    known = columns(Person(visits=[Visited(1, VIEWED)]))

    assert known["direct_visit_share"] is None


def test_the_stated_intent_is_the_mean_of_a_year():
    opinions = [Opinion(400, "revisit_intent", 0.0), Opinion(300, "revisit_intent", 6 / 7)]

    known = columns(Person(opinions=[*opinions, Opinion(2, "revisit_intent", 4 / 7)]))

    assert known["revisit_stated"] == pytest.approx(5 / 7)


def test_mail_is_ignored_from_the_last_reaction_on():
    mails = [(100, SENT), (80, SENT), (70, SENT), (69, OPENED), (60, SENT), (1, SENT)]

    known = columns(Person(mails=mails))

    assert known["emails_sent_90d"] == 4
    assert known["emails_clicked_90d"] == 0
    assert known["mail_ignored"] == 2


def test_mail_of_a_shop_that_does_not_track_reactions_is_not_called_ignored():
    known = columns(Person(mails=[(3, SENT), (2, SENT)]))

    assert known["emails_sent_90d"] == 2
    assert known["emails_clicked_90d"] is None
    assert known["mail_ignored"] is None


def test_clicks_of_others_show_that_reactions_are_tracked():
    cuts = msgspec.structs.replace(
        Cuts.untrained(), as_of_ms=NOW, scales={"emails_clicked_90d": (0.0, 3.0)}
    )

    known = columns(Person(mails=[(3, SENT), (2, SENT)]), cuts=cuts)

    assert (known["emails_clicked_90d"], known["mail_ignored"]) == (0, 2)


def test_a_click_counts_when_it_was_made():
    known = columns(Person(mails=[(95, SENT), (89, CLICKED)]))

    assert known["emails_clicked_90d"] == 1
    assert known["emails_sent_90d"] == 0


def test_the_last_word_on_a_purpose_is_the_consent():
    known = columns(Person(consents={"email": (False, 3), "personalization": (True, 3)}))

    assert known["consent_email"] == "denied"
    assert known["consent_personalization"] == "granted"


@pytest.mark.parametrize(
    ("person", "level"),
    [
        (Person(signed_up=3), "L0"),
        (Person(orders=[Bought(1)]), "L1"),
        (Person(orders=[Bought(n) for n in range(1, 5)], interests=[Interest(1)]), "L2"),
        (Person(preferences=[Preference("tea")]), "L3"),
        (Person(preferences=[Preference("tea", times=2)]), "L4"),
        (Person(preferences=[Preference("tea", value=-1.0)]), "L4"),
        (Person(orders=[Bought(1)], consents={"personalization": (False, 1)}), "L0"),
        (Person(), None),
    ],
)
def test_levels_of_personalisation(person, level):
    assert columns(person)["personalisation_level"] == level


def test_half_of_the_picture_are_answers_and_half_signs():
    person = Person(
        orders=[Bought(1), Bought(2)],
        interests=[Interest(3, "cup")],
        preferences=[Preference("tea"), Preference("coffee"), Preference("size:42")],
        opinions=[Opinion(3, "budget", 0.5)],
    )

    known = columns(person)

    # Topics, size and budget of five questions; three signs of fifty.
    assert known["personalisation_completeness"] == pytest.approx(0.5 * 3 / 5 + 0.5 * 3 / 50)
    # Items tea and cup, three preferences, one survey.
    assert known["learning"] == pytest.approx(1 - math.exp(-6 / 20), rel=1e-12)


def test_the_next_question_is_the_first_that_has_no_answer():
    person = Person(preferences=[Preference("tea", ago=60), Preference("budget:low", ago=31)])

    assert columns(Person(signed_up=1))["next_question"] == "topics"
    assert columns(person)["next_question"] == "frequency"


@pytest.mark.parametrize(
    "person",
    [
        Person(preferences=[Preference("tea", ago=29)]),
        Person(opinions=[Opinion(29, "csat", 0.5)]),
        Person(signed_up=40, consents={"personalization": (False, 40)}),
        Person(
            preferences=[
                Preference(topic, ago=90)
                for topic in ("tea", "frequency", "budget:low", "size:1", "occasion:xmas")
            ]
        ),
    ],
)
def test_nothing_is_asked_too_soon_or_in_vain(person):
    assert columns(person)["next_question"] is None


def test_a_rating_is_no_answer_to_a_question():
    assert columns(Person(opinions=[Opinion(2, "rating", 0.9)]))["next_question"] == "topics"


def test_a_preference_spoken_of_later_is_not_known_yet():
    context = a_context([Person(preferences=[Preference("tea", ago=-1)], signed_up=4)])

    computed = engagement.compute(context, {})

    assert values_of(computed["personalisation_level"]) == ["L0"]
    assert values_of(computed["learning"]) == [None]


def test_nothing_is_known_of_nobody():
    assert set(columns(Person()).values()) == {None}


def test_evidence_counts_what_was_observed():
    person = Person(visits=[Visited(1, VIEWED), Visited(2, VIEWED)], mails=[(3, SENT)])

    assert evidence(person, "visits_180d") == 2
    assert evidence(person, "emails_sent_90d") == 1
    assert evidence(person, "mail_ignored") == 0
