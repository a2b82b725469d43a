"""Running the notebooks; as a program, `python -m tests.notebooks`, it keeps what they show."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

FOLDER = Path(__file__).parents[1] / "notebooks"
MOST_SECONDS = 3_600


def notebooks() -> list[Path]:
    """All of them, by name."""
    return sorted(FOLDER.glob("*.ipynb"))


def opened(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def code(book: NotebookNode) -> list[NotebookNode]:
    """The cells of code."""
    return [cell for cell in book.cells if cell.cell_type == "code"]


def run(book: NotebookNode, *, folder: Path) -> None:
    """Execute all cells from a fresh kernel in a folder; a cell that raises ends it."""
    for cell in code(book):
        cell.outputs = []
    NotebookClient(
        book,
        timeout=MOST_SECONDS,
        kernel_name="python3",
        # When a cell ran is nobody's business, and differs each time.
        record_timing=False,
        resources={"metadata": {"path": folder}},
    ).execute()
    # As does the version of Python.
    book.metadata["language_info"] = {"name": "python"}


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]) if len(sys.argv) > 1 else notebooks():
        book = opened(path)
        run(book, folder=FOLDER)
        nbformat.write(book, path)
