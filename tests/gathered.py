"""States as plain values, to be compared and read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from engine.domain.events import Event
from engine.domain.ids import IdTable
from engine.loyalty.gather import states_of
from engine.loyalty.state import NEW, apply_all
from engine.loyalty.states import States


def gathered(*events: Event) -> States:
    """The states of one customer, c1, to whom all of the events happened."""
    return states_of([("c1", apply_all(NEW, events))], {})


def plain(value: Any) -> Any:
    """States, or a part of them, as dicts and lists; with types, and None for NaN."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, np.ndarray):
        return str(value.dtype), np.where(np.isnan(value), None, value).tolist()
    return value.ids if isinstance(value, IdTable) else value


def rows(table: Any, *names: str) -> list[tuple[Any, ...]]:
    """The named columns of a table, row by row."""
    return list(zip(*(getattr(table, name).tolist() for name in names), strict=True))


def texts(table: IdTable, positions: Any) -> list[str | None]:
    """What the positions stand for, None for MISSING."""
    known: Sequence[str] = table.ids
    return [known[each] if each >= 0 else None for each in positions.tolist()]
