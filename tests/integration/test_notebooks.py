"""The notebooks: run from the first cell to the last on a small sample, and fit to be read."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from tests.notebooks import code, notebooks, opened, run

NOTEBOOKS = notebooks()
HOUSEHOLDS, TUNING_SECONDS = "60", "8"
MOST_LINES = 5


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all notebooks of a run keep their shop."""
    return tmp_path_factory.mktemp("notebooks")


def named(path: Path) -> str:
    return path.stem


@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_a_notebook_runs_on_a_small_sample_and_prints_nothing_but_findings(
    path: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTEBOOK_HOME", str(home))
    monkeypatch.setenv("NOTEBOOK_HOUSEHOLDS", HOUSEHOLDS)
    monkeypatch.setenv("NOTEBOOK_SECONDS", TUNING_SECONDS)
    book = opened(path)

    run(book, folder=tmp_path)

    kinds = {output.output_type for cell in code(book) for output in cell.outputs}
    assert kinds <= {"execute_result", "display_data"}
    assert pictures(book)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_a_notebook_is_kept_with_what_its_cells_showed(path: Path) -> None:
    book = opened(path)
    numbers = [cell.execution_count for cell in code(book)]
    text = path.read_text(encoding="utf-8")

    nbformat.validate(book)
    # In order and from a fresh kernel.
    assert numbers == list(range(1, len(numbers) + 1))
    assert code(book)[-1].outputs
    assert len(pictures(book)) >= 3
    assert "Traceback" not in text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_a_kept_notebook_tells_nothing_of_the_machine_it_ran_on(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert not [each for each in ("/home/", "/root", "/tmp", "/work", "Users") if each in text]
    assert "execution" not in {key for cell in opened(path).cells for key in cell.metadata}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=named)
def test_what_is_longer_than_five_lines_is_no_cell(path: Path) -> None:
    sources = [cell.source for cell in code(opened(path))]

    assert max(len(source.splitlines()) for source in sources) <= MOST_LINES
    assert not [source for source in sources if ";" in source]


def test_there_is_a_notebook_for_purchases_models_and_customers() -> None:
    assert [path.stem for path in NOTEBOOKS] == [
        "customers_and_value",
        "know_your_purchases",
        "train_tune_compare",
    ]


def pictures(book: NotebookNode) -> list[str]:
    return [
        output.data["image/svg+xml"]
        for cell in code(book)
        for output in cell.outputs
        if "image/svg+xml" in output.get("data", {})
    ]
