"""The service does what its own document says."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    ignored_auth,
    negative_data_rejection,
    positive_data_acceptance,
)

from api import wire
from api.examples import ANSWERS, BODIES
from api.openapi import document
from api.operations import OPERATIONS, Operation
from api.operations.clients import CLIENTS
from engine.loyalty.features.registry import FEATURES
from engine.store.database import Database
from tests.fakes import Shop, a_shop

# Within Latin-1 the schema's pattern for ids is exact; beyond it no pattern can be.
CONFIG = SchemathesisConfig(
    seed=20260302,
    projects=ProjectsConfig(
        default=ProjectConfig(
            generation=GenerationConfig(max_examples=25, deterministic=True, codec="latin-1")
        )
    ),
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    database = Database.open(f"sqlite:///{tmp_path_factory.mktemp('shop') / 'regulars.db'}")
    database.upgrade()
    with a_shop(database) as opened:
        yield opened
    database.close()


@pytest.fixture(scope="module")
def described(shop: Shop) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_wsgi("/openapi.json", shop.client.application, config=CONFIG)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_every_operation_keeps_to_the_document(
    described: schemathesis.BaseSchema, operation: Operation, mode: GenerationMode
):
    # Rules between fields (a purchase has lines, a time is not in the future) are no JSON schema's.
    unsaid = [positive_data_acceptance] if operation.bodies else []
    # A batch is taken, and its wrong events are rejected one by one.
    # Clients of Segment and GA4 hear of no refusal: it is kept with the reason.
    taken = operation.name == "record_events" or operation in CLIENTS
    unsaid += [negative_data_rejection] if taken else []
    # This shop has no key yet; tests/contract/test_scopes.py holds every route to its key.
    unsaid += [ignored_auth]
    cases = described[operation.path][operation.method.upper()].as_strategy(generation_mode=mode)

    @settings(max_examples=25, derandomize=True, suppress_health_check=HealthCheck)
    @given(case=cases)
    def keeps(case: schemathesis.Case) -> None:
        case.call_and_validate(excluded_checks=unsaid)

    if mode.is_positive or operation.parameters or operation.bodies:
        keeps()


def test_every_route_is_described():
    documented = {(each.path, each.method) for each in OPERATIONS}

    assert documented == {
        ("/v1/customers/{customer_id}/recommendations", "get"),
        ("/v1/customers/{customer_id}/buy-again", "get"),
        ("/v1/customers/{customer_id}/discover", "get"),
        ("/v1/customers/{customer_id}/profile", "get"),
        ("/v1/customers/{customer_id}/segments", "get"),
        ("/v1/customers/{customer_id}/identities/{anonymous_id}", "delete"),
        ("/v1/customers/{customer_id}/token", "post"),
        ("/v1/items/{item_id}/audience", "get"),
        ("/v1/segments", "get"),
        ("/v1/segments/{name}", "get"),
        ("/v1/segments/{name}", "put"),
        ("/v1/segments/{name}", "delete"),
        ("/v1/segments/{name}/customers", "get"),
        ("/v1/segments/{name}/changes", "get"),
        ("/v1/items/{item_id}/similar", "get"),
        ("/v1/items/{item_id}/bought-together", "get"),
        ("/v1/items/popular", "get"),
        ("/v1/basket/recommendations", "post"),
        ("/v1/sessions/recommendations", "post"),
        ("/v1/rerank", "post"),
        ("/v1/items/{item_id}", "get"),
        ("/v1/items", "get"),
        ("/v1/items", "put"),
        ("/v1/events", "post"),
        ("/v1/track", "post"),
        ("/v1/identify", "post"),
        ("/v1/page", "post"),
        ("/v1/screen", "post"),
        ("/v1/group", "post"),
        ("/v1/alias", "post"),
        ("/v1/batch", "post"),
        ("/v1/import", "post"),
        ("/mp/collect", "post"),
        ("/healthz", "get"),
        ("/readyz", "get"),
    }


def test_every_example_answer_is_one(shop: Shop):
    for operation in (each for each in OPERATIONS if each.answer is not None):
        example = ANSWERS[operation.name]

        decoded = msgspec.convert(example, operation.answer)

        assert msgspec.json.decode(msgspec.json.encode(decoded)) == example


@pytest.mark.parametrize("name", ["one", "many"])
def test_every_example_body_is_accepted(sqlite_url: str, name: str):
    database = Database.open(sqlite_url)
    database.upgrade()

    with a_shop(database) as fresh:
        events = fresh.client.post("/v1/events", json=BODIES["record_events"][name])
        items = fresh.client.put("/v1/items", json=BODIES["put_items"][name])
    database.close()

    assert (events.status_code, items.status_code) == (200, 200)
    assert events.json["rejected"] == 0


@pytest.mark.parametrize(
    ("name", "path"),
    [(each.name, each.path) for each in OPERATIONS if each.answer is wire.Recommendations],
)
def test_every_example_of_a_list_that_is_posted_is_answered(shop: Shop, name: str, path: str):
    for body in BODIES.get(name, {}).values():
        answer = shop.client.post(path, json=body)

        assert answer.status_code == 200, answer.text


def test_the_example_of_a_segment_is_accepted_and_answered_as_shown(shop: Shop):
    answer = shop.client.put("/v1/segments/candle_friends", json=BODIES["put_segment"]["one"])

    example = ANSWERS["put_segment"]
    assert answer.status_code == 200
    assert {**example, **answer.json} == {
        **example,
        "members": answer.json["members"],
        "refreshed_at": answer.json["refreshed_at"],
    }


def test_every_feature_of_an_example_exists():
    assert set(ANSWERS["profile"]["features"]) <= set(FEATURES)


def test_every_reference_in_the_document_leads_somewhere():
    made = document(version="1")
    encoded = msgspec.json.encode(made).decode()

    named = {each.split('"')[0] for each in encoded.split("#/components/schemas/")[1:]}

    assert named <= set(made["components"]["schemas"])
    assert named >= {"Recommendations", "Problem", "EventIn"}


def test_the_page_shows_every_operation_and_needs_no_network(shop: Shop):
    answer = shop.client.get("/docs")

    assert answer.status_code == 200
    assert answer.content_type == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "<script" not in answer.text
    assert "src=" not in answer.text
    for operation in OPERATIONS:
        assert f'id="{operation.name}"' in answer.text
    for name in wire.EVENT_TYPES:
        assert name in answer.text


def test_the_page_has_the_place_every_problem_points_to(shop: Shop):
    page = shop.client.get("/docs").text
    problems = [
        shop.client.get("/v1/nothing"),
        shop.client.get("/v1/items/popular?limit=0"),
        shop.client.delete("/v1/events"),
        shop.client.get("/v1/customers/nobody/profile"),
        shop.client.post("/v1/events", data=b"a=b", content_type="multipart/form-data"),
    ]

    for problem in problems:
        assert f'id="{problem.json["type"].removeprefix("/docs#")}"' in page


def test_all_event_types_of_the_engine_are_offered():
    assert {each.value for each in wire.EventType} <= set(wire.EVENT_TYPES)
