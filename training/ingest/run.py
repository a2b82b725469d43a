"""An ingest from end to end: every file is checked before the first row is written."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import msgspec

from engine.errors import DataRefused, EngineError, SettingsError
from engine.ports import Catalog, Ledger
from training.ingest.classify import REJECTED, USABLE, classify, settle_currency
from training.ingest.columns import create_fields, match_columns, settled
from training.ingest.formats import PAIRS
from training.ingest.items import describe_from_products, describe_from_rows, put_items
from training.ingest.options import IngestOptions, Reading, reading_of
from training.ingest.parse import prepare, settle_money, settle_spelling
from training.ingest.probe import Probe, probe
from training.ingest.products import beside, load_products, split_off
from training.ingest.report import FileReport, IngestReport, in_order, write_rejects
from training.ingest.stage import parquet_errors, stage
from training.ingest.workspace import tables, workspace
from training.ingest.write import Writing, Written, write
from training.progress import Progress

# Part of every fingerprint: to be raised when rows come to be read or ordered differently.
_READER = 1
_COLLECT_AFTER = 500_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SPAN = """
SELECT
  count(DISTINCT order_id) FILTER (class <> 'refund'), count(DISTINCT customer_id),
  min(at_ms), max(at_ms)
FROM lines
"""


@dataclass(frozen=True)
class _Around:
    """What all files of one ingest share."""

    reading: Reading
    rejects: Path | None
    ledger: Ledger
    catalog: Catalog
    home: Path
    now: datetime
    progress: Progress


@dataclass(frozen=True)
class _Staged:
    """A file whose every row has its class, in tables of its own."""

    probe: Probe
    reading: Reading
    tables: Path
    header: tuple[str, ...]
    currency: str | None
    counts: Mapping[str, int]
    fingerprint: str
    unused: tuple[str, ...]


def ingest(  # noqa: PLR0913 - the one way in: each is a part of its own
    paths: Sequence[Path],
    options: IngestOptions,
    *,
    ledger: Ledger,
    catalog: Catalog,
    home: Path,
    now: datetime,
    progress: Progress,
) -> IngestReport:
    """What became of every row of the files; usable ones are in the log when this returns.

    Nothing is written unless every file can be read. Raises SettingsError for options that cannot
    be used and DataRefused for files. A run that was interrupted is taken up where it stopped
    when it is repeated, and one that was finished adds nothing.
    """
    reading = reading_of(options)
    probes = [probe(path, progress=progress) for path in paths]
    files, products = split_off(probes, reading.format)
    if not files:
        raise DataRefused("no file of purchases is among those given")
    if options.rejects is not None and len(files) > 1:
        raise SettingsError("--rejects names one file: ingest one file at a time, or leave it out")
    around = _Around(reading, options.rejects, ledger, catalog, home, now, progress)
    with workspace(home) as folder, _rare_collection():
        with ledger.transaction() as transaction:
            shop = transaction.shop_currency(None)
        staged: list[_Staged] = []
        for number, each in enumerate(files):
            staged.append(
                _stage(each, folder / f"{number}.duckdb", around, shop=shop, products=products)
            )
            # The first file to name a currency settles it for the next, as it will in the log.
            shop = staged[-1].currency
        for done in staged:
            _refuse_if_all_rejected(done, around)
        return IngestReport(tuple(_write(each, around) for each in staged))


@contextmanager
def _rare_collection() -> Iterator[None]:
    # Rows are hundreds of thousands of small objects without cycles. Python's search for cycles
    # among them finds nothing and takes 40% of the time; it still runs, now and then.
    usual = gc.get_threshold()
    gc.set_threshold(_COLLECT_AFTER, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def _stage(
    found: Probe, path: Path, around: _Around, *, shop: str | None, products: Probe | None
) -> _Staged:
    products = products or beside(found.path, around.reading.format, progress=around.progress)
    with tables(path) as connection, _blamed(found):
        header = stage(found, connection, progress=around.progress)
        reading = settled(header, around.reading, source=found.source)
        form = reading.format
        with around.progress.track(f"classifying {found.path.name}", total=4) as done:
            fields = match_columns(header, reading, source=found.source)
            _interpret(connection, fields, reading, now=around.now, source=found.source)
            done(1)
            load_products(connection, products)
            connection.execute(form.meaning)
            currency = settle_currency(
                connection,
                shop=shop,
                stated=reading.currency or form.currency,
                source=found.source,
            )
            done(2)
            classify(connection, width=len(header), source=found.source)
            done(3)
            if form.products:
                describe_from_products(connection)
            else:
                describe_from_rows(connection, fields)
        counts = dict(
            connection.execute("SELECT class, count(*) FROM judged GROUP BY class").fetchall()
        )
    fingerprint = _fingerprint(found, reading, products, currency=currency, counts=counts)
    used = set(fields.values())
    unused = tuple(name for position, name in enumerate(header) if position not in used)
    return _Staged(found, reading, path, header, currency, counts, fingerprint, unused)


def _blamed(found: Probe) -> AbstractContextManager[None]:
    # The tables read a Parquet file where it lies: a damaged page shows only when it is reached.
    return parquet_errors(found.source) if found.parquet else nullcontext()


def _interpret(
    connection: duckdb.DuckDBPyConnection,
    fields: Mapping[str, int],
    reading: Reading,
    *,
    now: datetime,
    source: str,
) -> None:
    prepare(connection, reading, now=now)
    create_fields(connection, fields, reading.format)
    settle_spelling(connection, reading, source=source)
    settle_money(connection, None)


def _fingerprint(
    found: Probe,
    reading: Reading,
    products: Probe | None,
    *,
    currency: str | None,
    counts: Mapping[str, int],
) -> str:
    """Stands for the file and its reading: equal only when its rows fall into the same batches.

    The counts are part of it: a row dated tomorrow is refused today and taken the day after.
    """
    content = [
        _READER,
        found.digest,
        products.digest if products else None,
        reading.format.name,
        sorted(reading.columns.items()),
        [reading.timezone, reading.time_format, reading.shift_days, currency],
        sorted(counts.items()),
    ]
    return hashlib.sha256(msgspec.json.encode(content)).hexdigest()


def _refuse_if_all_rejected(staged: _Staged, around: _Around) -> None:
    rejected = {name: count for name, count in staged.counts.items() if name.startswith(REJECTED)}
    if len(rejected) < len(staged.counts):
        return
    with tables(staged.tables) as connection:
        rejects = _rejects(connection, staged, around)
    reasons = ", ".join(
        f"{count} {name.removeprefix(REJECTED)}" for name, count in in_order(rejected) if count
    )
    raise DataRefused(f"no row could be used: {reasons}; see {rejects}", source=staged.probe.source)


def _write(staged: _Staged, around: _Around) -> FileReport:
    name = staged.probe.path.name
    with tables(staged.tables) as connection:
        rejects = _rejects(connection, staged, around)
        with around.progress.track(f"describing items of {name}", total=0) as done:
            items = put_items(connection, around.catalog, done=done)
        last = connection.execute("SELECT max(batch) + 1 FROM lines").fetchone()
        with around.progress.track(f"writing {name}", total=last[0] or 1 if last else 1) as done:
            written = write(
                connection,
                around.ledger,
                Writing(staged.fingerprint, staged.probe.source, staged.currency, around.now),
                done=done,
            )
        report = _report(connection, staged, around, written=written)
    return replace(report, items=items, rejects=rejects)


def _rejects(
    connection: duckdb.DuckDBPyConnection, staged: _Staged, around: _Around
) -> Path | None:
    found = staged.probe
    usual = around.home / "rejects" / f"{found.path.name}-{found.digest[:8]}.csv"
    path = around.rejects or usual
    some = write_rejects(connection, staged.header, path, source=found.source)
    return path if some else None


def _report(
    connection: duckdb.DuckDBPyConnection, staged: _Staged, around: _Around, *, written: Written
) -> FileReport:
    rows = connection.execute("SELECT count(*) FROM judged").fetchone()
    span = connection.execute(_SPAN).fetchone()
    counts = {name: count for name, count in staged.counts.items() if name not in USABLE}
    for name, count in written.counts.items():
        counts[name] = counts.get(name, 0) + count
    if rows is None or span is None or sum(counts.values()) != rows[0]:
        raise EngineError(
            f"{staged.probe.source}: the counts {counts} do not add up to the rows read; "
            "this is a fault of the program, please report it"
        )
    orders, customers, first_ms, last_ms = span
    return FileReport(
        source=staged.probe.source,
        rows=rows[0],
        counts={name: count for name, count in counts.items() if count},
        orders=orders,
        customers=customers,
        first=_moment(first_ms),
        last=_moment(last_ms),
        encoding=staged.probe.encoding or "Parquet",
        timezone=staged.reading.timezone,
        shift_days=staged.reading.shift_days,
        undated=staged.reading.format is PAIRS,
        currency=staged.currency,
        resumed=written.resumed,
        unused=staged.unused,
    )


def _moment(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else _EPOCH + timedelta(milliseconds=at_ms)
