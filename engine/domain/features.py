"""What the shop keeps of a customer's features, stage and segments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

Value: TypeAlias = float | str | None


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """A customer's features as stored, of the moment `as_of_ms` and the customer's revision.

    `values` holds every feature by name: a number (flags 0 or 1, money in minor units, moments in
    ms since 1970 UTC), the word of a choice or text, None for unknown. `attributes` is what the
    shop told of the customer, as a JSON object.
    """

    customer_id: str
    revision: int
    as_of_ms: int
    cuts_version: str
    attributes: str
    values: Mapping[str, Value]


class LastStage(NamedTuple):
    """What the last run said of a customer's lifecycle; times in ms, None for unknown."""

    stage: str | None
    since_ms: int | None
    before: str | None


class StageChange(NamedTuple):
    """A customer's step from one lifecycle stage to another; None is no stage at all."""

    customer_id: str
    at_ms: int
    before: str | None
    after: str | None


class Move(NamedTuple):
    """A customer's entry into a segment, or way out of it."""

    segment: str
    customer_id: str
    entered: bool
    at_ms: int


@dataclass(frozen=True, slots=True)
class Membership:
    """A customer in a segment since `entered_ms`."""

    customer_id: str
    entered_ms: int


@dataclass(frozen=True, slots=True)
class SegmentRun:
    """When a segment's members were last worked out for everyone, and how many there are."""

    segment: str
    refreshed_ms: int
    members: int


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """A segment of the shop's own; `condition` is JSON."""

    name: str
    title: str
    description: str
    condition: str
    updated_ms: int
