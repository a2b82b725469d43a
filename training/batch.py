"""Lists for many customers, a page at a time, and the files they go into."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from engine.domain.catalog import Item
from engine.domain.customers import StoredCustomer
from engine.live import LiveModel, Surroundings
from engine.loyalty.cuts import Cuts
from engine.models.model import Model
from engine.newcomers import Newcomers
from engine.ports import Customers
from engine.recommend.answer import Answer, Reason
from engine.recommend.recommender import BLOCK, Recommender
from engine.segment_sales import SegmentSales
from engine.store.customers import SqlCustomers
from engine.store.database import Database
from engine.store.segments import SqlSegments
from training.files import placed
from training.list_workers import Making, Page, Wanted

PAGE = BLOCK


class Row(NamedTuple):
    """One place of one customer's list, as it is written to a file."""

    customer_id: str
    item_id: str
    rank: int
    score: float
    source: str
    reason: str


_SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("item_id", pa.string()),
        ("rank", pa.int32()),
        ("score", pa.float32()),
        ("source", pa.string()),
        ("reason", pa.string()),
    ]
)
Write = Callable[[Sequence[Row]], None]


def pages_of(customers: Customers, customer_ids: Sequence[str]) -> Iterator[list[StoredCustomer]]:
    """The given customers, a page at a time, in the order given; unknown ones have no state."""
    for start in range(0, len(customer_ids), PAGE):
        wanted = customer_ids[start : start + PAGE]
        found = {each.customer_id: each for each in customers.load_many(wanted)}
        yield [found.get(each) or StoredCustomer.unknown(each) for each in wanted]


def lists(
    pages: Iterable[Page],
    make: Making,
    wanted: Wanted,
    *,
    recommender: Recommender,
    newcomers: Newcomers,
) -> Iterator[list[Answer]]:
    """The answers for each page of customers; memory is bounded by the pages in the making."""
    for page, answers in make(pages):
        yield [
            newcomers.welcomed(
                answer,
                stored,
                recommender,
                wanted.request,
                view=wanted.view,
                now_ms=wanted.now_ms,
            )
            for answer, stored in zip(answers, page, strict=True)
        ]


def newcomers_of(model: Model, database: Database, items: Mapping[str, Item]) -> Newcomers:
    """What makes lists for customers of whom no purchase is known."""
    segments = SqlSegments(database)
    cuts = model.cuts or Cuts.untrained()
    live = LiveModel(Surroundings(lambda: cuts, lambda: items, segments.own))
    return Newcomers(segments, live, SegmentSales(SqlCustomers(database), segments))


def rows(answers: Iterable[Answer]) -> list[Row]:
    """The answers' places, one row each."""
    return [
        Row(
            answer.customer_id,
            item.item_id,
            item.rank,
            item.score,
            item.source,
            ",".join(reason_text(reason) for reason in item.reasons),
        )
        for answer in answers
        for item in answer.items
    ]


def reason_text(reason: Reason) -> str:
    """A reason in one word, with the item it names after a colon."""
    return reason.code.value if reason.item_id is None else f"{reason.code}:{reason.item_id}"


@contextmanager
def output(path: Path) -> Iterator[Write]:
    """A function that writes rows to a .parquet, .csv or .jsonl file; see `files.placed`."""
    with placed(path, _OPENERS) as write:
        yield write


@contextmanager
def _parquet(path: Path) -> Iterator[Write]:
    with pq.ParquetWriter(path, _SCHEMA) as writer:

        def write(batch: Sequence[Row]) -> None:
            columns = zip(*batch, strict=True) if batch else ([] for _ in _SCHEMA)
            arrays = [pa.array(each, type=f.type) for each, f in zip(columns, _SCHEMA, strict=True)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=_SCHEMA))

        yield write


@contextmanager
def _csv(path: Path) -> Iterator[Write]:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(Row._fields)
        yield writer.writerows


@contextmanager
def _jsonl(path: Path) -> Iterator[Write]:
    with path.open("wb") as file:
        yield lambda batch: _write_lines(file, batch)


def _write_lines(file: IO[bytes], batch: Sequence[Row]) -> None:
    file.writelines(msgspec.json.encode(row._asdict()) + b"\n" for row in batch)


_OPENERS = {".parquet": _parquet, ".csv": _csv, ".jsonl": _jsonl}
