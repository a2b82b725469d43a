"""Conditions from JSON: what is accepted, and what is said of what is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.segments.conditions import AllOf, Comparison, OfFeature, Op, plain
from engine.segments.limits import MAX_DEPTH, MAX_IN, MAX_NODES, MAX_PROBLEMS
from engine.segments.parse import parse
from engine.segments.problems import SegmentInvalid
from engine.segments.segment import Draft, segment_of
from tests.segment_conditions import FEATURES, conditions


def problems(given: object) -> dict[str, str]:
    """The messages of what is wrong, by pointer."""
    with pytest.raises(SegmentInvalid) as caught:
        parse(given, FEATURES)
    return {problem.pointer: problem.message for problem in caught.value.problems}


def orders(**op: Any) -> dict[str, Any]:
    return {"feature": "orders", **op}


def test_a_tree_becomes_values():
    condition = parse({"all": [orders(at_least=4)]}, FEATURES)

    leaf = OfFeature("orders", FEATURES["orders"].kind, Comparison(Op.AT_LEAST, 4))
    assert condition == AllOf((leaf,))


@given(conditions)
def test_a_condition_written_down_and_read_again_is_the_same(tree: dict[str, Any]):
    condition = parse(tree, FEATURES)

    assert plain(condition) == json.loads(json.dumps(tree))
    assert parse(json.loads(json.dumps(plain(condition))), FEATURES) == condition


def test_every_mistake_is_told_with_its_place():
    found = problems(
        {
            "all": [
                {"feature": "order", "at_least": 4},
                {"any": [orders(at_least="4"), {"feature": "stage", "is": "loyality"}]},
                {"not": {"events": "view", "at_least": 1}},
            ]
        }
    )

    assert found == {
        "/all/0/feature": "no feature 'order'; did you mean orders?",
        "/all/1/any/0/at_least": "'4' is no number; write one without quotes",
        "/all/1/any/1/is": "'loyality' is no stage; did you mean loyalty?",
        "/all/2/not/events": (
            "no event type 'view'; did you mean view_item or view_cart or page_view?"
        ),
    }


@pytest.mark.parametrize(
    ("given", "pointer", "told"),
    [
        (None, "", "write an object"),
        ([], "", "write an object"),
        ({}, "", "exactly one of all, any, not, feature"),
        ({"all": [], "any": []}, "", "all and any are too many"),
        ({"all": []}, "/all", "at least one condition"),
        ({"any": {}}, "/any", "at least one condition"),
        ({"not": []}, "/not", "write an object"),
        ({"not": orders(above=1), "above": 1}, "/above", "leave it out"),
        ({"segment": ""}, "/segment", "no segment's name"),
        ({"segment": "loyal", "a/b~c": 1}, "/a~1b~0c", "leave it out"),
        (orders(), "", "exactly one of is, is_not"),
        (orders(above=1, below=3), "", "above, below are too many"),
        (orders(atleast=1), "/atleast", "did you mean at_least"),
        (orders(within_days=3), "/within_days", "use one of is, is_not, in, above"),
        (orders(is_not=True), "/is_not", "no number"),
        (orders(is_not=None), "/is_not", "no single value"),
        (orders(above=[1]), "/above", "no single value"),
        (orders(above=float("nan")), "/above", "finite"),
        (orders(above=10**400), "/above", "finite"),
        (orders(between=[1]), "/between", "[lowest, highest]"),
        (orders(between=[3, 1]), "/between", "3 is above 1"),
        (orders(between=[1, "x"]), "/between/1", "no number"),
        ({"feature": "orders", "in": []}, "/in", f"1 to {MAX_IN} values"),
        ({"feature": "orders", "in": [0] * (MAX_IN + 1)}, "/in", f"1 to {MAX_IN} values"),
        ({"feature": "orders", "in": [1, "2", True]}, "/in/1", "no number"),
        ({"feature": "orders", "in": [1, "2", True]}, "/in/2", "no number"),
        (orders(known=1), "/known", "true or false"),
        ({"feature": ["orders"], "is": 1}, "/feature", "no feature"),
        ({"feature": "return_rate", "above": 30}, "/above", "write 0.3 for 30 %"),
        ({"feature": "turning", "is": 1}, "/is", "true or false"),
        ({"feature": "turning", "above": 1}, "/above", "use one of is, is_not, known"),
        ({"feature": "stage", "above": "x"}, "/above", "use one of is, is_not, in, known"),
        ({"feature": "stage", "in": ["loyalty", "x"]}, "/in/1", "use one of awareness, loyalty"),
        ({"feature": "favourite_category", "is": 5}, "/is", "put it in quotes"),
        ({"feature": "favourite_category", "is": "\x00"}, "/is", "ordinary characters"),
        ({"feature": "favourite_category", "is": "\ud800"}, "/is", "ordinary characters"),
        ({"feature": "favourite_category", "is": "x" * 1_001}, "/is", "ordinary characters"),
        ({"feature": "last_order_at", "is": 5}, "/is", "use one of within_days"),
        ({"feature": "last_order_at", "within_days": 0}, "/within_days", "not above 0"),
        ({"feature": "last_order_at", "within_days": -3}, "/within_days", "not above 0"),
        ({"attribute": "", "is": 5}, "/attribute", "no name of 1 to 100"),
        ({"attribute": 5, "is": 5}, "/attribute", "no name of 1 to 100"),
        ({"attribute": "city", "above": "x"}, "/above", "compare with a number"),
        ({"attribute": "city", "between": ["a", "b"]}, "/between/0", "compare with a number"),
        ({"attribute": "city", "in": ["a", 5]}, "/in", "values of one type"),
        ({"attribute": "city", "in": [True]}, "/in", "use `is`"),
        ({"events": [], "is": 5}, "/events", "no event type"),
        ({"events": "purchase"}, "", "exactly one of above"),
        ({"events": "purchase", "at_least": 1.5}, "/at_least", "whole number"),
        ({"events": "purchase", "at_least": -1}, "/at_least", "whole number"),
        ({"events": "purchase", "below": 0}, "/below", "write `is` 0"),
        ({"events": "purchase", "known": True}, "/known", "use one of above"),
        ({"events": "purchase", "is": 1, "within_days": "x"}, "/within_days", "no number"),
        ({"events": "purchase", "is": 1, "within_days": None}, "/within_days", "no number"),
        ({"events": "purchase", "is": 1, "item_id": 5}, "/item_id", "put it in quotes"),
        ({"events": "purchase", "is": 1, "item_id": ""}, "/item_id", "1 to 200 characters"),
    ],
)
def test_what_is_wrong_is_named_with_a_remedy(given: object, pointer: str, told: str):
    found = problems(given)

    assert told in found[pointer]
    assert all("\n" not in message for message in found.values())


def nested(depth: int) -> dict[str, Any]:
    tree = orders(above=1)
    for _ in range(depth - 1):
        tree = {"not": tree}
    return tree


def test_conditions_nest_so_deep_and_no_deeper():
    parse(nested(MAX_DEPTH), FEATURES)

    assert "nested deeper" in problems(nested(MAX_DEPTH + 1))["/not" * MAX_DEPTH]


def test_conditions_are_so_many_and_no_more():
    parse({"all": [orders(above=1)] * (MAX_NODES - 1)}, FEATURES)

    found = problems({"all": [orders(above=1)] * 100_000})

    assert list(found) == [f"/all/{MAX_NODES - 1}"]


def test_problems_are_told_up_to_a_number():
    assert len(problems({"all": [orders()] * 400})) == MAX_PROBLEMS


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "all",
                    "any",
                    "not",
                    "feature",
                    "attribute",
                    "events",
                    "segment",
                    "is",
                    "in",
                    "above",
                ]
            )
            | st.text(max_size=3),
            below | st.sampled_from([*FEATURES, "view_item"]),
            max_size=3,
        )
    ),
    max_leaves=10,
)


@given(json_values)
def test_anything_is_read_or_refused_with_reasons(given: object):
    try:
        condition = parse(given, FEATURES)
    except SegmentInvalid as error:
        assert error.problems
    else:
        assert parse(plain(condition), FEATURES) == condition


def test_a_segment_has_a_name_and_words():
    draft = Draft("Große Kunden!", " ", "x" * 1_001, orders(above="1"))

    with pytest.raises(SegmentInvalid) as caught:
        segment_of(draft, FEATURES)

    assert [each.pointer for each in caught.value.problems] == [
        "/name",
        "/title",
        "/description",
        "/condition/above",
    ]


def test_a_good_draft_becomes_a_segment():
    segment = segment_of(Draft("big_1", "Big", "", orders(above=1)), FEATURES)

    assert (segment.name, segment.builtin) == ("big_1", False)
