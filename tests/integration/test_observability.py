"""What an operator sees of a real server: measures, dashboard, alerts, log."""

from __future__ import annotations

import json
import os
import re
import signal
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from api.telemetry.hints import template
from api.telemetry.seen import DOOR, UNMATCHED
from engine.receipts import Status
from engine.store.database import Database
from tests.fakes import a_shop
from tests.promql import parsed
from tests.shop import Server, Shop, a_trained_shop, children
from tests.waiting import PATIENCE_SECONDS, comes_true

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "ops/grafana/regulars.json"
RULES = ROOT / "ops/prometheus/regulars.rules.yml"
LISTS = "/v1/customers/{customer_id}/recommendations"
PURCHASE = {
    "event_id": "p1",
    "type": "purchase",
    "customer_id": "c002",
    "order_id": "o1",
    "lines": [{"item_id": "item-03", "quantity": 1, "unit_price": 500}],
}
# Words that may stand in no line of a log and in no measure.
PRIVATE = ("c002", "c003", "hidden-item", "shirt", "secret-query", "somewhere/else")


@dataclass
class Watched:
    """A server after some traffic, what it measured, and where it logs."""

    server: Server
    shop: Shop
    samples: dict[str, list[dict[str, str]]]
    values: dict[tuple[str, frozenset[tuple[str, str]]], float]

    def total(self, metric: str, **labels: str) -> float:
        """The sum over all samples with the labels."""
        return sum(
            value
            for (name, found), value in self.values.items()
            if name == metric and labels.items() <= dict(found).items()
        )


