"""What an ingest did, in counts that add up, and the rejected rows in a file."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from engine.errors import DataRefused
from training.ingest.classify import (
    ACCEPTED,
    DUPLICATE,
    GUEST_ORDER,
    NOT_A_PRODUCT,
    REFUND,
    REJECTED,
    USABLE,
)
from training.ingest.files import shown

_CHUNK = 10_000
_FIRST_CLASSES = (ACCEPTED, GUEST_ORDER, REFUND, NOT_A_PRODUCT, DUPLICATE)


@dataclass(frozen=True)
class FileReport:
    """One file's account. `counts` has every row once: the classes' counts add up to `rows`.

    Orders, customers and times are of the rows that could be used, new or known. `undated`: the
    file holds pairs without times, all of which were given the same one.
    """

    source: str
    rows: int
    counts: Mapping[str, int]
    orders: int
    customers: int
    first: datetime | None
    last: datetime | None
    encoding: str
    timezone: str
    shift_days: int
    currency: str | None
    resumed: bool
    unused: tuple[str, ...] = ()
    items: int = 0
    rejects: Path | None = None
    undated: bool = False

    @property
    def added(self) -> int:
        """How many rows became something new in the log."""
        return sum(self.counts.get(each, 0) for each in USABLE)


@dataclass(frozen=True)
class IngestReport:
    """The account of every file, in the order given."""

    files: tuple[FileReport, ...]

    @property
    def rows(self) -> int:
        """Rows read from all files."""
        return sum(each.rows for each in self.files)

    @property
    def added(self) -> int:
        """Rows of all files that became something new in the log."""
        return sum(each.added for each in self.files)

    @property
    def counts(self) -> dict[str, int]:
        """Rows of all files by class."""
        total: Counter[str] = Counter()
        for each in self.files:
            total.update(each.counts)
        return dict(total)


def in_order(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Classes with their counts: the usable ones first, then reasons, the most frequent first."""
    first = [(name, counts.get(name, 0)) for name in _FIRST_CLASSES]
    others = [(name, count) for name, count in counts.items() if name not in _FIRST_CLASSES]
    return first + sorted(others, key=lambda each: (-each[1], each[0]))


def render(report: FileReport) -> Iterator[str]:
    """The account as lines of text."""
    yield f"{report.source}: {report.rows:,} rows read"
    for name, count in in_order(report.counts):
        yield f"  {name:<40} {count:>12,}"
    yield f"  {'sum':<40} {sum(report.counts.values()):>12,}"
    yield from _undated(report) if report.undated else _dated(report)
    if report.unused:
        yield f"columns not used: {', '.join(report.unused)[:200]}"
    if report.items:
        yield f"{report.items:,} items described"
    if report.resumed:
        yield "taken up where an interrupted run of this file had stopped"
    if report.rejects is not None:
        yield f"rows left out, with line and reason: {shown(report.rejects)}"


def _dated(report: FileReport) -> Iterator[str]:
    span = f", {report.first:%Y-%m-%d} to {report.last:%Y-%m-%d}" if report.first else ""
    yield f"{report.orders:,} orders of {report.customers:,} customers{span}"
    moved = f", moved by {report.shift_days} days" if report.shift_days else ""
    yield f"times without a zone read as {report.timezone}{moved}; text as {report.encoding}"
    yield f"sums in {report.currency or 'an unnamed currency of two decimals (see --currency)'}"


def _undated(report: FileReport) -> Iterator[str]:
    moment = f"{report.first:%Y-%m-%d}" if report.first else "one moment"
    yield f"{report.customers:,} customers; text as {report.encoding}"
    yield (
        "plain pairs of customer and item, no times: each customer's are one order, dated "
        f"{moment} for everybody"
    )


def write_rejects(
    connection: duckdb.DuckDBPyConnection, header: Sequence[str], path: Path, *, source: str
) -> bool:
    """Whether any row was left out; then the file lists each with line, reason and its columns.

    The file appears whole or not at all.
    """
    cursor = connection.execute(
        f"""
        SELECT class, raw.* EXCLUDE (broken)
        FROM judged JOIN raw USING (line)
        WHERE starts_with(class, '{REJECTED}') OR class = '{NOT_A_PRODUCT}'
        ORDER BY line
        """  # noqa: S608 - names of ours
    )
    rows = cursor.fetchmany(_CHUNK)
    if not rows:
        return False
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["line", "reason", *header])
            while rows:
                writer.writerows(
                    (line, row_class.removeprefix(REJECTED), *cells)
                    for row_class, line, *cells in rows
                )
                rows = cursor.fetchmany(_CHUNK)
        part.replace(path)
    except OSError as error:
        raise DataRefused(
            f"the rejects file {shown(path)} cannot be written: {error.strerror or error}; "
            "name another with --rejects",
            source=source,
        ) from error
    return True
