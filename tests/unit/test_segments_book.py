"""Segments that refer to each other."""

from __future__ import annotations

from typing import Any

import pytest

from engine.domain.features import StoredSegment
from engine.loyalty.features import registry
from engine.segments.book import SegmentBook
from engine.segments.conditions import AllOf, OfSegment
from engine.segments.parse import parse
from engine.segments.predicate import Person, holds
from engine.segments.problems import SegmentInvalid
from engine.segments.segment import Segment
from engine.segments.shop import shop_book
from tests.segment_conditions import FEATURES


def a_segment(name: str, condition: dict[str, Any]) -> Segment:
    return Segment(name, name.title(), "", parse(condition, FEATURES))


def refer(*names: str) -> dict[str, Any]:
    return {"all": [{"segment": name} for name in names]}


MANY = {"feature": "orders", "at_least": 4}


def refused(*segments: Segment) -> list[tuple[str, str]]:
    with pytest.raises(SegmentInvalid) as caught:
        SegmentBook(segments)
    return [(problem.pointer, problem.message) for problem in caught.value.problems]


def test_references_are_written_out():
    loyal = a_segment("loyal", MANY)
    book = SegmentBook([a_segment("both", refer("loyal")), loyal])

    assert book.condition("both") == AllOf((OfSegment("loyal", loyal.condition),))
    assert holds(book.condition("both"), Person({"orders": 4.0}, {}), now_ms=0)
    assert book["both"].condition == AllOf((OfSegment("loyal"),))
    assert [each.name for each in book] == ["loyal", "both"]


def test_a_book_knows_who_refers_to_whom():
    book = SegmentBook(
        [a_segment("b", refer("a")), a_segment("c", refer("a")), a_segment("a", MANY)]
    )

    assert book.used_by("a") == ("b", "c")
    assert book.used_by("b") == ()
    assert ("a" in book, "x" in book, len(book)) == (True, False, 3)


def test_a_reference_to_nowhere_is_told_with_its_place():
    found = refused(a_segment("loyal", MANY), a_segment("b", {"not": refer("loyal", "loyel")}))

    assert found == [
        (
            "/condition/not/all/1/segment",
            "in b: no segment 'loyel'; did you mean loyal?",
        )
    ]


def test_a_circle_is_told_with_its_path():
    [(pointer, message)] = refused(
        a_segment("a", refer("b")),
        a_segment("b", {"not": {"segment": "c"}}),
        a_segment("c", refer("a")),
    )

    path = message.split(" goes round")[0].split(" -> ")
    assert path[0] == path[-1]
    # Each refers to the next: a to b, b to c, c to a.
    assert "".join(path) in ("abca", "bcab", "cabc")
    assert pointer == {"a": "/condition/all/0/segment", "b": "/condition/not/segment"}.get(
        path[0], "/condition/all/0/segment"
    )


def test_a_segment_that_refers_to_itself_is_a_circle():
    [(_, message)] = refused(a_segment("a", refer("a")))

    assert message.startswith("a -> a goes round")


def test_one_name_is_for_one_segment():
    assert refused(a_segment("a", MANY), a_segment("a", MANY)) == [
        ("/name", "a is taken; choose another name")
    ]


def test_segments_that_double_each_other_are_refused_before_they_fill_the_memory():
    segments = [a_segment("s0", MANY)] + [
        a_segment(f"s{n}", refer(f"s{n - 1}", f"s{n - 1}")) for n in range(1, 40)
    ]

    [(pointer, message)] = refused(*segments)

    assert pointer == "/condition"
    assert "conditions, at most 900 work" in message


def test_a_long_chain_of_segments_is_refused():
    segments = [a_segment("s0", MANY)] + [
        a_segment(f"s{n}", {"segment": f"s{n - 1}"}) for n in range(1, 60)
    ]

    assert "levels, at most 40 work" in refused(*segments)[0][1]


def test_lists_add_up():
    lists = {"any": [{"attribute": "x", "in": [*range(1_000)]}] * 6}

    assert "6,000 values in lists, at most 5,000 work" in refused(a_segment("a", lists))[0][1]


def test_conditions_on_events_add_up():
    views = {"any": [{"events": "view_item", "at_least": n} for n in range(1, 52)]}

    assert "51 conditions on events, at most 50 work" in refused(a_segment("a", views))[0][1]


def test_a_condition_of_nobodys_segment_is_resolved_too():
    book = SegmentBook([a_segment("loyal", MANY)])

    assert book.resolve(OfSegment("loyal")) == OfSegment("loyal", book.condition("loyal"))
    with pytest.raises(SegmentInvalid, match="no segment 'lojal'; did you mean loyal"):
        book.resolve(OfSegment("lojal"))


def test_a_stored_segment_that_makes_no_sense_any_more_takes_only_its_users_along():
    def stored(name: str, condition: str) -> StoredSegment:
        return StoredSegment(name, name, "", condition, 0)

    book = shop_book(
        [
            stored("fine", '{"feature": "orders", "at_least": 2}'),
            stored("broken", '{"feature": "no_such_feature", "is": 1}'),
            stored("no_json", "{"),
            stored("user", '{"segment": "broken"}'),
            stored("friend", '{"segment": "fine"}'),
        ],
        registry.FEATURES,
    )

    assert {"fine", "friend"} <= {each.name for each in book}
    assert not {"broken", "no_json", "user"} & {each.name for each in book}