def scraped(server: Server, accept: str = "text/plain") -> str:
    request = urllib.request.Request(f"{server.url}/metrics", headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
        return str(answer.read().decode())


def seen(server: Server, shop: Shop) -> Watched:
    samples: dict[str, list[dict[str, str]]] = defaultdict(list)
    values = {}
    for family in text_string_to_metric_families(scraped(server)):
        for sample in family.samples:
            samples[sample.name].append(sample.labels)
            values[sample.name, frozenset(sample.labels.items())] = sample.value
    return Watched(server, shop, samples, values)


def traffic(server: Server) -> None:
    """Every kind of request: lists, events, errors, nonsense."""
    for _ in range(6):
        assert server.call("/v1/customers/c003/recommendations")[0] == 200
    server.call("/v1/customers/nobody/recommendations")
    for path in ("/v1/items/popular", "/v1/items/item-01/similar", "/v1/items/hidden-item/similar"):
        assert server.call(path)[0] == 200
    server.call("/v1/customers/c003/recommendations?limit=secret-query")
    server.call("/somewhere/else")
    server.call("/v1/customers/nobody/profile")
    assert server.call("/v1/events", PURCHASE)[0] == 200
    assert server.call("/v1/events", PURCHASE)[0] == 200
    assert server.call("/v1/events", {**PURCHASE, "order_id": "o2"})[0] == 409
    batch = [{"event_id": "b1", "type": "nonsense"}, {"event_id": "b2", "type": "search"}]
    search = {"event_id": "b3", "type": "search", "customer_id": "c002"}
    search["properties"] = {"query": "shirt"}
    assert server.call("/v1/events", {"events": [*batch, search]})[0] == 200
    server.call("/readyz")
    server.call("/healthz", method="FOO")


def born(shop: Shop) -> float:
    """When the model that is served was trained, in seconds since 1970."""
    version = json.loads((shop.home / "models" / "current").read_text())["version"]
    return datetime.strptime(version[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


def everything_counted(watched: Watched) -> bool:
    """Whether all requests of the traffic, whichever worker had them, are in the measures."""
    sent = {LISTS: 8, "/v1/items/{item_id}/similar": 2, "/v1/events": 4, UNMATCHED: 2}
    return all(
        watched.total("regulars_requests_total", route=route) == count
        for route, count in sent.items()
    )


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    shop = a_trained_shop(tmp_path_factory.mktemp("watched") / "home")
    with shop.serving(workers=2) as server:
        traffic(server)
        # A worker counts what it answered once a second.
        assert comes_true(lambda: everything_counted(seen(server, shop)))
        yield seen(server, shop)


def test_requests_are_counted_by_route_status_and_lane(watched: Watched):
    count = watched.total

    assert count("regulars_requests_total", route=LISTS, status="200") == 7
    assert count("regulars_requests_total", route=LISTS, status="400") == 1
    assert count("regulars_requests_total", route=UNMATCHED, status="404") == 1
    assert count("regulars_requests_total", route="/v1/items/{item_id}/similar") == 2
    # Methods that anybody can make up are one.
    assert count("regulars_requests_total", method="other") == 1
    assert count("regulars_requests_total", route=LISTS, lane="fast") >= 1


def test_errors_have_their_times_too(watched: Watched):
    count = watched.total

    assert count("regulars_request_seconds_count", route=LISTS, outcome="ok") == 7
    assert count("regulars_request_seconds_count", route=LISTS, outcome="refused") == 1
    assert count("regulars_request_seconds_bucket", route=LISTS, outcome="ok", le="+Inf") == 7
    assert 0 < count("regulars_request_seconds_sum", route=LISTS, outcome="ok") < 10


def test_lists_are_counted_by_where_they_come_from(watched: Watched):
    count = watched.total

    assert count("regulars_lists_total", route=LISTS) == 7
    assert count("regulars_lists_total", route=LISTS, served_by="cache") == 5
    assert count("regulars_lists_total", fallback_reason="unknown_customer") == 1
    assert count("regulars_lists_total", fallback_reason="unknown_item") == 1


def test_events_are_counted_by_type_and_outcome(watched: Watched):
    count = watched.total

    for outcome in (Status.ACCEPTED, Status.DUPLICATE, Status.CONFLICT):
        assert count("regulars_events_total", type="purchase", outcome=outcome) == 1
    assert count("regulars_events_total", type="search", outcome="accepted") == 1
    # One of no known type; a search of nobody breaks a rule.
    assert count("regulars_events_total", type="unread", outcome="rejected") == 1
    assert count("regulars_events_total", type="search", outcome="rejected") == 1
    assert count("regulars_event_group_size_count") >= 4


def test_both_workers_tell_how_they_are(watched: Watched):
    count = watched.total

    assert count("regulars_workers") == 2
    assert {each["worker"] for each in watched.samples["regulars_worker_memory_bytes"]} == {
        "0",
        "1",
    }
    assert count("regulars_worker_memory_bytes", worker="0") > 10e6
    assert count("regulars_worker_open_files", worker="1") > 3
    assert count("regulars_readiness", status="ready") == 1
    assert count("regulars_breaker_open") == 0
    # The home is a copy of one that was trained at some time of this run.
    assert 0 < count("regulars_model_age_seconds") < time.time() - born(watched.shop)
    assert count("regulars_disk_free_bytes") > 0


def test_routes_are_templates_and_no_label_tells_of_anybody(watched: Watched, tmp_path: Path):
    rules = {template(each) for each in _rules(tmp_path)} | {UNMATCHED, DOOR}
    text = scraped(watched.server)

    assert {each["route"] for each in watched.samples["regulars_requests_total"]} <= rules
    assert not [word for word in PRIVATE if word in text]


def test_openmetrics_is_well_formed(watched: Watched):
    text = scraped(watched.server, "application/openmetrics-text; version=1.0.0")

    names = {family.name for family in open_families(text)}

    assert {"regulars_requests", "regulars_request_seconds", "regulars_readiness"} <= names


def test_the_log_is_json_and_says_nothing_of_anybody(watched: Watched):
    path = watched.shop.home / "server.log"
    assert comes_true(lambda: path.read_text().count('"route":"/readyz"') > 0)

    lines = [json.loads(line) for line in _logged(path)]

    access = [line for line in lines if line["logger"] == "access"]
    assert len([line for line in access if line["route"] == LISTS]) == 8
    assert {"time", "level", "ms", "status", "request_id"} <= set(access[0])
    assert [line for line in lines if line["logger"] == "api.model_watch"]
    told = "\n".join(json.dumps(line) for line in lines)
    assert not [word for word in PRIVATE if word in told]


def test_a_trace_is_answered_and_logged(watched: Watched):
    trace = "0af7651916cd43dd8448eb211c80319c"
    request = urllib.request.Request(
        f"{watched.server.url}/healthz",
        headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01", "tracestate": "a=1"},
    )

    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
        told, state = answer.headers["traceparent"], answer.headers["tracestate"]
    with urllib.request.urlopen(
        f"{watched.server.url}/healthz", timeout=PATIENCE_SECONDS
    ) as answer:
        untold = answer.headers["traceparent"]

    version, trace_id, span_id, flags = told.split("-")
    assert (version, trace_id, flags, state) == ("00", trace, "01", "a=1")
    assert span_id != "b7ad6b7169203331"
    assert untold is None
    path = watched.shop.home / "server.log"
    assert comes_true(lambda: f'"trace_id":"{trace}","span_id":"{span_id}"' in path.read_text())


def test_a_killed_worker_loses_no_count_and_none_counts_twice(tmp_path: Path):
    shop = Shop(tmp_path / "home")
    shop.home.mkdir()
    asked = 0
    with shop.serving(workers=2) as server:
        asked += 1  # by `serving` itself, until it was ready
        for _ in range(3):
            for _ in range(200):
                assert server.call("/healthz")[0] == 200
            asked += 200
            assert _counted(server, shop, asked)
            _kill_a_worker(server)
            assert comes_true(lambda: seen(server, shop).total("regulars_workers") == 2)
            assert _healthy(server, shop) == asked
        for _ in range(50):
            server.call("/healthz")
        assert _counted(server, shop, asked + 50)
        after = seen(server, shop)

    # Whoever comes takes the place of whoever went: no new names, no new files.
    assert {each["worker"] for each in after.samples["regulars_worker_began_seconds"]} <= {
        "0",
        "1",
        "2",
    }
    assert not list((shop.home / "serving").iterdir())


def test_without_access_log_only_the_rest_is_logged_and_as_text(tmp_path: Path):
    shop = Shop(tmp_path / "home", {"REGULARS_ACCESS_LOG": "false", "REGULARS_LOG_FORMAT": "text"})
    shop.home.mkdir()
    with shop.serving(workers=1) as server:
        server.call("/v1/items/popular")
        time.sleep(0.3)

    lines = _logged(shop.home / "server.log")

    assert not [line for line in lines if "popular" in line or line.startswith("{")]


def test_lines_logged_just_before_a_stop_are_written(tmp_path: Path):
    shop = Shop(tmp_path / "home")
    shop.home.mkdir()
    with shop.serving(workers=1) as server:
        for _ in range(300):
            server.call("/v1/items/popular")

    lines = _logged(shop.home / "server.log")

    assert sum("/v1/items/popular" in line for line in lines) == 300


def test_every_expression_of_the_dashboard_names_what_a_server_tells(watched: Watched):
    dashboard = json.loads(DASHBOARD.read_text())
    targets = [
        (target["expr"], target["legendFormat"])
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
    ]
    targets += [
        (each["expr"], each["titleFormat"])
        for each in dashboard["annotations"]["list"]
        if "expr" in each
    ]

    assert len(targets) > 25
    for expression, legend in targets:
        labels = _check(expression, watched)
        shown = set(re.findall(r"\{\{(\w+)\}\}", legend))
        assert shown <= labels, f"{expression}: {legend}"


def test_every_alert_names_what_a_server_tells(watched: Watched):
    rules = [
        rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
    ]

    assert len({rule["alert"] for rule in rules}) == len(rules) > 10
    for rule in rules:
        labels = _check(rule["expr"], watched) | {"instance"}
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert rule["annotations"]["summary"]
        told = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        assert told <= labels, rule["alert"]


def test_the_panels_of_the_dashboard_do_not_overlap():
    panels = json.loads(DASHBOARD.read_text())["panels"]
    taken = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_the_document_lists_every_measure_with_its_labels(watched: Watched):
    text = (ROOT / "docs/observability.md").read_text()
    table = {
        name: set(re.findall(r"`(\w+)`", labels))
        for name, labels in re.findall(r"^\| `(regulars_\w+)` \| ([^|]*) \|", text, re.MULTILINE)
    }
    families: dict[str, set[str]] = {}
    for name, found in watched.samples.items():
        base = re.sub(r"_(bucket|count|sum)$", "", name)
        families.setdefault(base, set()).update(*found)
    families = {name: labels - {"le"} for name, labels in families.items()}

    assert table == families


# Values of labels that are ours to choose: an expression may name no other.
CHOICES = {
    "outcome": {"ok", "limited", "refused", "unavailable", "error", *Status},
    "status": {"ready", "degraded", "down"},
    "served_by": {"cache", "model", "popular", "snapshot"},
    "fallback_reason": {"", "no_model", "store_unavailable", "out_of_time"},
    "version": {"none"},
}


def _check(expression: str, watched: Watched) -> set[str]:
    """The labels of the result; what an expression names must be there to be named."""
    found = parsed(expression)
    labels: set[str] = set()
    assert found.metrics
    for named in found.metrics:
        assert named.metric in watched.samples, f"{expression}: nobody tells {named.metric}"
        own = {label for each in watched.samples[named.metric] for label in each} | {"instance"}
        labels |= own
        for label, how, value in named.matchers:
            assert label in own, f"{expression}: {named.metric} has no {label}"
            wanted = value.split("|") if how in ("=~", "!~") else [value]
            if label in CHOICES:
                assert set(wanted) <= CHOICES[label], f"{expression}: {label} is never {value}"
            elif label == "route" and how == "=":
                assert value in {each["route"] for each in watched.samples[named.metric]}
    assert found.grouped <= labels, expression
    return found.grouped or labels


def _rules(tmp_path: Path) -> list[str]:
    database = Database.open(f"sqlite:///{tmp_path / 'rules.db'}")
    database.upgrade()
    with a_shop(database) as shop:
        rules = [rule.rule for rule in create_app(shop.services).url_map.iter_rules()]
    database.close()
    return rules


def _healthy(server: Server, shop: Shop) -> float:
    return seen(server, shop).total("regulars_requests_total", route="/healthz")


def _counted(server: Server, shop: Shop, requests: int) -> bool:
    """Whether so many are counted once every worker has told of its last second."""
    return comes_true(lambda: _healthy(server, shop) == requests)


def _kill_a_worker(server: Server) -> None:
    """Kill one, and wait until another is there in its place."""
    before = _workers(server)
    os.kill(before[0], signal.SIGKILL)
    assert comes_true(
        lambda: before[0] not in (now := _workers(server)) and len(now) == len(before)
    )


def _workers(server: Server) -> list[int]:
    below = children(server.process.pid)
    return [each for each in below if "training.serving.worker" in _command(each)]


def _command(pid: int) -> str:
    # It may have ended since it was listed.
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""


def _logged(path: Path) -> list[str]:
    """The lines of the log beside what the command itself says."""
    said: tuple[Any, ...] = ("Serving on", "No model is live")
    return [line for line in path.read_text().splitlines() if not line.startswith(said)]
