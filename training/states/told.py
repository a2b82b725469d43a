"""What the events of the log say, each text of properties read once by the one reading."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import msgspec
import pyarrow as pa

from engine.domain.events import Event, EventType
from engine.domain.particulars import SILENT, VISIT_TYPES, said
from engine.loyalty.fold.choices import traits_after
from engine.loyalty.fold.mails import KINDS
from engine.loyalty.fold.rows import Told
from engine.loyalty.fold.seen import PASSIVE
from engine.loyalty.fold.visits import STEPS
from engine.loyalty.gather import ACCOUNT_TYPE, BUSINESS_TRAITS
from training.goods import table

# Only the first line of an event has its properties. A complaint without a case is one of its own,
# so what it says depends on its id; of other events those with equal properties say the same.
_HAPPENED = """
    create temp view happened as
    select type, event_id, customer_id, at_ms, item_id, coalesce(line_no, 0) = 0 as first,
           case when first then coalesce(properties, '') end as told,
           case when type = 'complaint' then event_id else '' end as own
    from events where at_ms < getvariable('cut') and customer_id is not null
"""
_DISTINCT = "select distinct type, told, own from happened where first"
_TOLD = """
    create temp table told as
    select type, event_id, customer_id, at_ms, item_id, first, topic, value, ref
    from happened left join readings using (type, told, own)
"""
# What robots did makes visits of robots and nothing else.
_ROBOTS = """
    create temp table robots as
    select event_id from told join types using (type)
    where step is not null and type <> 'purchase' and value = 1
"""
_TRAITS = "select distinct type, told from happened where type in ('identify', 'sign_up')"
# By kind of event: its step of a visit (null: none), its kind of mail, if it is no deed at all.
_TYPES = pa.table(
    {
        "type": [each.value for each in EventType],
        "step": pa.array(
            [STEPS.get(each, 0) if each in VISIT_TYPES else None for each in EventType],
            pa.int32(),
        ),
        "kind": pa.array([KINDS.get(each) for each in EventType], pa.int8()),
        "passive": [each in PASSIVE for each in EventType],
    }
)
_READINGS = pa.schema(
    [
        ("type", pa.string()),
        ("told", pa.string()),
        ("own", pa.string()),
        ("topic", pa.string()),
        ("value", pa.float64()),
        ("ref", pa.string()),
    ]
)
_OF_PEOPLE = pa.schema(
    [("type", pa.string()), ("told", pa.string()), ("name", pa.string()), ("text", pa.string())]
)


def hear(connection: duckdb.DuckDBPyConnection, events: pa.Table) -> None:
    """Make the tables `told`, of what events before the cut say, and `types`, of kinds of events;
    `robots` are the ids of events by robots.

    `events` has the columns of `engine.store.log_reader.read_events`. `told` has its rows, with
    what `engine.domain.particulars.said` understands on the `first` row of each event.
    """
    connection.register("events", events)
    connection.register("types", _TYPES)
    connection.execute(_HAPPENED)
    distinct = connection.execute(_DISTINCT).fetchall()
    connection.register("readings", table(map(_read, distinct), _READINGS))
    connection.execute(_TOLD)
    connection.execute(_ROBOTS)


def hear_traits(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table `traits`: `text` by `name` for each text that told who somebody is.

    Only traits that tell businesses from consumers; what is no text is an empty one.
    """
    distinct = connection.execute(_TRAITS).fetchall()
    rows = (row for each in distinct for row in _traits(*each))
    connection.register("traits", table(rows, _OF_PEOPLE))


def _read(row: tuple[str, str, str]) -> tuple[Any, ...]:
    type_, told, own = row
    return (*row, *said(Event(own, EventType(type_), properties=_decoded(told))))


def _traits(type_: str, told: str) -> Iterator[tuple[str, str, str, str]]:
    event = Event("", EventType(type_), properties=_decoded(told))
    for trait in traits_after((), [Told(0, event, SILENT)]):
        if trait.topic in (ACCOUNT_TYPE, *BUSINESS_TRAITS):
            yield type_, told, trait.topic, trait.value if isinstance(trait.value, str) else ""


def _decoded(properties: str) -> dict[str, Any]:
    return msgspec.json.decode(properties, type=dict[str, Any]) if properties else {}
