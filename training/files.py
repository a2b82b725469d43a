"""Files that appear under their name when all is written, and tables in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec
import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq

from engine.errors import DataRefused

T = TypeVar("T")
WriteTable = Callable[[pa.Table], None]


@contextmanager
def placed(
    path: Path, openers: Mapping[str, Callable[[Path], AbstractContextManager[T]]]
) -> Iterator[T]:
    """What the opener for the path's ending gives, of a file aside that takes the path's name.

    The file appears under its name when all is written, and not at all when something fails.
    Raises DataRefused for another ending or a place that cannot be written.
    """
    check_place(path)
    aside = path.with_name(f".{path.name}.part")
    try:
        with openers[path.suffix](aside) as write:
            yield write
        aside.replace(path)
    except OSError as error:
        raise DataRefused(f"cannot be written: {error.strerror}", source=str(path)) from error
    finally:
        aside.unlink(missing_ok=True)


def check_place(path: Path) -> None:
    """Raise DataRefused for an ending that is not written, or a folder that is not there."""
    if path.suffix not in _TABLE_OPENERS:
        raise DataRefused(
            f"write to .parquet, .csv or .jsonl, not {path.suffix!r}", source=str(path)
        )
    if not path.parent.is_dir():
        raise DataRefused(f"there is no folder {path.parent}; make it first", source=str(path))


@contextmanager
def table_output(path: Path, schema: pa.Schema) -> Iterator[WriteTable]:
    """A function that writes tables of the schema to a file, one below the other; see `placed`."""
    openers = {ending: partial(opener, schema) for ending, opener in _TABLE_OPENERS.items()}
    with placed(path, openers) as write:
        yield write


@contextmanager
def _parquet(schema: pa.Schema, path: Path) -> Iterator[WriteTable]:
    with pq.ParquetWriter(path, schema) as writer:
        yield writer.write_table


@contextmanager
def _csv(schema: pa.Schema, path: Path) -> Iterator[WriteTable]:
    with pv.CSVWriter(path, schema) as writer:
        yield writer.write_table


@contextmanager
def _jsonl(_schema: pa.Schema, path: Path) -> Iterator[WriteTable]:
    with path.open("wb") as file:
        yield lambda table: file.writelines(
            msgspec.json.encode(row) + b"\n" for row in table.to_pylist()
        )


_TABLE_OPENERS = {".parquet": _parquet, ".csv": _csv, ".jsonl": _jsonl}
