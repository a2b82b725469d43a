"""`regulars features`, `customer` and `report holdout` as a user meets them."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from engine.errors import CustomerUnknown, DataRefused
from engine.loyalty.features.registry import FEATURES, GROUPS
from engine.settings import Settings
from engine.store.customers import SqlCustomers
from engine.store.database import Database
from engine.store.features import SqlFeatures
from engine.store.model_store import ModelStore
from tests.commanding import done, loaded, refused, run
from training.commands.customer import TITLES

CUSTOMER = "c007"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a model live."""
    home = loaded(tmp_path_factory.mktemp("shop") / "home")
    result = done(home, "train")
    assert "Value models: not tested, too little history" in result.output
    assert "Features: 120 customers as of now" in result.output
    return home


def stored(home: Path, customer_id: str = CUSTOMER):
    database = Database.open(Settings(home=home).database)
    try:
        return SqlFeatures(database).load(customer_id)
    finally:
        database.close()


def test_the_cuts_of_a_training_go_live_with_its_model(shop: Path) -> None:
    store = ModelStore(shop / "models")
    version = store.current_version()
    assert version is not None

    model = store.load(version)

    assert model.cuts is not None
    assert (model.cuts.version, model.cuts.as_of_ms) == (version, model.until_ms)
    assert stored(shop).cuts_version == version
    assert "Value models: not tested" in done(shop, "models", "show").output


@pytest.mark.parametrize("ending", ["parquet", "csv", "jsonl"])
def test_features_are_stored_and_written_for_everyone(
    shop: Path, tmp_path: Path, ending: str
) -> None:
    target = tmp_path / f"features.{ending}"

    result = done(shop, "features", "--output", str(target))

    assert f"120 customers in {target}" in result.output
    if ending == "parquet":
        rows = pq.read_table(target).to_pylist()
    elif ending == "csv":
        with target.open(newline="") as file:
            rows = list(csv.DictReader(file))
    else:
        rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert len(rows) == 120
    assert list(rows[0]) == ["customer_id", "as_of", *FEATURES]
    own = next(row for row in rows if row["customer_id"] == CUSTOMER)
    assert float(own["orders"]) == stored(shop).values["orders"]
    assert own["stage"] == stored(shop).values["stage"]


def test_the_documentation_lists_every_feature(tmp_path: Path) -> None:
    table = done(tmp_path, "features", "--describe").output.strip()

    document = (Path(__file__).parents[2] / "docs" / "features.md").read_text(encoding="utf-8")
    assert table in document
    assert all(f"| `{name}` |" in table for name in FEATURES)


def test_a_past_day_is_written_and_nothing_is_stored(shop: Path, tmp_path: Path) -> None:
    before, target = stored(shop), tmp_path / "past.jsonl"
    day = datetime.now(UTC) - timedelta(days=60)

    done(shop, "features", "--as-of", f"{day:%Y-%m-%d}", "--output", str(target))

    own = next(
        row
        for row in map(json.loads, target.read_text().splitlines())
        if row["customer_id"] == CUSTOMER
    )
    assert own["as_of"] == f"{day:%Y-%m-%d}T00:00:00Z"
    assert own["orders"] < before.values["orders"]
    assert stored(shop) == before


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--as-of", "2020-01-01"), "add --output"),
        (("--as-of", "2999-01-01", "--output", "x.csv"), "is to come"),
        (("--as-of", "soon", "--output", "x.csv"), "'soon' is no date"),
    ],
)
def test_wrong_use_of_features_is_told(shop: Path, words: tuple[str, ...], says: str) -> None:
    result = run(shop, "features", *words)

    assert result.exit_code == 2
    assert says in result.output


def test_features_that_cannot_be_written_are_refused_before_any_work(
    shop: Path, tmp_path: Path
) -> None:
    assert ".parquet, .csv or .jsonl" in refused(shop, "features", "--output", "x.xlsx")
    nowhere = str(tmp_path / "none" / "x.csv")
    assert "no folder" in refused(shop, "features", "--output", nowhere)
    target = tmp_path / "x.csv"
    early = ("features", "--as-of", "2001-01-01", "--output", str(target))
    assert "nothing is in the log before" in refused(shop, *early)
    assert list(tmp_path.iterdir()) == []


