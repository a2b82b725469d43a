"""From a look at a customer to what the API tells of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from api.looking import Look
from api.wire_customers import (
    BoughtItem,
    CustomerSegment,
    FeatureOut,
    PreferenceOut,
    Profile,
    Told,
    WhyOut,
)
from engine.domain.features import Value
from engine.domain.histories import NetLine
from engine.live import Portraits
from engine.loyalty.feature import Feature, Kind
from engine.loyalty.features.explain import sentence
from engine.loyalty.features.registry import FEATURES
from engine.loyalty.net import net_lines
from engine.segments.why import Why, why

ITEMS_SHOWN = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def profile_of(look: Look, *, explain: bool) -> Profile:
    """Everything there is to say of the customer; `explain` adds a sentence to every feature."""
    stored = look.customer.stored
    summary = stored.summary
    return Profile(
        customer_id=stored.customer_id,
        revision=stored.revision,
        orders=summary.orders,
        units=summary.units,
        revenue=summary.revenue,
        first_order_at=_moment(summary.first_order_ms),
        last_order_at=_moment(summary.last_order_ms),
        items=bought_items(net_lines(look.customer.state)),
        as_of=look.at,
        cuts_version=look.portrait.cuts_version,
        features=_features(look, explain=explain),
        preferences=_preferences(look.portrait),
        segments=look.segments,
    )


def membership(
    look: Look, name: str, *, entered: Mapping[str, int], explain: bool
) -> CustomerSegment:
    """A segment beside the customer; `entered` says since when the customer is in which, in ms."""
    member = name in look.segments
    told = why(look.book.condition(name), look.person, now_ms=look.now_ms) if explain else None
    return CustomerSegment(
        name=name,
        title=look.book[name].title,
        member=member,
        entered_at=_moment(entered.get(name)) if member else None,
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
            last_bought_at=at(last[item_id]),
        )
        for item_id in latest
    )


def at(at_ms: float) -> datetime:
    """The moment so many ms after 1970 began."""
    return _EPOCH + timedelta(milliseconds=at_ms)


def told(feature: Feature, value: Value | bool) -> Told | None:
    """A feature's value as JSON holds it, None for unknown."""
    if value is None or isinstance(value, str):
        return value
    match feature.kind:
        case Kind.FLAG:
            return bool(value)
        case Kind.MOMENT:
            return str(msgspec.to_builtins(at(value)))
        case Kind.COUNT | Kind.MONEY:
            return round(value)
        case _:
            return float(value)


def _features(look: Look, *, explain: bool) -> dict[str, FeatureOut]:
    row = look.person.values
    shown: dict[str, FeatureOut] = {}
    for name, feature in FEATURES.items():
        column, value = look.portrait.features[name], told(feature, row[name])
        # What is unknown rests on nothing, whatever was looked at.
        known = value is not None
        shown[name] = FeatureOut(
            value=value,
            evidence=int(column.evidence[0]) if known else 0,
            confidence=float(column.confidence()[0]) if known else 0.0,
            explanation=sentence(feature, row) if explain else msgspec.UNSET,
        )
    return shown


def _preferences(portrait: Portraits) -> tuple[PreferenceOut, ...]:
    found = portrait.preferences
    return tuple(
        PreferenceOut(found.labels[category], explicit, implicit, score, excluded)
        for category, explicit, implicit, score, excluded in zip(
            found.category.tolist(),
            found.explicit.tolist(),
            found.implicit.tolist(),
            found.score.tolist(),
            found.excluded.tolist(),
            strict=True,
        )
    )


def _why(told_of: Why) -> WhyOut:
    feature = FEATURES.get((told_of.asked or {}).get("feature", ""))
    return WhyOut(
        pointer=told_of.pointer,
        holds=told_of.holds,
        decisive=told_of.decisive,
        sentence=told_of.sentence,
        value=told_of.value if feature is None else told(feature, told_of.value),
        asked=told_of.asked,
        parts=tuple(map(_why, told_of.parts)),
    )


def _moment(at_ms: int | None) -> datetime | None:
    return None if at_ms is None else at(at_ms)
