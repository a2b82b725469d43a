"""Reading the configuration."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.domain.rates import Rate
from engine.errors import SettingsError
from engine.recommend.control.config import Boost, Bury, Control, Pin
from engine.settings import Settings


def read(tmp_path: Path, text: str | None = None, **variables: str) -> Settings:
    if text is not None:
        (tmp_path / "regulars.toml").write_text(text)
    return Settings.from_env(variables, folder=tmp_path)


def test_the_defaults_need_nothing(tmp_path) -> None:
    settings = read(tmp_path)

    assert settings.home == Path(".regulars")
    assert settings.database.startswith("sqlite:////")
    assert settings.redis_url is None


def test_the_environment_wins_over_the_file(tmp_path) -> None:
    settings = read(tmp_path, 'port = 9000\ncache_ttl = "2h"\n', REGULARS_PORT="9001")

    assert (settings.port, settings.cache_ttl) == (9001, timedelta(hours=2))


def test_every_wrong_key_is_reported_at_once(tmp_path) -> None:
    with pytest.raises(SettingsError) as caught:
        read(
            tmp_path,
            'workers = 0\nspeed = "high"\n',
            REGULARS_PROT="1",
            REGULARS_CACHE_TTL="soon",
            REGULARS_DATABASE_URL="mysql://u:hunter2@db/x",
        )

    message = str(caught.value)
    for wrong in (
        "workers: 0 is not in",
        "speed: no such",
        "PROT: no such",
        "'soon' is no duration",
    ):
        assert wrong in message
    assert "allowed are home" in message
    assert "hunter2" not in message


def test_who_may_ask_and_how_often_is_read_from_the_file_and_from_variables(tmp_path) -> None:
    text = 'cors_origins = ["https://shop.example"]\nrate_limit_per_key = "50/second"\n'

    settings = read(
        tmp_path,
        text,
        REGULARS_RATE_LIMIT_PER_ADDRESS="off",
        REGULARS_TRUSTED_PROXIES="10.0.0.0/8, 2001:db8::1",
    )

    assert settings.cors_origins == ("https://shop.example",)
    assert settings.rate_limit_per_key == Rate(50, 1)
    assert settings.rate_limit_per_address is None
    assert [str(each) for each in settings.trusted_proxies] == ["10.0.0.0/8", "2001:db8::1/128"]
    assert read(tmp_path, "").rate_limit_per_address == Rate(1_200, 60)
    assert read(tmp_path, REGULARS_CORS_ORIGINS="").cors_origins == ()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "shop.example"),
        ("CORS_ORIGINS", "https://shop.example/"),
        ("CORS_ORIGINS", "https://Shop.example"),
        ("CORS_ORIGINS", "https://u:p@shop.example"),
        ("CORS_ORIGINS", "null"),
        ("RATE_LIMIT_PER_KEY", "many"),
        ("RATE_LIMIT_PER_ADDRESS", "10/day"),
        ("TRUSTED_PROXIES", "proxy.example"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
    ],
)
def test_a_rule_of_the_door_that_cannot_be_meant_is_refused(tmp_path, key, value) -> None:
    with pytest.raises(SettingsError, match=key):
        read(tmp_path, **{f"REGULARS_{key}": value})


def test_a_url_is_never_shown(tmp_path) -> None:
    settings = read(tmp_path, REGULARS_DATABASE_URL="postgresql://u:hunter2@db/x")

    assert "hunter2" not in repr(settings)
    assert settings.database == "postgresql+psycopg://u:hunter2@db/x"


@pytest.mark.parametrize("text", ["port = ", "[port]\nx = 1", "port = true", "\x00"])
def test_a_broken_file_is_one_clear_error(tmp_path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"regulars\.toml"):
        read(tmp_path, text)


def test_a_file_named_but_absent_is_an_error(tmp_path) -> None:
    with pytest.raises(SettingsError, match="no file"):
        read(tmp_path, REGULARS_CONFIG=str(tmp_path / "nowhere.toml"))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [("90s", 90), ("1.5h", 5400), ("2d", 172_800), ("0d", 0)],
)
def test_durations_have_a_unit(tmp_path, raw: str, expected: int) -> None:
    assert read(tmp_path, REGULARS_COOLDOWN=raw).cooldown == timedelta(seconds=expected)


@pytest.mark.parametrize("raw", ["", "5", "h", "-1h", "1e3s", "1 hour", "9" * 400 + "d"])
def test_anything_else_is_no_duration(tmp_path, raw: str) -> None:
    with pytest.raises(SettingsError, match="REGULARS_COOLDOWN"):
        read(tmp_path, REGULARS_COOLDOWN=raw)


@pytest.mark.parametrize("raw", ["~nobody-of-this-name/shop", "shop?new", ""])
def test_a_home_that_cannot_be_a_folder_is_refused_by_name(tmp_path, raw: str) -> None:
    with pytest.raises(SettingsError, match="REGULARS_HOME"):
        read(tmp_path, REGULARS_HOME=raw)


def test_a_home_with_a_zero_character_is_refused(tmp_path) -> None:
    with pytest.raises(SettingsError, match="home"):
        read(tmp_path, 'home = "a\\u0000b"')


CONTROL = """
port = 9000

