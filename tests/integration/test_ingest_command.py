"""`regulars ingest` as a user meets it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from engine.errors import EngineError
from engine.settings import Settings
from tests.ingesting import COLUMNS, ROW, a_csv, a_row
from training.commands import ingest as module
from training.commands.ingest import ingest


def run(tmp_path: Path, *words: str) -> Result:
    """What the command prints and how it exits."""
    return CliRunner().invoke(ingest, words, obj=Settings(home=tmp_path / "home"))


def test_the_report_adds_up_and_says_how_the_file_was_read(tmp_path: Path) -> None:
    path = a_csv(tmp_path / "a.csv", [ROW, a_row(quantity="0")])

    result = run(tmp_path, str(path), "--currency", "EUR", "--timezone", "Europe/Berlin")

    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert f"{path}: 2 rows read" in lines
    assert "accepted 1" in lines
    assert "rejected: zero_quantity 1" in lines
    assert "sum 2" in lines
    assert "1 orders of 1 customers, 2026-01-02 to 2026-01-02" in lines
    assert "times without a zone read as Europe/Berlin; text as utf-8" in lines
    assert "sums in EUR" in lines
    assert any(line.startswith("rows left out, with line and reason: ") for line in lines)


def test_columns_are_mapped(tmp_path: Path) -> None:
    path = a_csv(tmp_path / "a.csv", [ROW], header=COLUMNS.replace("item_id", "SKU"))

    assert run(tmp_path, str(path), "--map", "item_id=SKU").exit_code == 0


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["a.csv", "--format", "excel"],
        ["a.csv", "--timezone", "Mars/Base"],
        ["a.csv", "--map", "item_id"],
        ["a.csv", "--map", "=x"],
        ["a.csv", "--map", "item_id=a", "--map", "item_id=b"],
        ["a.csv", "--map", "color=x"],
        ["a.csv", "--currency", "euros"],
        ["a.csv", "--shift-days", "soon"],
        ["a.csv", "--time-format", "sometimes"],
        ["a.csv", "--unknown"],
    ],
)
def test_wrong_usage_exits_with_2_and_touches_nothing(tmp_path: Path, words: list[str]) -> None:
    result = run(tmp_path, *words)

    assert result.exit_code == 2
    assert not (tmp_path / "home").exists()


def test_refused_data_is_an_error_with_a_reason_of_one_line(tmp_path: Path) -> None:
    result = run(tmp_path, str(tmp_path / "missing.csv"))

    assert isinstance(result.exception, EngineError)
    assert (
        str(result.exception)
        == f"{tmp_path}/missing.csv: cannot be read: No such file or directory"
    )


def test_an_interrupted_command_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "ingest_files", interrupted)

    result = run(tmp_path, str(a_csv(tmp_path / "a.csv", [ROW])))

    assert result.exit_code == 1
    assert "the same command again goes on from there" in result.stderr


def test_help_has_an_example(tmp_path: Path) -> None:
    assert "Example: regulars ingest" in run(tmp_path, "--help").stdout
