"""What customers bought next, from a file: how a published next-basket split is scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from engine.domain.ids import IdTable
from training.history import Purchases
from training.ingest.columns import create_fields, match_columns
from training.ingest.formats import Format
from training.ingest.options import IngestOptions, Reading, reading_of
from training.ingest.parse import prepare
from training.ingest.probe import probe
from training.ingest.stage import stage
from training.ingest.workspace import tables, workspace
from training.progress import Progress
from training.windows import Window, truth_of

TRUTH = Format(
    name="purchases to come",
    columns={"customer_id": ("customer_id",), "item_id": ("item_id",)},
    required=("customer_id", "item_id"),
    owners=(),
    timezone="UTC",
    meaning="",
)
_BOUGHT = """
    select customer_id, list(distinct item_id order by item_id)
    from fields where broken is null and customer_id is not null and item_id is not null
    group by customer_id order by customer_id
"""


def read_truth(
    path: Path, columns: Mapping[str, str], *, home: Path, progress: Progress
) -> dict[str, list[str]]:
    """The distinct items that each customer of the file bought; rows without either are left out.

    CSV, CSV.gz or Parquet as `ingest` reads it; `columns` names the file's column of a field.
    Raises DataRefused for a file that cannot be read, SettingsError for a field there is not.
    """
    reading = _reading(columns)
    found = probe(path, progress=progress)
    with workspace(home) as folder, tables(folder / "truth.duckdb") as connection:
        header = stage(found, connection, progress=progress)
        fields = match_columns(header, reading, source=found.source)
        prepare(connection, reading, now=datetime.now(UTC))
        create_fields(connection, fields, reading.format)
        return dict(connection.execute(_BOUGHT).fetchall())


def window_of(bought: Mapping[str, list[str]], before: Purchases, items: IdTable) -> Window:
    """The customers of the truth who have a past, with what they bought as positions in `items`.

    Whoever has none is counted as a newcomer. `before` is everything that was known.
    """
    positions = items.indices(before.items.ids)
    past = before.customers
    own = replace(past, item=np.where(past.item >= 0, positions[past.item], past.item))
    rows = {customer: row for row, customer in enumerate(own.customers)}
    known = [customer for customer in bought if customer in rows]
    histories = own.take([rows[customer] for customer in known])
    truths = [
        truth_of(histories, row, items.indices(bought[customer]))
        for row, customer in enumerate(known)
    ]
    return Window(histories, truths, before.until_ms, len(bought) - len(known))


def _reading(columns: Mapping[str, str]) -> Reading:
    reading = reading_of(IngestOptions(columns=columns))
    return replace(reading, format=TRUTH)
