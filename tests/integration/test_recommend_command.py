"""`regulars recommend` gives the lists that the API gives."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from api.app import create_app
from api.wiring import connected
from engine.domain.assortment import Assortment
from engine.domain.ids import IdTable
from engine.recommend.control.config import Boost, Control, Pin
from engine.settings import Settings
from engine.store.model_store import ModelStore
from tests.fakes import a_model
from tests.waiting import AMPLE
from training.cli import regulars

BEFORE = (datetime.now(UTC) - timedelta(days=30)).isoformat()


def published(home: Path) -> None:
    """A model of six items, A to C tea and D to F coffee, is live."""
    category = np.asarray([0, 0, 0, 1, 1, 1], dtype=np.int32)
    tables = replace(
        Assortment.unknown(6), category=category, categories=IdTable(["tea", "coffee"])
    )
    store = ModelStore(home / "models")
    made = replace(a_model("m1"), assortment=tables)
    store.save(made, created_at=datetime.now(UTC).isoformat(), training={})
    store.publish("m1")


def an_event(event_id: str, kind: str, customer_id: str, **fields: object) -> dict[str, object]:
    return {
        "event_id": event_id,
        "type": kind,
        "customer_id": customer_id,
        "occurred_at": BEFORE,
        **fields,
    }


EVENTS = [
    an_event("e1", "purchase", "ann", lines=[{"item_id": "E", "quantity": 1}]),
    an_event("e2", "purchase", "ann", lines=[{"item_id": "A", "quantity": 1}]),
    an_event("e3", "preference", "new", properties={"topic": "coffee", "value": "like"}),
    an_event("e4", "identify", "gold", properties={"traits": {"plan": "gold"}}),
    an_event("e5", "identify", "bob", properties={"traits": {"plan": "gold"}}),
    *(
        an_event(f"b{number}", "purchase", "bob", lines=[{"item_id": "D", "quantity": 1}])
        for number in range(300)
    ),
]
CUSTOMERS = ("ann", "new", "gold", "nobody")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    published(folder)
    services = connected(Settings(home=folder, workers=1, request_budget=AMPLE))
    client = create_app(services).test_client()
    items = [{"item_id": each, "category": "coffee"} for each in ("D", "E", "F")]
    assert client.put("/v1/items", json={"items": items}).status_code == 200
    condition = {"attribute": "plan", "is": "gold"}
    made = client.put("/v1/segments/golden", json={"title": "Gold", "condition": condition})
    assert made.status_code == 200, made.text
    assert client.post("/v1/events", json={"events": EVENTS}).json["accepted"] == len(EVENTS)
    services.close()
    return folder


def told_by_api(client: FlaskClient, customer_id: str, query: dict[str, str]) -> list[str]:
    answer = client.get(f"/v1/customers/{customer_id}/recommendations", query_string=query)
    assert answer.status_code == 200, answer.text
    return [item["item_id"] for item in answer.json["items"]]


def told_by_command(
    settings: Settings, tmp_path: Path, words: Sequence[str]
) -> dict[str, list[str]]:
    target = tmp_path / "lists.jsonl"
    asked = ["recommend", *CUSTOMERS, "--output", str(target), *words]
    result = CliRunner().invoke(regulars, asked, obj=settings)
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in target.read_text().splitlines()]
    return {
        customer: [row["item_id"] for row in rows if row["customer_id"] == customer]
        for customer in CUSTOMERS
    }


QUERIES: dict[str, tuple[dict[str, str], list[str]]] = {
    "home": ({}, []),
    "discover": ({"placement": "discover"}, ["--placement", "discover"]),
    "buy again": ({"placement": "buy_again"}, ["--placement", "buy_again"]),
    "coffee first": ({"category": "coffee"}, ["--category", "coffee"]),
    "coffee only": (
        {"category": "coffee", "strict_filtering": "true"},
        ["--category", "coffee", "--strict-filtering"],
    ),
    "two of a kind": (
        {"category_cap": "2", "limit": "4"},
        ["--category-cap", "2", "--limit", "4"],
    ),
    "varied": (
        {"diversity": "0.6", "diversity_by": "category"},
        ["--diversity", "0.6", "--diversity-by", "category"],
    ),
}
CONTROLS = {
    "as scored": Control(),
    "steered": Control(pins=(Pin(item_id="C", place=2),), boosts=(Boost(category="coffee"),)),
}


@pytest.mark.parametrize("control", CONTROLS.values(), ids=CONTROLS)
@pytest.mark.parametrize(("query", "words"), QUERIES.values(), ids=QUERIES)
def test_the_command_and_the_api_give_the_same_lists(
    home: Path,
    tmp_path: Path,
    query: dict[str, str],
    words: list[str],
    control: Control,
):
    settings = Settings(home=home, workers=1, control=control, request_budget=AMPLE)
    services = connected(settings)
    client = create_app(services).test_client()

    told = {each: told_by_api(client, each, query) for each in CUSTOMERS}
    services.close()

    assert told_by_command(settings, tmp_path, words) == told


def test_placements_and_newcomers_have_lists_of_their_own(home: Path, tmp_path: Path):
    settings = Settings(home=home, workers=1, request_budget=AMPLE)

    own = told_by_command(settings, tmp_path, [])
    again = told_by_command(settings, tmp_path, ["--placement", "buy_again"])
    fresh = told_by_command(settings, tmp_path, ["--placement", "discover"])

    assert sorted(again["ann"]) == ["A", "E"]
    assert again["nobody"] == []
    assert not {"A", "E"} & set(fresh["ann"])
    assert own["new"] == ["D", "E", "F", "A", "B", "C"]
    assert own["gold"][0] == "D"
    assert own["nobody"] == ["A", "B", "C", "D", "E", "F"]


def test_a_wish_for_what_the_model_lacks_is_told(home: Path, caplog: pytest.LogCaptureFixture):
    settings = Settings(
        home=home,
        workers=1,
        control=Control(pins=(Pin(item_id="X", place=1),)),
        request_budget=AMPLE,
    )

    result = CliRunner().invoke(regulars, ["recommend", "ann"], obj=settings)
    connected(settings).close()

    assert result.exit_code == 0
    assert "[control] names item_id X, which model m1 does not have" in result.stderr
    assert "[control] names item_id X, which model m1 does not have" in caplog.text


@pytest.mark.parametrize(
    "words",
    [
        ["--diversity", "2"],
        ["--diversity-by", "price"],
        ["--category-cap", "0"],
        ["--brand-cap", "many"],
        ["--category", "\t"],
    ],
)
def test_a_wish_that_cannot_be_is_wrong_usage(home: Path, words: list[str]):
    result = CliRunner().invoke(regulars, ["recommend", "ann", *words], obj=Settings(home=home))

    assert result.exit_code == 2
    assert words[0] in result.output
