"""The demo: the shop beside it, whom it shows, and what the tables say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console

from engine.domain.customers import CustomerSummary, StoredCustomer
from engine.domain.events import to_ms
from engine.domain.features import LastStage
from engine.settings import Settings
from training.commands.demo import household, server_environment
from training.demo.tables import Meeting, moves, print_meeting

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def test_the_demos_server_knows_nothing_of_the_shops_own_cache_and_database(tmp_path: Path) -> None:
    shop = {
        "PATH": "/bin",
        "REGULARS_REDIS_URL": "redis://shop:6379/0",
        "REGULARS_DATABASE_URL": "postgresql://shop/orders",
        "REGULARS_CONFIG": str(tmp_path / "shop.toml"),
    }

    variables = server_environment(Settings(home=tmp_path), shop)

    served = Settings.from_env(variables, folder=tmp_path)
    assert served.redis_url is None
    assert served.database == f"sqlite:///{tmp_path / 'regulars.db'}"
    assert variables["PATH"] == "/bin"


def a_household(name: str, *, orders: int, away: int) -> StoredCustomer:
    last = to_ms(NOW - timedelta(days=away))
    return StoredCustomer(name, 1, b"", CustomerSummary(orders, 1.0, 1, last, last))


def chosen(*households: StoredCustomer, gone: tuple[str, ...] = ()) -> str:
    stages = {each: LastStage("separation", 0, None) for each in gone}
    return household(households, stages, now=NOW)


def test_a_regular_who_drifted_off_weeks_ago_is_shown() -> None:
    households = (
        a_household("new", orders=1, away=60),
        a_household("daily", orders=400, away=60),
        a_household("present", orders=50, away=30),
        a_household("drifted", orders=50, away=40),
        a_household("long gone", orders=50, away=300),
    )

    assert chosen(*households, gone=("new", "daily", "drifted", "long gone")) == "drifted"


def test_without_such_a_regular_whoever_drifted_off_and_at_last_anybody_is_shown() -> None:
    households = (
        a_household("one order", orders=1, away=400),
        a_household("long gone", orders=3, away=300),
        a_household("present", orders=9, away=1),
    )

    assert chosen(*households, gone=("one order", "long gone")) == "long gone"
    assert chosen(*households) == "one order"


def a_profile(*, orders: int, segments: tuple[str, ...], **values: Any) -> dict[str, Any]:
    names = ("stage", "churn_risk", "loyalty_index", "rfm_code", "rfm_segment")
    features = {
        name: {
            "value": values.get(name),
            "evidence": 3,
            "confidence": 0.5,
            "explanation": f"{name} of {orders} orders",
        }
        for name in names
    }
    last = "2026-05-01T10:00:00Z"
    return {
        "customer_id": "7",
        "orders": orders,
        "revenue": orders * 1_000,
        "last_order_at": last,
        "features": features,
        "segments": list(segments),
    }


def a_meeting() -> Meeting:
    item = {"item_id": "tea", "reasons": [{"code": "buy_again"}]}
    lists = {"items": [item]}
    return Meeting(
        a_profile(orders=9, segments=("lost", "big"), stage="separation", churn_risk=0.914),
        lists,
        ("tea",),
        {"results": [{"status": "accepted"}]},
        lists,
        a_profile(orders=10, segments=("big", "back"), stage="familiarity", churn_risk=0.2),
        lists,
    )


def test_the_tables_show_the_change_of_stage_beside_its_words() -> None:
    out = Console(record=True, width=120, file=StringIO())

    print_meeting(out, a_meeting(), {"tea": "Tea"}, url=None)

    lines = [" ".join(line.split()) for line in out.export_text().splitlines()]
    assert "lifecycle stage separation familiarity" in lines
    assert "churn risk, 90 days 91% 20%" in lines
    assert "loyalty index, 0 to 100 unknown unknown" in lines
    assert "stage stage of 9 orders stage of 10 orders" in lines
    assert "Segments entered: back." in lines


def test_while_it_serves_on_the_demo_says_where_to_look() -> None:
    out = Console(record=True, width=120, file=StringIO())

    print_meeting(out, a_meeting(), {"tea": "Tea"}, url="http://127.0.0.1:8080")

    assert [line.strip() for line in out.export_text().splitlines()[-5:]] == [
        "Look around:",
        "http://127.0.0.1:8080/storefront/",
        "http://127.0.0.1:8080/v1/customers/7/recommendations",
        "http://127.0.0.1:8080/v1/customers/7/profile",
        "http://127.0.0.1:8080/docs",
    ]


def test_segments_that_were_entered_and_left_are_named() -> None:
    assert moves(a_meeting()) == ["Segments entered: back.", "Segments left: lost."]
