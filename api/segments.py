"""Segments: what they are, who is in them, who came and went."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec
from flask import Blueprint, Response

from api import params
from api.access import json_answer, services
from api.bodies import decode, read_json
from api.params import DEFAULT_ROWS, MAX_ROWS
from api.wire import encode
from api.wire_segments import (
    ChangeOut,
    ChangesOut,
    MemberOut,
    MembersOut,
    SegmentDeleted,
    SegmentIn,
    SegmentOut,
    SegmentsOut,
)
from engine.domain.events import to_ms
from engine.domain.features import SegmentRun
from engine.portrait import moment
from engine.segments.conditions import plain
from engine.segments.segment import Draft, Segment

blueprint = Blueprint("segments", __name__)


@blueprint.get("/segments")
def every() -> Response:
    """All segments, each with how many customers are in it."""
    params.allow()
    runs, sizes = services().segments.runs(), services().segments.sizes()
    book = services().keeper.book()
    answer = SegmentsOut(tuple(_segment(each, sizes, runs) for each in book))
    return json_answer(encode(answer))


@blueprint.get("/segments/<name>")
def get(name: str) -> Response:
    """One segment."""
    params.allow()
    return _answer(services().keeper.one(name))


@blueprint.put("/segments/<name>")
def put(name: str) -> Response:
    """Store a segment of the shop's own and work out who is in it."""
    params.allow()
    told = decode(msgspec.json.encode(read_json()), SegmentIn)
    draft = Draft(name, told.title, told.description, told.condition)
    segment, run = services().keeper.put(draft, now_ms=to_ms(services().clock()))
    return json_answer(encode(_segment(segment, {name: run.members}, {name: run})))


@blueprint.delete("/segments/<name>")
def delete(name: str) -> Response:
    """Remove a segment of the shop's own."""
    params.allow()
    services().keeper.delete(name)
    return json_answer(encode(SegmentDeleted(name)))


@blueprint.get("/segments/<name>/customers")
def customers(name: str) -> Response:
    """Who is in the segment, a page at a time."""
    params.allow("after", "limit")
    after, limit = params.identifier("after"), params.limit(default=DEFAULT_ROWS, most=MAX_ROWS)
    services().keeper.one(name)
    stored = services().segments
    # One more than asked for says whether there is another page.
    found = stored.members(name, after=after, limit=limit + 1)
    page = found[:limit]
    answer = MembersOut(
        name=name,
        members=stored.sizes(name).get(name, 0),
        refreshed_at=_refreshed(stored.runs(), name),
        customers=tuple(MemberOut(each.customer_id, moment(each.entered_ms)) for each in page),
        next=page[-1].customer_id if len(found) > limit else None,
    )
    return json_answer(encode(answer), private=True)


@blueprint.get("/segments/<name>/changes")
def changes(name: str) -> Response:
    """Who entered the segment and who left it."""
    params.allow("limit")
    limit = params.limit(default=DEFAULT_ROWS, most=MAX_ROWS)
    services().keeper.one(name)
    moves = services().segments.moves(name, limit=limit)
    answer = ChangesOut(
        name=name,
        refreshed_at=_refreshed(services().segments.runs(), name),
        changes=tuple(
            ChangeOut(each.customer_id, "entered" if each.entered else "left", moment(each.at_ms))
            for each in moves
        ),
    )
    return json_answer(encode(answer), private=True)


def _answer(segment: Segment) -> Response:
    stored = services().segments
    return json_answer(encode(_segment(segment, stored.sizes(segment.name), stored.runs())))


def _segment(
    segment: Segment, sizes: Mapping[str, int], runs: Mapping[str, SegmentRun]
) -> SegmentOut:
    return SegmentOut(
        name=segment.name,
        title=segment.title,
        description=segment.description,
        builtin=segment.builtin,
        condition=plain(segment.condition),
        members=sizes.get(segment.name, 0),
        refreshed_at=_refreshed(runs, segment.name),
    )


def _refreshed(runs: Mapping[str, SegmentRun], name: str) -> datetime | None:
    run = runs.get(name)
    return moment(run.refreshed_ms) if run else None
