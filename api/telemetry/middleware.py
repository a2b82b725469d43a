"""The outermost layer of a worker: it sees every request and tells of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias

from api.guard.caller import CALLER
from api.headers import REQUEST_ID
from api.telemetry.hints import FALLBACK_REASON, LANE, ROUTE, SERVED_BY
from api.telemetry.seen import DOOR, FLASK, METHODS, OTHER, UNMATCHED, Seen
from api.telemetry.telemetry import Telemetry
from api.telemetry.trace import Trace, read_traceparent, read_tracestate

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Headers: TypeAlias = list[tuple[str, str]]
ExcInfo: TypeAlias = (
    tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]
)


class Watched:
    """A WSGI application around another that counts, times and logs each of its answers."""

    def __init__(
        self,
        inner: WSGIApplication,
        telemetry: Telemetry,
        *,
        closes: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`closes` ends what runs behind it; `clock` is seconds since 1970."""
        self._inner = inner
        self._telemetry = telemetry
        self._clock = clock
        self.close = closes

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """The answer of the application within."""
        began = time.perf_counter()
        given = environ.get("HTTP_TRACEPARENT")
        caller = read_traceparent(given) if given is not None else None
        trace = caller.child() if caller is not None else None
        answered = _Start(start, _trace_headers(environ, trace) if trace is not None else ())
        try:
            return self._inner(environ, answered)
        finally:
            seconds = time.perf_counter() - began
            self._telemetry.answered(self._seen(environ, answered, trace, seconds))

    def _seen(
        self, environ: WSGIEnvironment, answered: _Start, trace: Trace | None, seconds: float
    ) -> Seen:
        method = environ["REQUEST_METHOD"]
        caller = environ.get(CALLER)
        return Seen(
            # Whom the guard answered, no route has seen.
            route=environ.get(ROUTE) or (DOOR if caller is None else UNMATCHED),
            method=method if method in METHODS else OTHER,
            status=answered.status,
            seconds=seconds,
            lane=environ.get(LANE, FLASK),
            request_id=environ.get(REQUEST_ID, ""),
            ended=self._clock(),
            served_by=environ.get(SERVED_BY, ""),
            fallback_reason=environ.get(FALLBACK_REASON, ""),
            trace_id=trace.trace_id if trace is not None else "",
            span_id=trace.span_id if trace is not None else "",
            key_id=(caller.key_id or "") if caller is not None else "",
            bytes=answered.length,
        )


class _Start:
    """`start_response` that remembers what it was told; 500 if it was never told anything."""

    __slots__ = ("_more", "_start", "length", "status")

    def __init__(self, start: StartResponse, more: Iterable[tuple[str, str]]) -> None:
        self._start = start
        self._more = more
        self.status = 500
        self.length = 0

    def __call__(
        self, status: str, headers: Headers, exc_info: ExcInfo | None = None, /
    ) -> Callable[[bytes], object]:
        self.status = int(status[:3])
        for name, value in headers:
            if name == "Content-Length":
                self.length = int(value)
                break
        if self._more:
            headers = [*headers, *self._more]
        if exc_info is None:
            return self._start(status, headers)
        return self._start(status, headers, exc_info)


def _trace_headers(environ: WSGIEnvironment, trace: Trace) -> Headers:
    """Our step in the trace, for the caller to find; the state of the trace as it came."""
    state = read_tracestate(environ.get("HTTP_TRACESTATE", ""))
    return [("traceparent", trace.header), *([("tracestate", state)] if state else [])]
