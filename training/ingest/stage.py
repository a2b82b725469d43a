"""A file as a table of text: `raw`, one row a record, with its line and what broke it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from engine.errors import DataRefused
from training.ingest.files import opened, readable
from training.ingest.probe import Probe
from training.ingest.workspace import first_line
from training.progress import Advance, Progress

BATCH_ROWS = 50_000
BATCH_CELLS = 1_000_000
BATCH_CHARACTERS = 32_000_000

_Row = tuple[int, str | None, list[str]]


def stage(
    probe: Probe, connection: duckdb.DuckDBPyConnection, *, progress: Progress
) -> tuple[str, ...]:
    """The names of the file's columns, which `raw` holds as text under c0, c1 ...

    Raises DataRefused when the file has no rows or is no readable Parquet.
    """
    if probe.parquet:
        header = _stage_parquet(probe, connection)
    else:
        header = probe.header
        _stage_csv(probe, connection, progress=progress)
    found = connection.execute("SELECT count(*) FROM raw").fetchone()
    if found is None or not found[0]:
        raise DataRefused("the file has column names but no rows", source=probe.source)
    return header


def quoted(name: str) -> str:
    """The name as an identifier in SQL."""
    return '"' + name.replace('"', '""') + '"'


def _stage_csv(probe: Probe, connection: duckdb.DuckDBPyConnection, *, progress: Progress) -> None:
    width = len(probe.header)
    columns = ", ".join(f"c{index} VARCHAR" for index in range(width))
    connection.execute(f"CREATE TABLE raw (line BIGINT, broken VARCHAR, {columns})")
    with progress.track(f"reading {probe.path.name}", total=probe.size) as done:
        for batch in _batches(probe, width=width, done=done):
            connection.register("batch", batch)
            connection.execute("INSERT INTO raw SELECT * FROM batch")
            connection.unregister("batch")


def _batches(probe: Probe, *, width: int, done: Advance) -> Iterator[pa.Table]:
    most = max(1, min(BATCH_ROWS, BATCH_CELLS // width))
    with (
        readable(probe.source),
        opened(probe.path) as (content, raw),
        io.TextIOWrapper(content, encoding=probe.encoding, newline="") as text,
    ):
        reader = _Records(text, delimiter=probe.delimiter, width=width)
        rows: list[_Row] = []
        for row in reader:
            rows.append(row)
            if len(rows) >= most or reader.characters >= BATCH_CHARACTERS:
                yield _table(rows, width=width)
                rows, reader.characters = [], 0
                done(raw.tell())
        if rows:
            yield _table(rows, width=width)


class _Records:
    """Records of a CSV file after its header: first line, what broke it, and its cells."""

    def __init__(self, text: io.TextIOWrapper, *, delimiter: str, width: int) -> None:
        self.characters = 0
        self._text = text
        self._delimiter = delimiter
        self._width = width

    def __iter__(self) -> Iterator[_Row]:
        reader = csv.reader(self._counted(), delimiter=self._delimiter)
        header = True
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                # A cell beyond the module's limit, from a quote never closed say.
                yield line, "unreadable", [""] * self._width
                continue
            if not cells:
                continue
            if header:
                header = False
                continue
            yield self._checked(line, cells)

    def _counted(self) -> Iterator[str]:
        for line in self._text:
            self.characters += len(line)
            yield line

    def _checked(self, line: int, cells: list[str]) -> _Row:
        if len(cells) == self._width:
            return line, None, cells
        if len(cells) < self._width:
            return line, "too_few_columns", cells + [""] * (self._width - len(cells))
        kept = self._width - 1
        # What is too much stays in sight in the last column of the rejects file.
        return line, "too_many_columns", [*cells[:kept], self._delimiter.join(cells[kept:])]


def _table(rows: Sequence[_Row], *, width: int) -> pa.Table:
    lines, broken, cells = zip(*rows, strict=True)
    arrays = [pa.array(lines, pa.int64()), pa.array(broken, pa.string())]
    arrays += [pa.array(column, pa.string()) for column in zip(*cells, strict=True)]
    return pa.table(arrays, names=["line", "broken", *(f"c{index}" for index in range(width))])


def _stage_parquet(probe: Probe, connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    with parquet_errors(probe.source):
        named = linked(probe, connection)
        described = connection.execute(
            f"DESCRIBE SELECT * FROM read_parquet({named})"  # noqa: S608 - a name of ours
        ).fetchall()
        columns = ", ".join(
            f"{_as_text(name, kind)} AS c{index}"
            for index, (name, kind, *_) in enumerate(described)
        )
        connection.execute(
            f"CREATE VIEW raw AS SELECT file_row_number + 1 AS line, NULL::VARCHAR AS broken, "  # noqa: S608 - names are quoted
            f"{columns} FROM read_parquet({named}, file_row_number = true)"
        )
    return tuple(str(name) for name, *_ in described)


def linked(probe: Probe, connection: duckdb.DuckDBPyConnection) -> str:
    """A literal that names the Parquet file in SQL.

    DuckDB takes `*`, `?` and `[` in a name for a pattern: it is given a link with a plain name.
    """
    row = connection.execute(
        "SELECT path FROM duckdb_databases() WHERE path IS NOT NULL"
    ).fetchone()
    folder = Path(str(row[0])).parent if row else Path()
    link = folder / f"{probe.digest[:16]}.parquet"
    if not link.is_symlink():
        link.symlink_to(probe.path.resolve())
    return "'" + str(link).replace("'", "''") + "'"


@contextmanager
def parquet_errors(source: str) -> Iterator[None]:
    """Turns what DuckDB says of a damaged file into DataRefused."""
    try:
        yield
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        raise DataRefused(
            f"no readable Parquet file: {first_line(error)}", source=source
        ) from error


def _as_text(name: str, kind: str) -> str:
    """The column as text; whole numbers without a fraction, NaN as missing, lists joined."""
    column = quoted(name)
    if kind in ("DOUBLE", "FLOAT"):
        return (
            f"CASE WHEN isnan({column}) THEN NULL "
            f"WHEN {column} = trunc({column}) AND abs({column}) < 1e15 "
            f"THEN {column}::BIGINT::VARCHAR ELSE {column}::VARCHAR END"
        )
    if kind.endswith("[]"):
        return f"array_to_string({column}, ',')"
    return f"{column}::VARCHAR"
