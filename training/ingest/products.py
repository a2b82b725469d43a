"""The second file of a format: what describes the items of the first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
from pyarrow.parquet import read_schema

from engine.errors import DataRefused
from training.ingest.formats import Format
from training.ingest.probe import Probe, probe
from training.ingest.stage import linked, parquet_errors
from training.ingest.workspace import first_line
from training.progress import Progress

_NONE = """
CREATE TABLE products (
  item_id VARCHAR, department VARCHAR, brand VARCHAR, category VARCHAR, product_type VARCHAR,
  package_size VARCHAR
)
"""


def split_off(probes: Sequence[Probe], form: Format) -> tuple[list[Probe], Probe | None]:
    """The files of purchases, and the one of products if it is among them."""
    if not form.products:
        return list(probes), None
    products = [each for each in probes if _describes_items(each, form)]
    rest = [each for each in probes if each not in products]
    return rest, products[0] if products else None


def beside(path: Path, form: Format, *, progress: Progress) -> Probe | None:
    """The products file in the folder of the purchases, None when there is none."""
    neighbour = path.with_name(form.products_name) if form.products_name else path
    if neighbour == path or not neighbour.is_file():
        return None
    found = probe(neighbour, progress=progress)
    return found if _describes_items(found, form) else None


def load_products(connection: duckdb.DuckDBPyConnection, found: Probe | None) -> None:
    """Make the table `products`, one row an item; empty without a file."""
    if found is None:
        connection.execute(_NONE)
        return
    with parquet_errors(found.source):
        connection.execute(
            f"""
            CREATE TABLE products AS
            SELECT
              product_id::VARCHAR AS item_id,
              any_value(department) AS department,
              any_value(clean(brand::VARCHAR)) AS brand,
              any_value(clean(product_category::VARCHAR)) AS category,
              any_value(clean(product_type::VARCHAR)) AS product_type,
              any_value(clean({_package_size(found)})) AS package_size
            FROM read_parquet({linked(found, connection)})
            WHERE product_id IS NOT NULL
            GROUP BY 1
            """  # noqa: S608 - names of ours
        )


def _describes_items(found: Probe, form: Format) -> bool:
    return found.parquet and set(form.products) <= set(_columns(found))


def _package_size(found: Probe) -> str:
    return "package_size::VARCHAR" if "package_size" in _columns(found) else "NULL::VARCHAR"


def _columns(found: Probe) -> list[str]:
    try:
        return list(read_schema(found.path).names)
    except (pa.ArrowException, OSError) as error:
        raise DataRefused(
            f"no readable Parquet file: {first_line(error)}", source=found.source
        ) from error
