"""What is seen of a request, and what of it is counted."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from api.guard.caller import CALLER, STRANGER
from api.telemetry.hints import FALLBACK_REASON, ROUTE, SERVED_BY, leave_list, template
from api.telemetry.measures import SECONDS, Measures, observe_all
from api.telemetry.middleware import Watched
from api.telemetry.places import Place, WorkerState, states
from api.telemetry.seen import Seen, outcome_of
from api.telemetry.telemetry import Telemetry
from api.telemetry.watching import LEAST_FREE_BYTES, disk_check, disk_free
from api.wire import FallbackReason, Recommendations, ServedBy, encode

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


class Ear(Telemetry):
    """Keeps what it is told."""

    heard: list[Seen]

    @classmethod
    def open(cls) -> Ear:
        ear = cls.alone()
        ear.heard = []
        return ear

    def answered(self, seen: Seen) -> None:
        self.heard.append(seen)
        super().answered(seen)


def answering(status: str, **hints: object) -> Callable[..., list[bytes]]:
    def application(environ: dict[str, Any], start: Callable[..., object]) -> list[bytes]:
        environ.update(hints)
        start(status, [("Content-Type", "text/plain"), ("Content-Length", "5")])
        return [b"hello"]

    return application


def asked(
    application: Callable[..., Any], ear: Ear, **environ: str
) -> tuple[str, dict[str, str], bytes]:
    told: list[tuple[str, dict[str, str]]] = []
    given = {"REQUEST_METHOD": "GET", **environ}
    watched = Watched(application, ear, clock=NOW.timestamp)
    body = b"".join(watched(given, lambda status, headers: told.append((status, dict(headers)))))
    ((status, headers),) = told
    return status, headers, body


def test_what_the_parts_leave_is_seen():
    ear = Ear.open()
    application = answering(
        "200 OK",
        **{
            ROUTE: "/v1/items/popular",
            SERVED_BY: "model",
            FALLBACK_REASON: "no_model",
            CALLER: STRANGER,
        },
    )

    asked(application, ear)

    (seen,) = ear.heard
    assert (seen.route, seen.method, seen.status, seen.lane) == (
        "/v1/items/popular",
        "GET",
        200,
        "flask",
    )
    assert (seen.served_by, seen.fallback_reason, seen.bytes) == ("model", "no_model", 5)
    assert seen.ended == NOW.timestamp()
    assert 0 <= seen.seconds < 60


def test_what_the_guard_answered_has_no_route_and_what_no_route_took_neither():
    ear = Ear.open()

    asked(answering("401 Unauthorized"), ear)
    asked(answering("404 Not Found", **{CALLER: STRANGER}), ear)

    assert [seen.route for seen in ear.heard] == ["door", "unmatched"]


def test_an_application_that_breaks_is_seen_as_an_error():
    ear = Ear.open()

    def broken(_environ: object, _start: object) -> list[bytes]:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        asked(broken, ear)

    assert [seen.status for seen in ear.heard] == [500]


def test_a_method_that_somebody_made_up_is_no_label():
    ear = Ear.open()
    for number in range(100):
        asked(answering("405 Method Not Allowed"), ear, REQUEST_METHOD=f"M{number}")

    samples = [each.labels["method"] for each in _samples(ear, "requests")]

    assert samples == ["other"]


def test_only_a_request_with_a_trace_is_answered_with_one():
    ear = Ear.open()

    _, traced, _ = asked(
        answering("200 OK"), ear, HTTP_TRACEPARENT=TRACEPARENT, HTTP_TRACESTATE="a=1 , b=2"
    )
    _, untraced, _ = asked(answering("200 OK"), ear)
    _, wrong, _ = asked(answering("200 OK"), ear, HTTP_TRACEPARENT="nonsense")
    _, stateless, _ = asked(
        answering("200 OK"), ear, HTTP_TRACEPARENT=TRACEPARENT, HTTP_TRACESTATE="a=1,a=1"
    )

    assert traced["traceparent"].split("-")[1] == TRACEPARENT.split("-")[1]
    assert traced["tracestate"] == "a=1,b=2"
    assert "traceparent" not in untraced
    assert "traceparent" not in wrong
    assert "tracestate" not in stateless
    assert ear.heard[0].trace_id == TRACEPARENT.split("-")[1]
    assert ear.heard[0].span_id == traced["traceparent"].split("-")[2]
    assert ear.heard[1].trace_id == ""


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "ok"),
        (204, "ok"),
        (302, "ok"),
        (400, "refused"),
        (404, "refused"),
        (429, "limited"),
        (500, "error"),
        (503, "unavailable"),
    ],
)
def test_every_status_has_an_outcome(status: int, outcome: str):
    assert outcome_of(status) == outcome


@given(
    customer=st.text(max_size=50),
    placement=st.text(max_size=20),
    served_by=st.sampled_from(ServedBy),
    reason=st.none() | st.sampled_from(FallbackReason),
)
def test_where_a_list_comes_from_is_read_from_its_json_whatever_is_in_it(
    customer: str, placement: str, served_by: ServedBy, reason: FallbackReason | None
):
    made = Recommendations(
        recommendation_id="r",
        placement=f'{placement}","served_by":"nobody","fallback_reason":null,"items":',
        customer_id=f'{customer}"served_by":"nobody","fallback_reason":"x",',
        model_version="m1",
        generated_at=NOW,
        served_by=served_by,
        fallback_reason=reason,
        items=(),
        requested=10,
        returned=0,
        dropped={},
    )
    environ: dict[str, Any] = {}

    leave_list(environ, encode(made))

    assert environ[SERVED_BY] == served_by
    assert environ[FALLBACK_REASON] == (reason or "")


def test_a_body_that_is_no_list_leaves_nothing():
    environ: dict[str, Any] = {}

    leave_list(environ, b'{"status":"ok"}')

    assert environ == {SERVED_BY: "", FALLBACK_REASON: ""}


def test_a_route_is_told_by_the_names_of_what_varies():
    assert (
        template("/v1/customers/<id:customer_id>/profile") == "/v1/customers/{customer_id}/profile"
    )
    assert template("/v1/x/<int(min=1):number>/<name>") == "/v1/x/{number}/{name}"
    assert template("/readyz") == "/readyz"


def test_workers_take_the_first_free_place_and_leave_it_to_the_next(tmp_path: Path):
    first, second = Place.take(tmp_path), Place.take(tmp_path)
    first.leave()
    third = Place.take(tmp_path)

    assert [each.number for each in (first, second, third)] == [0, 1, 0]
    second.leave()
    third.leave()


def test_only_workers_that_run_are_told_of(tmp_path: Path):
    state = WorkerState(1, 0.0, "1.0", "m1", {"cache": False}, 0, None, None)
    here, gone = Place.take(tmp_path), Place.take(tmp_path)
    for each in (here, gone):
        each.tell(state)

    assert states(tmp_path) == {0: state, 1: state}
    # As if killed: the file stays, the lock goes with the process.
    os.close(gone.lock.descriptor)
    assert states(tmp_path) == {0: state}
    (tmp_path / "state-0.json").write_bytes(msgspec.json.encode({"half": "a"})[:-3])
    assert states(tmp_path) == {}
    here.leave()


def test_a_full_disk_is_told_before_it_is_full(tmp_path: Path):
    assert disk_check(lambda: LEAST_FREE_BYTES)().ok
    assert disk_check(lambda: LEAST_FREE_BYTES - 1)().word == "low"
    assert disk_check(lambda: None)().word == "unknown"
    assert (disk_free(tmp_path / "not" / "made" / "yet") or 0) > 0


@given(st.lists(st.floats(0, 10) | st.sampled_from(SECONDS), max_size=30))
def test_times_counted_together_are_counted_as_one_by_one(seconds: list[float]):
    together, singly = (
        Measures.new(CollectorRegistry()).seconds.labels("route", "ok") for _ in range(2)
    )

    observe_all(together, seconds)
    for each in seconds:
        singly.observe(each)

    assert _told(together) == pytest.approx(_told(singly))


def test_every_request_counts_once_however_often_and_by_whom_is_settled():
    ear = Ear.open()
    settling = [threading.Thread(target=lambda: [ear.settle() for _ in range(200)])]
    asking = [
        threading.Thread(target=lambda: [asked(answering("200 OK"), ear) for _ in range(300)])
        for _ in range(4)
    ]
    for each in settling + asking:
        each.start()
    for each in settling + asking:
        each.join()

    ((sample),) = _samples(ear, "requests")

    assert sample.value == 1200


def test_what_nobody_settles_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("api.telemetry.telemetry.MOST_WAITING", 10)
    ear = Ear.open()
    for _ in range(25):
        asked(answering("200 OK"), ear)

    (kind,) = ear._kinds.values()

    assert len(kind.waiting) == 5


def _told(histogram: Histogram) -> list[float]:
    (family,) = histogram.collect()
    return [each.value for each in family.samples if not each.name.endswith("_created")]


def _samples(ear: Ear, name: str) -> list[Any]:
    ear.settle()
    (family,) = getattr(ear.measures, name).collect()
    return [each for each in family.samples if each.name.endswith("_total")]