[control]
diversity = 0.3
category_cap = 3
exploration_share = 0.05

[[control.boosts]]
category = "candles"
factor = 1.5
valid_from = 2026-11-20T00:00:00Z
until = 2026-12-25T00:00:00+01:00

[[control.buries]]
brand = "Gone"

[[control.pins]]
item_id = "85123A"
place = 1
"""


def test_the_table_of_control_is_read(tmp_path) -> None:
    settings = read(tmp_path, CONTROL)

    boost = Boost(
        category="candles",
        factor=1.5,
        valid_from=datetime(2026, 11, 20, tzinfo=UTC),
        until=datetime(2026, 12, 24, 23, tzinfo=UTC),
    )
    assert settings.control == Control(
        diversity=0.3,
        category_cap=3,
        exploration_share=0.05,
        boosts=(boost,),
        buries=(Bury(brand="Gone"),),
        pins=(Pin(item_id="85123A", place=1),),
    )
    assert read(tmp_path, "port = 1\n").control.off


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("diversity = 2", "control: diversity must be from 0.0 to 1.0, not 2.0"),
        ("diversity = 'much'", "control: Expected `float`, got `str` - at `diversity`"),
        ("diversty = 1", "control: Object contains unknown field `diversty`"),
        ("boosts = [{factor = 2}]", "boosts number 1: name one of item_id, category and brand"),
        (
            "pins = [{item_id = 'A', place = 1}, {item_id = 'B', place = 1}]",
            "A and B share place 1",
        ),
        (
            "boosts = [{brand = 'B', until = 2026-12-24T00:00:00}]",
            "`boosts[0].until`",
        ),
        ("diversity = nan", "must be from 0.0 to 1.0, not nan"),
    ],
)
def test_what_control_cannot_be_is_told_in_one_line(tmp_path, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, f"[control]\n{text}\n")

    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_problem_of_control_is_reported_with_the_others(tmp_path) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, "workers = 0\n[control]\ndiversity = 2\ncategory_cap = 0\n")

    for wrong in ("workers: 0 is not in", "diversity must be", "category_cap must be"):
        assert wrong in str(caught.value)


def test_control_is_no_variable(tmp_path) -> None:
    with pytest.raises(SettingsError, match=r"REGULARS_CONTROL: .*\[control\]"):
        read(tmp_path, REGULARS_CONTROL="{}")


def test_logging_is_one_of_three_forms_and_requests_can_be_left_out():
    def read(**variables: str) -> Settings:
        return Settings.from_env(variables, folder=Path("/nowhere"))

    assert (read().log_format, read().access_log) == ("auto", True)
    chosen = read(REGULARS_LOG_FORMAT="text", REGULARS_ACCESS_LOG="false")
    assert (chosen.log_format, chosen.access_log) == ("text", False)
    with pytest.raises(SettingsError, match="none of auto, json, text"):
        read(REGULARS_LOG_FORMAT="xml")
    with pytest.raises(SettingsError, match="ACCESS_LOG"):
        read(REGULARS_ACCESS_LOG="perhaps")
