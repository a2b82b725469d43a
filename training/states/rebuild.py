"""From the log to `States`: everything that features are made of, for everyone at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

import duckdb
import numpy as np

from engine.domain.histories import Histories
from engine.domain.ids import MISSING, IdTable
from engine.loyalty.gather import EXCLUSIVE_TAGS, Described, facts_of
from engine.loyalty.states import (
    NEVER,
    Cases,
    Consents,
    Contacts,
    Interests,
    Mails,
    Opinions,
    Preferences,
    Rows,
    States,
    Visits,
)
from engine.store.log_reader import ReadLog
from training.goods import CUSTOMER, columns, held_columns, hold, scratch, settle
from training.states.people import meet, people
from training.states.told import hear, hear_traits
from training.states.visits import follow
from training.states.voice import listen

Table = TypeVar("Table", bound=Rows)

_ITEMS = """
    create temp table items as
    select item_id, row_number() over (order by item_id) - 1 as position
    from (
        select item_id from held join orders using (number) where starts_with(owner, 'c')
        union select item_id from interests
        union select item_id from opinions where item_id is not null
    )
"""
_WORDS = """
    create temp table words as
    select word, row_number() over (order by word) - 1 as position
    from (
        select topic as word from opinions
        union select word from opinions
        union select topic from cases
        union select topic from contacts
        union select topic from mails
        union select topic from preferences
        union select topic from consents
    )
    where word is not null
"""
_HELD = """
    select coalesce(lines, 0) as lines
    from customers left join (
        select owner[2:] as customer_id, count(*) as lines
        from held join orders using (number) where starts_with(owner, 'c') group by owner
    ) using (customer_id)
    order by position
"""
_VISITS = """
    select position as row, start, "end", events, steps
    from visits join customers using (customer_id) order by row, start
"""
_INTERESTS = """
    select customers.position as row, day, items.position::integer as item, views, clicks, carts
    from interests join customers using (customer_id) join items using (item_id)
    order by row, day, item_id
"""
_OPINIONS = """
    select customers.position as row, "at", topics.position::integer as topic,
           coalesce(value, 'nan'::double) as value,
           coalesce(words.position, getvariable('missing'))::integer as word,
           coalesce(items.position, getvariable('missing'))::integer as item
    from opinions join customers using (customer_id)
    join words as topics on topics.word = topic
    left join words on words.word = opinions.word
    left join items using (item_id)
    order by row, "at", event_id
"""
_CASES = """
    select customers.position as row, opened,
           coalesce(answered, getvariable('never'))::bigint as answered,
           coalesce(resolved, getvariable('never'))::bigint as resolved,
           words.position::integer as topic
    from cases join customers using (customer_id) join words on word = topic
    order by row, opened, "case"
"""
_CONTACTS = """
    select customers.position as row, "at", words.position::integer as topic
    from contacts join customers using (customer_id) join words on word = topic
    order by row, "at", event_id
"""
_MAILS = """
    select customers.position as row, "at", kind,
           coalesce(words.position, getvariable('missing'))::integer as topic
    from mails join customers using (customer_id) left join words on word = topic
    order by row, "at", event_id
"""
_PREFERENCES = """
    select customers.position as row, words.position::integer as topic, value, "at", times
    from preferences join customers using (customer_id) join words on word = topic
    order by row, word
"""
_CONSENTS = """
    select customers.position as row, words.position::integer as topic, granted, "at"
    from consents join customers using (customer_id) join words on word = topic
    order by row, word
"""


def states_before(
    log: ReadLog,
    *,
    cut_ms: int,
    catalog: Mapping[str, Described],
    exclusive_tags: Collection[str] = EXCLUSIVE_TAGS,
) -> States:
    """The states of everyone known before the cut, sorted by id; of what came later, nothing.

    Equal to `engine.loyalty.gather.states_of` of every customer's events before the cut. The
    catalogue tells categories and costs of items, whose facts are as of now.
    """
    with scratch() as connection:
        hold(connection, log.lines, cut_ms=cut_ms)
        hear(connection, log.events)
        hear_traits(connection)
        follow(connection)
        listen(connection)
        meet(connection)
        for statement in (_ITEMS, _WORDS):
            connection.execute(statement)
        return _states(connection, catalog, exclusive_tags)


def _states(
    connection: duckdb.DuckDBPyConnection,
    catalog: Mapping[str, Described],
    exclusive_tags: Collection[str],
) -> States:
    settle(connection, {"missing": MISSING, "never": NEVER})
    items = _table(connection, "select item_id from items order by position")
    return States(
        goods=_goods(connection),
        people=people(connection),
        visits=_rows(connection, Visits, _VISITS),
        interests=_rows(connection, Interests, _INTERESTS),
        opinions=_rows(connection, Opinions, _OPINIONS),
        cases=_rows(connection, Cases, _CASES),
        contacts=_rows(connection, Contacts, _CONTACTS),
        mails=_rows(connection, Mails, _MAILS),
        preferences=_rows(connection, Preferences, _PREFERENCES),
        consents=_rows(connection, Consents, _CONSENTS),
        words=_table(connection, "select word from words order by position"),
        facts=facts_of(items, catalog, exclusive_tags=exclusive_tags),
    )


def _goods(connection: duckdb.DuckDBPyConnection) -> Histories:
    lines = columns(connection.execute(_HELD))["lines"]
    return Histories(
        customers=_table(connection, "select customer_id from customers order by position").ids,
        indptr=np.concatenate([np.zeros(1, np.int64), np.cumsum(lines, dtype=np.int64)]),
        **held_columns(connection, owners=CUSTOMER),
    )


def _rows(connection: duckdb.DuckDBPyConnection, kind: type[Table], query: str) -> Table:
    """The rows of a query whose first column is the customer's position and sorts them."""
    (count,) = connection.execute("select count(*) from customers").fetchone() or (0,)
    found = columns(connection.execute(query))
    indptr = np.searchsorted(found.pop("row"), np.arange(count + 1))
    return kind(indptr=indptr.astype(np.int64), **found)


def _table(connection: duckdb.DuckDBPyConnection, query: str) -> IdTable:
    return IdTable(text for (text,) in connection.execute(query).fetchall())
