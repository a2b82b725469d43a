"""Sentences about a customer: every one can be told, with the customer's own numbers."""

from __future__ import annotations

from string import Formatter

import pytest

from engine.domain.features import Value
from engine.loyalty.feature import Feature, Kind
from engine.loyalty.features.explain import FORMATS, sentence
from engine.loyalty.features.registry import FEATURES

ALL = list(FEATURES.values())
DAY_MS = 86_400_000


def value_of(feature: Feature) -> Value:
    if feature.kind in (Kind.CHOICE, Kind.TEXT):
        return feature.choices[0] if feature.choices else "tea"
    return 1.0


EVERYTHING = {feature.name: value_of(feature) for feature in ALL}


def templates(feature: Feature) -> list[str]:
    return [feature.sentence, *feature.sentences.values()]


def placeholders(template: str) -> list[tuple[str, str]]:
    return [(name, shown or "") for _, name, shown, _ in Formatter().parse(template) if name]


@pytest.mark.parametrize("feature", ALL, ids=lambda each: each.name)
def test_placeholders_name_features_in_a_format_that_fits(feature: Feature):
    for template in templates(feature):
        for name, shown in placeholders(template):
            assert name in FEATURES
            assert shown in FORMATS
            words = FEATURES[name].kind in (Kind.CHOICE, Kind.TEXT)
            assert not (words and shown), f"{name} is a word and takes no format"
            plain = FEATURES[name].kind not in (Kind.CHOICE, Kind.TEXT, Kind.FLAG)
            assert not (plain and not shown), f"{name} is a number and needs a format"


@pytest.mark.parametrize("feature", ALL, ids=lambda each: each.name)
def test_every_known_value_has_a_sentence(feature: Feature):
    for choice in feature.choices or (value_of(feature),):
        told = sentence(feature, {**EVERYTHING, feature.name: choice})

        assert len(told) > 10 and told.endswith(".")
        assert "{" not in told and "_" not in told and "unknown" not in told.lower()


@pytest.mark.parametrize("feature", ALL, ids=lambda each: each.name)
def test_an_unknown_value_says_what_it_takes(feature: Feature):
    for row in ({}, {feature.name: None}):
        assert sentence(feature, row) == f"Unknown; it takes {feature.needs}."


@pytest.mark.parametrize("feature", ALL, ids=lambda each: each.name)
def test_what_is_mentioned_beside_it_may_be_unknown(feature: Feature):
    assert sentence(feature, {feature.name: value_of(feature)}).endswith(".")


@pytest.mark.parametrize("feature", ALL, ids=lambda each: each.name)
def test_sentences_of_choices_are_those_of_the_choices(feature: Feature):
    if feature.kind is Kind.CHOICE:
        told = set(feature.sentences)
        assert feature.sentence or (told and told == set(feature.choices))
    elif feature.kind is Kind.FLAG:
        assert feature.sentence or set(feature.sentences) == {"yes", "no"}
    else:
        assert feature.sentence and not feature.sentences


def test_a_sentence_has_the_customer_s_own_numbers():
    row = {"days_since_last": 12.0, "cycle_days": 29.6}

    assert sentence(FEATURES["days_since_last"], row) == (
        "Last order 12 days ago; usually orders every 30 days."
    )


@pytest.mark.parametrize(
    ("shown", "value", "text"),
    [
        ("days", 1.0, "1 day"),
        ("days", 1_234.4, "1,234 days"),
        ("share", 0.0, "0 %"),
        ("share", 0.0001, "under 0.1 %"),
        ("share", 0.034, "3.4 %"),
        ("share", 0.455, "46 %"),
        ("share", 0.997, "99.7 %"),
        ("share", 0.99999, "over 99.9 %"),
        ("share", 1.0, "100 %"),
        ("money", -123_456.0, "-1,234.56"),
        ("date", 20_000.0 * DAY_MS + 5, "2024-10-04"),
        ("date", -DAY_MS, "1969-12-31"),
        ("number", 0.85, "0.85"),
        ("number", 12.34, "12.3"),
        ("count", 1_200.0, "1,200"),
        ("", 1.0, "yes"),
        ("", 0.0, "no"),
    ],
)
def test_formats(shown: str, value: float, text: str):
    assert FORMATS[shown](value) == text


def test_one_order_is_an_order():
    row = {"orders": 1.0, "first_order_at": 0.0}

    assert sentence(FEATURES["orders"], row) == "1 order since 1970-01-01."
    assert sentence(FEATURES["orders"], {**row, "orders": 21.0}) == "21 orders since 1970-01-01."
