"""`regulars segments` as a user meets it."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.commanding import done, loaded, refused, run

CUSTOMER = "c007"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a model live."""
    home = loaded(tmp_path_factory.mktemp("shop") / "home")
    done(home, "train")
    return home


@pytest.fixture
def condition(tmp_path: Path) -> Path:
    path = tmp_path / "condition.json"
    path.write_text(json.dumps({"feature": "orders", "at_least": 2}))
    return path


def test_segments_are_listed_and_shown_with_their_freshness(shop: Path) -> None:
    listed = done(shop, "segments", "list").output
    shown = done(shop, "segments", "show", "slipping_away").output

    assert "stage_separation" in listed
    assert f"{datetime.now(UTC):%Y-%m-%d}" in listed
    assert '"feature": "turning"' in shown
    assert "Referred to by at_risk_and_worth_it" in shown
    assert "last worked out: 20" in shown


def test_nobody_is_counted_before_all_were_looked_at(tmp_path: Path) -> None:
    home = loaded(tmp_path / "home")

    lines = done(home, "segments", "list").output.splitlines()[1:]

    assert lines
    assert all("–  never" in line for line in lines)


def test_a_segment_of_the_shops_own_lives_and_dies(
    shop: Path, tmp_path: Path, condition: Path
) -> None:
    put = done(shop, "segments", "put", "tea", "--file", str(condition), "--title", "Tea")
    upon = tmp_path / "upon.json"
    upon.write_text(json.dumps({"title": "Upon", "condition": {"segment": "tea"}}))
    done(shop, "segments", "put", "upon_tea", "--file", str(upon))

    assert "120 customers are in it" in put.output
    assert "Tea (tea, own)" in done(shop, "segments", "show", "tea").output
    assert "upon_tea refers to tea" in refused(shop, "segments", "delete", "tea")
    # What is not said again stays.
    done(shop, "segments", "put", "tea", "--file", str(condition))
    assert "Tea (tea, own)" in done(shop, "segments", "show", "tea").output
    for name in ("upon_tea", "tea"):
        done(shop, "segments", "delete", name)
    assert "no segment 'tea'" in refused(shop, "segments", "show", "tea")


def test_a_changed_segment_moves_those_that_refer_to_it(
    shop: Path, tmp_path: Path, condition: Path
) -> None:
    upon = tmp_path / "upon.json"
    upon.write_text(json.dumps({"not": {"segment": "tea2"}}))
    done(shop, "segments", "put", "tea2", "--file", str(condition))
    done(shop, "segments", "put", "upon2", "--file", str(upon))
    condition.write_text(json.dumps({"feature": "orders", "at_least": 10**6}))

    done(shop, "segments", "put", "tea2", "--file", str(condition))

    assert "120 customers" in done(shop, "segments", "show", "upon2").output


def test_members_come_as_lines_and_as_a_file(shop: Path, tmp_path: Path, condition: Path) -> None:
    done(shop, "segments", "put", "everyone", "--file", str(condition))
    target = tmp_path / "members.csv"

    lines = done(shop, "segments", "members", "everyone").stdout.splitlines()
    written = done(shop, "segments", "members", "everyone", "--output", str(target))

    assert len(lines) == 120
    assert lines[0] == f"c000\t{datetime.now(UTC):%Y-%m-%d}"
    assert "120 customers" in written.output
    with target.open(newline="") as file:
        assert [row["customer_id"] for row in csv.DictReader(file)][:2] == ["c000", "c001"]


def test_refresh_works_out_every_segment(shop: Path) -> None:
    lines = done(shop, "segments", "refresh").stdout.splitlines()

    assert any(line.startswith("champions: ") for line in lines)


def test_why_tells_every_condition_with_the_customers_own_numbers(shop: Path) -> None:
    (own,) = (
        line.split()[0]
        for line in done(shop, "segments", "list").stdout.splitlines()
        if line.startswith("stage_")
        and CUSTOMER in done(shop, "segments", "members", line.split()[0]).stdout
    )

    told = done(shop, "segments", "why", own, CUSTOMER).stdout
    other = done(shop, "segments", "why", "at_risk_and_worth_it", CUSTOMER).stdout

    assert f"{CUSTOMER} belongs to {own}, as of 20" in told
    assert f"✓ stage is {own.removeprefix('stage_')}" in told
    assert "value rank is" in other
    assert "nobody" in refused(shop, "segments", "why", "lost", "nobody")
    assert "did you mean champions" in refused(shop, "segments", "why", "champion", CUSTOMER)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("\udcff", "is no JSON"),
        ('{"feature": "ordrs", "at_least": 2}', "did you mean orders"),
        ('{"condition": {"feature": "orders", "above": 1}, "name": "x"}', "name: no such key"),
        ('{"condition": {"feature": "orders", "above": 1}, "title": 3}', "title is no text"),
        ('{"condition": {"feature": "orders", "above": 1}, "title": "a\\u0000"}', "/title: holds"),
        ('{"segment": "upon_itself"}', "upon_itself"),
        ("7", "7 is no condition"),
    ],
)
def test_a_condition_that_makes_no_sense_is_refused(
    shop: Path, tmp_path: Path, content: str, says: str
) -> None:
    path = tmp_path / "bad.json"
    path.write_bytes(content.encode(errors="surrogateescape"))

    assert says in refused(shop, "segments", "put", "upon_itself", "--file", str(path))


def test_names_that_cannot_be_are_refused(shop: Path, condition: Path) -> None:
    file = ("--file", str(condition))

    assert "lost is built in" in refused(shop, "segments", "put", "lost", *file)
    assert "lost is built in" in refused(shop, "segments", "delete", "lost")
    assert "is no name" in refused(shop, "segments", "put", "Tea Lovers", *file)
    assert "there is no segment" in refused(shop, "segments", "delete", "no_such")
    assert run(shop, "segments", "put", "tea").exit_code == 2
