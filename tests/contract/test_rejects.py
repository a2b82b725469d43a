"""Refused events are kept, so many and no more, on both databases."""

from __future__ import annotations

from pathlib import Path

from engine.domain.rejects import Reject
from engine.settings import Settings
from engine.store.database import Database
from engine.store.rejects import MOST_TEXT, SqlRejects
from tests.commanding import done


def a_reject(number: int, **fields: str) -> Reject:
    return Reject(number, "segment", "lines", "is missing", f"call {number}")._replace(**fields)


def test_the_last_ones_are_kept_the_latest_first(database: Database):
    rejects = SqlRejects(database, most_kept=3)

    for number in range(0, 10, 2):
        rejects.keep([a_reject(number), a_reject(number + 1)])

    assert [each.received_ms for each in rejects.latest(limit=9)] == [9, 8, 7]
    assert rejects.latest(limit=1) == [a_reject(9)]


def test_more_at_once_than_are_kept_are_the_last_of_them(database: Database):
    rejects = SqlRejects(database, most_kept=2)

    rejects.keep([a_reject(number) for number in range(5)])

    assert [each.received_ms for each in rejects.latest(limit=9)] == [4, 3]


def test_any_text_can_be_kept(database: Database):
    SqlRejects(database).keep(
        [a_reject(1, body="\0" + "x" * MOST_TEXT), a_reject(2, body="\U0001f600")]
    )

    second, first = SqlRejects(database).latest(limit=2)
    assert second.body == "\U0001f600"
    assert first.body == "\ufffd" + "x" * (MOST_TEXT - 1)


def test_the_command_shows_them_in_lines(tmp_path: Path):
    opened = Database.open(Settings(home=tmp_path).database)
    opened.upgrade()
    none = done(tmp_path, "rejects").output
    SqlRejects(opened).keep([a_reject(0, body='{"a":\n1}')])
    opened.close()

    assert none == "no event was refused\n"
    assert done(tmp_path, "rejects").output == (
        '1970-01-01 00:00:00  segment  lines: is missing\n    {"a": 1}\n'
    )
