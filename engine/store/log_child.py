"""A program of its own: runs one query over a SQLite file and writes Arrow to standard output.

It must not run inside a process that has the file open. The Arrow driver brings a second copy of
SQLite, and two copies in one process undo each other's file locks, which can cost data
(https://www.sqlite.org/howtocorrupt.html, section 2.2.1). In a process apart nothing can.

It imports nothing of ours, so that it runs by its path wherever it lies.
"""

from __future__ import annotations

import sys

import adbc_driver_sqlite.dbapi
import pyarrow

# Rows a batch; the driver also takes a column's type from the first batch.
BATCH_ROWS = 65_536


def dump(path: str, query: str) -> None:
    """Write the result of the query to standard output as an Arrow stream."""
    with (
        adbc_driver_sqlite.dbapi.connect(f"file:{path}?mode=rw") as connection,
        connection.cursor() as cursor,
    ):
        cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": BATCH_ROWS})
        cursor.execute("PRAGMA busy_timeout = 5000")
        cursor.execute(query)
        with (
            cursor.fetch_record_batch() as batches,
            pyarrow.ipc.new_stream(sys.stdout.buffer, batches.schema) as stream,
        ):
            for batch in batches:
                stream.write_batch(batch)


if __name__ == "__main__":
    try:
        dump(*sys.argv[1:])
    except adbc_driver_sqlite.dbapi.Error as failure:
        sys.exit(str(failure).splitlines()[0])
