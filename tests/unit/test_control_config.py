"""What the table `[control]` may say."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime

import msgspec
import pytest

from engine.recommend.control.config import (
    Boost,
    Bury,
    Control,
    ControlPatch,
    Pin,
    problems_of,
)

JUNE = datetime(2026, 6, 1, tzinfo=UTC)
JULY = datetime(2026, 7, 1, tzinfo=UTC)


def test_the_defaults_are_off_and_without_a_problem() -> None:
    assert Control().off
    assert problems_of(Control()) == []


@pytest.mark.parametrize(
    "control",
    [
        Control(diversity=0.1),
        Control(calibration=0.1),
        Control(price_affinity=0.1),
        Control(category_cap=3),
        Control(brand_cap=3),
        Control(margin_tolerance=0.1),
        Control(long_tail_share=0.1),
        Control(exploration_share=0.1),
        Control(boosts=(Boost(brand="b"),)),
        Control(buries=(Bury(brand="b"),)),
        Control(pins=(Pin(item_id="a", place=1),)),
    ],
)
def test_a_control_with_any_wish_is_not_off(control: Control) -> None:
    assert not control.off


def test_every_number_has_bounds() -> None:
    told = {
        struct: {field.name for field in msgspec.structs.fields(struct)}
        for struct in (Control, Boost, Pin)
    }
    words = {"diversity_by", "boosts", "buries", "pins"}
    words |= {"item_id", "category", "brand", "valid_from", "until"}

    for struct, names in told.items():
        assert set(struct.BOUNDS) == names - words


def test_a_table_of_a_file_becomes_a_control() -> None:
    table = tomllib.loads(
        """
        diversity = 0.3
        category_cap = 2
        [[boosts]]
        brand = "own"
        factor = 1.5
        until = 2026-07-01T00:00:00Z
        [[pins]]
        item_id = "a"
        place = 1
        """
    )

    control = msgspec.convert(table, Control)

    assert control == Control(
        diversity=0.3,
        category_cap=2,
        boosts=(Boost(brand="own", factor=1.5, until=JULY),),
        pins=(Pin(item_id="a", place=1),),
    )


@pytest.mark.parametrize(
    "table",
    [{"diversty": 0.3}, {"boosts": [{"until": "2026-07-01T00:00:00"}]}, {"pins": [{"place": 1}]}],
)
def test_a_misspelt_key_a_time_without_a_zone_and_a_pin_without_an_item_are_refused(table) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(table, Control)


@pytest.mark.parametrize(
    ("control", "problem"),
    [
        (Control(diversity=1.5), "diversity must be from 0.0 to 1.0, not 1.5"),
        (Control(calibration=float("nan")), "calibration must be from 0.0 to 1.0, not nan"),
        (Control(category_cap=0), "category_cap must be from 1 to 1,000, not 0"),
        (
            Control(boosts=(Boost(item_id="a"), Boost(item_id="a", factor=-1.0))),
            "boosts number 2: factor must be from 0.0 to 100.0, not -1.0",
        ),
        (
            Control(boosts=(Boost(item_id="a", brand="b"),)),
            "boosts number 1: name one of item_id, category and brand, not 2",
        ),
        (
            Control(buries=(Bury(),)),
            "buries number 1: name one of item_id, category and brand, not 0",
        ),
        (
            Control(buries=(Bury(brand="b", valid_from=JULY, until=JUNE),)),
            "buries number 1: until 2026-06-01 00:00:00+00:00 must be after valid_from "
            "2026-07-01 00:00:00+00:00",
        ),
        (
            Control(pins=(Pin(item_id="a", place=0),)),
            "pins number 1: place must be from 1 to 1,000, not 0",
        ),
        (
            Control(pins=(Pin(item_id="a", place=1), Pin(item_id="b", place=1))),
            "pins: a and b share place 1; move one, or end it before the other begins",
        ),
        (
            Control(pins=(Pin(item_id="a", place=1), Pin(item_id="a", place=2))),
            "pins: a has two places at once; end one before the other begins",
        ),
    ],
)
def test_what_cannot_be_is_told_in_words(control: Control, problem: str) -> None:
    assert problems_of(control) == [problem]


def test_pins_that_follow_each_other_may_share_a_place() -> None:
    pins = (Pin(item_id="a", place=1, until=JULY), Pin(item_id="b", place=1, valid_from=JULY))

    assert problems_of(Control(pins=pins)) == []


def test_a_request_changes_what_it_names_and_nothing_else() -> None:
    shop = Control(diversity=0.2, category_cap=3, margin_tolerance=0.05)
    asked = msgspec.convert({"diversity": 0.5, "category_cap": None}, ControlPatch)

    assert asked.applied_to(shop) == Control(diversity=0.5, margin_tolerance=0.05)
    assert ControlPatch().applied_to(shop) is shop


def test_a_request_may_not_change_what_is_the_shops() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"margin_tolerance": 1.0}, ControlPatch)
