"""What the shop told of each customer, by the one reading of what traits are."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from engine.domain.events import Event, EventType
from engine.domain.particulars import SILENT
from engine.loyalty.fold.choices import traits_after
from engine.loyalty.fold.rows import Told
from engine.segments.attributes import attributes_json

_TELLING = (EventType.IDENTIFY.value, EventType.SIGN_UP.value)


def attributes_before(events: pa.Table, *, cut_ms: int) -> dict[str, str]:
    """What was told of customers before the cut, each as the text of a JSON object.

    `events` has the columns of `engine.store.log_reader.read_events`. Customers of whom nothing
    was told are left out.
    """
    mask = pc.and_(
        pc.is_in(events["type"], value_set=pa.array(_TELLING)),
        pc.and_(pc.less(events["at_ms"], cut_ms), pc.is_valid(events["properties"])),
    )
    names = ("customer_id", "event_id", "type", "at_ms", "properties")
    columns = events.filter(mask).select(names).to_pydict()
    told: defaultdict[str, list[Told]] = defaultdict(list)
    for customer_id, event_id, type_, at_ms, text in zip(*columns.values(), strict=True):
        properties = msgspec.json.decode(text, type=dict[str, Any])
        event = Event(event_id, EventType(type_), properties=properties)
        told[customer_id].append(Told(at_ms, event, SILENT))
    return {who: _text(own) for who, own in told.items()}


def _text(told: list[Told]) -> str:
    return attributes_json({trait.topic: trait.value for trait in traits_after((), told)})
