"""Reading customers' states from the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, func, select

from engine.domain.customers import StoredCustomer
from engine.store.database import Database
from engine.store.rows import CUSTOMER_COLUMNS, among_texts, customer_of, found
from engine.store.tables import customers

_COLUMNS = tuple(customers.c[name] for name in CUSTOMER_COLUMNS)
# A row of revision 0 is only a lock.
_KNOWN = select(*_COLUMNS).where(customers.c.revision > 0)
_REVISION = "SELECT revision FROM customers WHERE customer_id"
_KNOWN_AMONG = f"SELECT {', '.join(CUSTOMER_COLUMNS)} FROM customers WHERE revision > 0"  # noqa: S608


class SqlCustomers:
    """Customers' states in a SQL database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, customer_id: str) -> StoredCustomer | None:
        """The customer, None when no event of theirs was recorded."""
        known = self.load_many([customer_id])
        return known[0] if known else None

    def revision(self, customer_id: str) -> int:
        """The customer's revision, 0 when no event of theirs was recorded."""
        with self._database.read() as connection:
            among, asked = among_texts(connection, [customer_id])
            known = found(connection, f"{_REVISION} {among}", asked)
        return int(known[0][0]) if known else 0

    def load_many(self, customer_ids: Sequence[str]) -> list[StoredCustomer]:
        """The known ones among the customers, each once, in no particular order."""
        wanted = list(dict.fromkeys(customer_ids))
        with self._database.read() as connection:
            return known_customers(connection, wanted)

    def count(self) -> int:
        """How many customers there are."""
        with self._database.read() as connection:
            known = select(func.count()).select_from(customers).where(customers.c.revision > 0)
            return int(connection.scalar(known) or 0)

    def pages(self, *, size: int) -> Iterator[list[StoredCustomer]]:
        """All customers by id, a page at a time; each page shows the moment it is read."""
        last: str | None = None
        while page := self._page(after=last, size=size):
            yield page
            last = page[-1].customer_id

    def _page(self, *, after: str | None, size: int) -> list[StoredCustomer]:
        asked = _KNOWN.order_by(customers.c.customer_id).limit(size)
        if after is not None:
            asked = asked.where(customers.c.customer_id > after)
        with self._database.read() as connection:
            return [customer_of(row) for row in connection.execute(asked)]


def known_customers(connection: Connection, customer_ids: Sequence[str]) -> list[StoredCustomer]:
    """The known ones among distinct customers."""
    # In text: every event asks this.
    among, asked = among_texts(connection, customer_ids)
    statement = f"{_KNOWN_AMONG} AND customer_id {among}"
    return [customer_of(row) for row in found(connection, statement, asked)]
