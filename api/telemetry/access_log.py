"""One line for every request: what was asked and how it went, never of whom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from api.telemetry.seen import Seen

_encoder = msgspec.json.Encoder()


class AccessLine(msgspec.Struct, omit_defaults=True):
    """A request as it is logged in JSON; what does not apply is left out."""

    time: datetime
    level: str
    logger: str
    route: str
    method: str
    status: int
    ms: float
    lane: str
    request_id: str
    bytes: int = 0
    served_by: str = ""
    fallback_reason: str = ""
    trace_id: str = ""
    span_id: str = ""
    key_id: str = ""


LOGGER = "access"


def renderer(*, as_json: bool) -> Callable[[Seen], bytes]:
    """What makes a line of a request."""
    return json_line if as_json else text_line


def json_line(seen: Seen) -> bytes:
    """The request as a line of JSON."""
    line = AccessLine(
        time=_time(seen),
        level=_level(seen),
        logger=LOGGER,
        route=seen.route,
        method=seen.method,
        status=seen.status,
        ms=round(seen.seconds * 1000, 3),
        lane=seen.lane,
        request_id=seen.request_id,
        bytes=seen.bytes,
        served_by=seen.served_by,
        fallback_reason=seen.fallback_reason,
        trace_id=seen.trace_id,
        span_id=seen.span_id,
        key_id=seen.key_id,
    )
    return _encoder.encode(line) + b"\n"


def text_line(seen: Seen) -> bytes:
    """The request in words."""
    words = [
        f"{_time(seen):%H:%M:%S}",
        f"{seen.status}",
        f"{seen.seconds * 1000:8.1f} ms",
        f"{seen.method:6}",
        seen.route,
    ]
    if seen.served_by:
        reason = f" ({seen.fallback_reason})" if seen.fallback_reason else ""
        words.append(f"by {seen.served_by}{reason}")
    words.append(f"id={seen.request_id}")
    return (" ".join(words) + "\n").encode()


def _time(seen: Seen) -> datetime:
    return datetime.fromtimestamp(seen.ended, UTC)


def _level(seen: Seen) -> str:
    return "error" if seen.status >= 500 else "info"
