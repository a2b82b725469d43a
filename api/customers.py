"""One customer's profile, as the last event left it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

from flask import Blueprint, Response

from api import params
from api.access import json_answer, services
from api.wire import BoughtItem, Profile, RfmOut, encode
from engine.domain.customers import StoredCustomer
from engine.domain.events import check_id
from engine.domain.histories import NetLine, histories_of
from engine.errors import CustomerUnknown
from engine.loyalty.net import net_lines
from engine.loyalty.rfm import rfm_scores, rfm_values
from engine.loyalty.rfm_segments import rfm_segments
from engine.loyalty.state import decode
from engine.models.model import Model

ITEMS_SHOWN = 100
blueprint = Blueprint("customers", __name__)


@blueprint.get("/customers/<id:customer_id>/profile")
def profile(customer_id: str) -> Response:
    """Who this customer is: totals, what they bought, and how they score."""
    check_id(customer_id, field="customer_id")
    params.allow()
    stored = services().customers.load(customer_id)
    if stored is None:
        raise CustomerUnknown("no event of this customer has been recorded; send one first")
    return json_answer(encode(_profile(stored)), private=True)


def _profile(stored: StoredCustomer) -> Profile:
    lines = net_lines(decode(stored.state))
    recommender = services().models.current()
    summary = stored.summary
    return Profile(
        customer_id=stored.customer_id,
        revision=stored.revision,
        orders=summary.orders,
        units=summary.units,
        revenue=summary.revenue,
        first_order_at=_moment(summary.first_order_ms),
        last_order_at=_moment(summary.last_order_ms),
        items=bought_items(lines),
        rfm=(_rfm(stored.customer_id, lines, recommender.model) if recommender else None),
    )


def bought_items(lines: Sequence[NetLine]) -> tuple[BoughtItem, ...]:
    """The items of the lines, the latest bought first, at most ITEMS_SHOWN."""
    own: defaultdict[str, list[NetLine]] = defaultdict(list)
    for line in lines:
        own[line.item_id].append(line)
    last = {item_id: max(line.at_ms for line in each) for item_id, each in own.items()}
    latest = sorted(own, key=lambda item_id: (-last[item_id], item_id))[:ITEMS_SHOWN]
    return tuple(
        BoughtItem(
            item_id=item_id,
            orders=len({line.order_id for line in own[item_id]}),
            units=sum(line.units for line in own[item_id]),
            last_bought_at=_at(last[item_id]),
        )
        for item_id in latest
    )


def _rfm(customer_id: str, lines: Sequence[NetLine], model: Model) -> RfmOut | None:
    if model.rfm_cuts is None:
        return None
    now_ms = int(services().clock().timestamp() * 1000)
    values = rfm_values(
        histories_of([(customer_id, lines)], items=model.items),
        now_ms=now_ms,
        window_days=model.rfm_cuts.window_days,
    )
    scores = rfm_scores(values, model.rfm_cuts)
    (raw, segment) = rfm_segments(scores, values)[0]
    r, f, m = int(scores.r[0]), int(scores.f[0]), int(scores.m[0])
    days = float(values.recency_days[0])
    return RfmOut(
        # NaN: no valid order, and JSON has no word for it.
        recency_days=None if math.isnan(days) else days,
        frequency=int(values.frequency[0]),
        monetary=int(values.monetary[0]),
        r=r,
        f=f,
        m=m,
        code=f"{r}{f}{m}",
        segment=segment,
        segment_raw=raw,
        cuts_version=model.version,
    )


def _moment(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else _at(at_ms)


def _at(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
