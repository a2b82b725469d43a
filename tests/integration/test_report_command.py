"""`regulars report` as a user meets it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from engine.errors import CustomerUnknown, DataRefused
from engine.settings import Settings
from tests.ingesting import NOW, a_csv, a_row
from training.commands.ingest import ingest
from training.commands.report import report


def run(tmp_path: Path, *words: str) -> Result:
    """What the command prints and how it exits."""
    settings = Settings(home=tmp_path / "home")
    return CliRunner().invoke(report, ["loyalty", *words], obj=settings)


@pytest.fixture
def loaded(tmp_path: Path) -> Path:
    """A home with a few orders of two customers."""
    rows = [
        a_row(
            customer_id=customer,
            order_id=f"{customer}-{number}",
            occurred_at=f"{NOW - timedelta(days=20 * number + 1):%Y-%m-%dT%H:%M:%SZ}",
        )
        for customer in ("anna", "ben")
        for number in range(8)
    ]
    path = a_csv(tmp_path / "orders.csv", rows)
    done = CliRunner().invoke(
        ingest, [str(path), "--currency", "EUR"], obj=Settings(home=tmp_path / "home")
    )
    assert done.exit_code == 0, done.output
    return tmp_path


def test_the_page_is_written_and_the_command_says_where(loaded: Path) -> None:
    target = loaded / "report.html"

    result = run(loaded, "--output", str(target))

    assert result.exit_code == 0, result.output
    assert f"2 customers in {target}" in result.stdout
    text = target.read_text(encoding="utf-8")
    assert "2 customers · as of 28 February 2026" in text
    assert "€" in text


def test_as_of_an_earlier_day_later_orders_do_not_exist(loaded: Path) -> None:
    target = loaded / "report.html"

    result = run(loaded, "--output", str(target), "--until", "2025-11-01")

    assert result.exit_code == 0, result.output
    assert "as of 1 November 2025" in target.read_text(encoding="utf-8")


def test_an_empty_log_is_refused_with_the_remedy(tmp_path: Path) -> None:
    result = run(tmp_path, "--output", str(tmp_path / "report.html"))

    assert isinstance(result.exception, DataRefused)
    assert "regulars ingest" in str(result.exception)


def test_a_day_before_the_log_is_refused(loaded: Path) -> None:
    result = run(loaded, "--until", "2020-01-01", "--output", str(loaded / "report.html"))

    assert isinstance(result.exception, DataRefused)


def test_a_file_that_cannot_be_written_is_named(loaded: Path) -> None:
    target = loaded / "nowhere" / "report.html"

    result = run(loaded, "--output", str(target))

    assert isinstance(result.exception, DataRefused)
    assert str(target) in str(result.exception)


def of_customer(home: Path, *words: str) -> Result:
    settings = Settings(home=home / "home")
    return CliRunner().invoke(report, ["customer", *words], obj=settings)


def test_a_customer_of_the_shop_has_a_page(loaded: Path) -> None:
    target = loaded / "customer.html"

    result = of_customer(loaded, "anna", "--output", str(target))

    assert result.exit_code == 0, result.output
    assert f"Customer anna in {target}" in result.stdout
    text = target.read_text(encoding="utf-8")
    assert "<h1>Customer anna</h1>" in text
    assert "spent in 8 orders" in text
    assert "amounts in EUR" in text


def test_a_customer_nobody_heard_of_is_refused_and_nothing_is_written(loaded: Path) -> None:
    target = loaded / "customer.html"

    result = of_customer(loaded, "zoe", "--output", str(target))

    assert isinstance(result.exception, CustomerUnknown)
    assert "zoe" in str(result.exception)
    assert not target.exists()
