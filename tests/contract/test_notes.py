"""Whose turn it is, over each kind of database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from engine.store.database import Database
from engine.store.notes import SqlNotes


def test_a_turn_is_one_holders_until_it_runs_out(database: Database):
    notes = SqlNotes(database)

    first = notes.take("refresh", "ann", now_ms=0, until_ms=100)
    others = notes.take("refresh", "bob", now_ms=99, until_ms=200)
    longer = notes.take("refresh", "ann", now_ms=99, until_ms=150)
    still = notes.take("refresh", "bob", now_ms=149, until_ms=250)
    later = notes.take("refresh", "bob", now_ms=150, until_ms=250)

    assert [first, others, longer, still, later] == [True, False, True, False, True]


def test_a_turn_that_was_given_back_is_free(database: Database):
    notes = SqlNotes(database)
    notes.take("refresh", "ann", now_ms=0, until_ms=100)

    notes.release("refresh", "bob")
    kept = notes.take("refresh", "bob", now_ms=1, until_ms=100)
    notes.release("refresh", "ann")
    free = notes.take("refresh", "bob", now_ms=1, until_ms=100)

    assert (kept, free) == (False, True)


def test_turns_of_different_names_do_not_meet(database: Database):
    notes = SqlNotes(database)

    assert notes.take("one", "ann", now_ms=0, until_ms=100)
    assert notes.take("other", "bob", now_ms=0, until_ms=100)


def test_of_many_at_once_exactly_one_has_the_turn(database: Database):
    notes = SqlNotes(database)

    with ThreadPoolExecutor(8) as pool:
        taken = list(
            pool.map(lambda n: notes.take("t", f"h{n}", now_ms=0, until_ms=100), range(16))
        )

    assert sum(taken) == 1


def test_a_value_is_so_since_it_first_was(database: Database):
    notes = SqlNotes(database)

    since = [
        notes.since("cuts", value, now_ms=now)
        for now, value in ((1, "m1"), (2, "m1"), (3, "m2"), (4, "m2"), (5, "m1"))
    ]

    assert since == [1, 1, 3, 3, 5]
