"""What a caller hears of a wrong value is in the words of JSON."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import pytest
from msgspec import Meta

from api.bodies import decode
from api.json_words import alike
from api.wire import EVENT_TYPES, EventIn
from api.wire_items import ItemIn
from api.wire_lists import BasketIn
from engine.errors import RequestInvalid

WORDS = {
    "text for a number or null": (b'"x"', float | None, "must be a number or null, not text"),
    "true for a number": (b"true", float | None, "must be a number or null, not true or false"),
    "text for a whole number": (b'"1"', int, "must be a whole number, not text"),
    "a fraction for a whole number": (b"1.5", int, "must be a whole number, not a fraction"),
    "a number for a text": (b"7", str, "must be text, not a number"),
    "a fraction for a text": (b"7.5", str | None, "must be text or null, not a number"),
    "a list for one of three": (
        b"[]",
        float | str | None,
        "must be a number, text or null, not a list",
    ),
    "a list for a number of either kind": (
        b"[]",
        int | float | None,
        "must be a number or null, not a list",
    ),
    "an object for a list": (b"{}", list[int], "must be a list, not an object"),
    "a list for an object": (b"[]", dict[str, Any], "must be an object, not a list"),
    "null for a flag": (b"null", bool, "must be true or false, not null"),
    "too small": (b"-1", Annotated[int, Meta(ge=0)], "must be a whole number of at least 0"),
    "not above": (b"0", Annotated[float, Meta(gt=0)], "must be a number above 0"),
    "too large": (b"9", Annotated[int, Meta(le=8)], "must be a whole number of at most 8"),
    "empty": (b'""', Annotated[str, Meta(min_length=1)], "must be text of at least 1 character"),
    "too long": (
        b'"ab"',
        Annotated[str, Meta(max_length=1)],
        "must be text of at most 1 character",
    ),
    "too many": (
        b"[1,2,3]",
        Annotated[list[int], Meta(max_length=2)],
        "must be a list of at most 2 entries",
    ),
    "out of range": (b"1e400", float, "the number is out of range"),
}


def refusal(data: bytes, kind: Any) -> RequestInvalid:
    with pytest.raises(RequestInvalid) as caught:
        decode(data, kind)
    return caught.value


@pytest.mark.parametrize(("data", "kind", "said"), WORDS.values(), ids=WORDS)
def test_a_wrong_value_is_told_in_the_words_of_json(data: bytes, kind: Any, said: str):
    assert refusal(data, kind).reason == said


def an_event(**fields: object) -> bytes:
    return msgspec.json.encode({"event_id": "e", "type": "purchase", **fields})


OF_EVENTS = {
    "id": (
        {"customer_id": 17850},
        ("customer_id", "must be text or null, not a number; write ids in quotes"),
    ),
    "money": (
        {"lines": [{"item_id": "A", "unit_price": 4.99}]},
        (
            "lines[0].unit_price",
            "must be a whole number or null, not a fraction; "
            "money is in whole minor units: 499 for 4.99",
        ),
    ),
    "time": (
        {"occurred_at": "yesterday"},
        ("occurred_at", "is no time with an offset; write it as 2026-01-31T12:00:00Z"),
    ),
    "currency": (
        {"currency": "euro"},
        (
            "currency",
            "must be text of the form ^[A-Z]{3}$; write three capital letters such as EUR",
        ),
    ),
}


@pytest.mark.parametrize(("fields", "said"), OF_EVENTS.values(), ids=OF_EVENTS)
def test_the_remedy_stands_beside_what_is_wrong(fields: dict[str, Any], said: tuple[str, str]):
    error = refusal(an_event(**fields), EventIn)

    assert (error.field, error.reason) == said


NEEDED: dict[type[msgspec.Struct], dict[str, Any]] = {
    EventIn: {"event_id": "e", "type": "purchase"},
    ItemIn: {"item_id": "A"},
    BasketIn: {"items": ["A"]},
}


@pytest.mark.parametrize("kind", NEEDED, ids=lambda each: each.__name__)
@pytest.mark.parametrize("value", [None, True, 7, 7.5, "x", [], {}, [{}], {"a": 1}], ids=repr)
def test_no_field_tells_of_the_language_behind_it(kind: type[msgspec.Struct], value: object):
    needed = NEEDED[kind]

    for name in kind.__struct_fields__:
        try:
            decode(msgspec.json.encode({**needed, name: value}), kind)
        except RequestInvalid as error:
            assert "`" not in error.reason
            assert error.field.startswith(name)
            assert not {"str", "int", "float", "bool", "array", "Expected"} & set(
                error.reason.replace(",", "").split()
            )


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("Purchase", "purchase"),
        ("purchse", "purchase"),
        ("order completed", "Order Completed"),
        ("product_viewed", "Product Viewed"),
        ("pageview", "page_view"),
        ("ViewItem", "view_item"),
    ],
)
def test_a_word_that_is_nearly_known_is_recognised(given: str, meant: str):
    assert alike(given, tuple(EVENT_TYPES))[0] == meant


@pytest.mark.parametrize("given", ["", "teleport!", "x" * 1_000_000, "\0", "🙂"])
def test_a_word_like_no_other_is_like_none(given: str):
    assert alike(given, tuple(EVENT_TYPES)) == ()