def test_without_a_model_features_are_plainer_and_that_is_said(tmp_path: Path) -> None:
    home = loaded(tmp_path / "home")

    result = done(home, "features")

    assert "regulars train" in result.output
    assert stored(home).values["orders"] > 1
    assert stored(home).values["churn_risk"] is None


def test_every_group_of_features_has_a_title() -> None:
    assert len(TITLES) == len(GROUPS)


def test_a_customer_is_shown_in_words(shop: Path) -> None:
    text = done(shop, "customer", "show", CUSTOMER).output

    assert f"Customer {CUSTOMER}, as of" in text
    for title in ("Orders", "Lifecycle", "Segments", "Value and risk"):
        assert title in text
    assert "days_since_last" in text
    assert "--explain says what would make them known" in text
    assert "csat" not in text


def test_what_is_unknown_of_a_customer_says_what_it_takes(shop: Path) -> None:
    text = done(shop, "customer", "show", CUSTOMER, "--explain").output

    assert "csat" in text
    assert "Unknown; it takes" in text
    assert "confidence" in text


def test_a_customer_as_json_has_every_feature(shop: Path) -> None:
    told = json.loads(done(shop, "customer", "show", CUSTOMER, "--json", "--explain").stdout)

    assert list(told["features"]) == list(FEATURES)
    assert told["features"]["orders"]["value"] == stored(shop).values["orders"]
    assert told["features"]["turning"]["value"] in (True, False)
    assert told["features"]["first_order_at"]["value"].endswith("Z")
    assert told["features"]["csat"]["value"] is None
    assert told["features"]["csat"]["explanation"].startswith("Unknown; it takes")
    assert told["segments"]


def test_an_unknown_customer_is_one_line(shop: Path) -> None:
    result = run(shop, "customer", "show", "nobody")

    assert isinstance(result.exception, CustomerUnknown)
    assert "nobody" in str(result.exception)
    assert run(shop, "customer", "show", "a" * 201).exit_code == 2


def test_the_last_weeks_are_held_against_what_was_said_before(shop: Path, tmp_path: Path) -> None:
    target = tmp_path / "holdout.json"

    text = done(shop, "report", "holdout", "--weeks", "4", "--json", str(target)).output

    for title in ("By lifecycle stage", "By churn-risk decile", "By CLV decile", "plain recency"):
        assert title in text
    figures = json.loads(target.read_text())
    assert figures["customers"] == 120
    assert sum(group["customers"] for group in figures["groups"]["lifecycle stage"]) == 120


def test_states_are_folded_from_the_log_again(shop: Path) -> None:
    database = Database.open(Settings(home=shop).database)
    customers = SqlCustomers(database)
    before = customers.load(CUSTOMER)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE customers SET state = x'' WHERE customer_id = 'c007'")

    told = done(shop, "rebuild").output
    after = customers.load(CUSTOMER)
    database.close()

    assert "1 of the customers' states differed from the log" in told
    assert after is not None
    assert before is not None
    assert (after.state, after.revision) == (before.state, before.revision + 1)


def test_a_log_too_short_for_the_weeks_is_refused(shop: Path, tmp_path: Path) -> None:
    assert "fewer --weeks" in refused(shop, "report", "holdout", "--weeks", "52")
    assert "ingest" in refused(tmp_path / "empty", "report", "holdout")
    result = run(shop, "report", "holdout", "--weeks", "4", "--json", str(tmp_path))
    assert result.exit_code == 2 or isinstance(result.exception, DataRefused)


@pytest.mark.parametrize(
    "words",
    [
        "features",
        "customer show",
        "segments list",
        "segments show",
        "segments put",
        "segments delete",
        "segments members",
        "segments refresh",
        "segments why",
        "report holdout",
        "report loyalty",
        "rebuild",
    ],
)
def test_every_command_helps_with_an_example(tmp_path: Path, words: str) -> None:
    assert f"Example: regulars {words}" in done(tmp_path, *words.split(), "--help").output
