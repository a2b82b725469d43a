"""From a look at a customer to what the API tells of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from api.wire_customers import (
    BoughtItem,
    CustomerSegment,
    FeatureOut,
    PreferenceOut,
    Profile,
    Told,
    WhyOut,
)
from engine.domain.histories import NetLine
from engine.loyalty.features.registry import FEATURES
from engine.loyalty.net import net_lines
from engine.portrait import Portrait, moment, moment_or_none, told_value
from engine.segments.why import Why, why

ITEMS_SHOWN = 100


def profile_of(portrait: Portrait, *, explain: bool) -> Profile:
    """Everything there is to say of the customer; `explain` adds a sentence to every feature."""
    stored = portrait.customer.stored
    summary = stored.summary
    return Profile(
        customer_id=stored.customer_id,
        revision=stored.revision,
        orders=summary.orders,
        units=summary.units,
        revenue=summary.revenue,
        first_order_at=moment_or_none(summary.first_order_ms),
        last_order_at=moment_or_none(summary.last_order_ms),
        items=bought_items(net_lines(portrait.customer.state)),
        as_of=portrait.at,
        cuts_version=portrait.drawn.cuts_version,
        features=_features(portrait, explain=explain),
        preferences=tuple(PreferenceOut(*each) for each in portrait.tastes()),
        segments=portrait.segments,
    )


def membership(
    portrait: Portrait, name: str, *, entered: Mapping[str, int], explain: bool
) -> CustomerSegment:
    """A segment beside the customer; `entered` says since when the customer is in which, in ms."""
    member = name in portrait.segments
    told = (
        why(portrait.book.condition(name), portrait.person, now_ms=portrait.now_ms)
        if explain
        else None
    )
    return CustomerSegment(
        name=name,
        title=portrait.book[name].title,
        member=member,
        entered_at=moment_or_none(entered.get(name)) if member else None,
        why=msgspec.UNSET if told is None else _why(told),
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
            last_bought_at=moment(last[item_id]),
        )
        for item_id in latest
    )


def _features(portrait: Portrait, *, explain: bool) -> dict[str, FeatureOut]:
    return {
        name: FeatureOut(
            value=_json(told.value),
            evidence=told.evidence,
            confidence=told.confidence,
            explanation=told.explanation if explain else msgspec.UNSET,
        )
        for name, told in portrait.told().items()
    }


def _json(value: bool | int | float | str | datetime | None) -> Told | None:
    return str(msgspec.to_builtins(value)) if isinstance(value, datetime) else value


def _why(told_of: Why) -> WhyOut:
    feature = FEATURES.get((told_of.asked or {}).get("feature", ""))
    return WhyOut(
        pointer=told_of.pointer,
        holds=told_of.holds,
        decisive=told_of.decisive,
        sentence=told_of.sentence,
        value=told_of.value if feature is None else _json(told_value(feature, told_of.value)),
        asked=told_of.asked,
        parts=tuple(map(_why, told_of.parts)),
    )
