"""The table [loyalty] of a training configuration: what it may say, and what it is told."""

from __future__ import annotations

import tomllib
from pathlib import Path

import msgspec
import pytest

from engine.errors import SettingsError
from engine.loyalty.config import LoyaltyConfig
from engine.settings import Settings
from training.commands.train import with_window
from training.config import TrainConfig, load_config
from training.loyalty_config import problems_of, unbounded

CONFIGURATION = Path(__file__).parents[2] / "docs" / "configuration.md"


def loaded(tmp_path: Path, text: str) -> TrainConfig:
    path = tmp_path / "train.toml"
    path.write_text(text)
    return load_config(path)


def test_every_number_has_bounds_and_the_defaults_keep_them() -> None:
    assert unbounded() == {"repeat_model", "exclusive_tags", "explicit_questions"}
    assert problems_of(LoyaltyConfig()) == []


def test_both_tables_are_read_and_what_is_not_said_stays(tmp_path: Path) -> None:
    config = loaded(
        tmp_path, "[train]\nseed = 7\n[loyalty]\nnew_for = 30\nchurn_bands = [0.4, 0.7]"
    )

    assert config.seed == 7
    assert config.loyalty == LoyaltyConfig(new_for=30.0, churn_bands=(0.4, 0.7))


@pytest.mark.parametrize(
    "text", ["[loyalty]\nloyalty_orders = 5", "seed = 1\n[loyalty]\nloyalty_orders = 5"]
)
def test_the_table_may_stand_without_that_of_the_training(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, text).loyalty.loyalty_orders == 5


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("new_fro = 30", "new_fro"),
        ("new_for = 'a month'", "new_for"),
        ("new_for = 0", "loyalty.new_for must be from 1.0"),
        ("new_for = nan", "not nan"),
        ("default_margin = 1.5", "default_margin must be from 0.0 to 1.0, not 1.5"),
        ("churn_bands = [0.8, 0.5]", "churn_bands must rise"),
        ("churn_bands = [0.5]", "churn_bands"),
        ("win_back_buckets = []", "win_back_buckets must rise"),
        ("office_hours = [18, 25]", "office_hours must be from 0 to 24, not 25"),
        ("turning_overdue = 4.0", "turning_overdue 4.0 must not be above separation_overdue 3.0"),
        ("loyalty_windows = 2", "loyalty_windows_bought 3 must not be above loyalty_windows 2"),
        ("repeat_model = 'oracle'", "oracle"),
        ("acquisition_cost = -1", "acquisition_cost must be from 0"),
        ("rfm_window = 90.0", "REGULARS_RFM_WINDOW"),
    ],
)
def test_what_cannot_be_is_named_in_one_line(tmp_path: Path, line: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        loaded(tmp_path, f"[loyalty]\n{line}\n")

    assert says in str(refused.value)
    assert "train.toml" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[train]\n[loyality]\nnew_for = 30", "loyality stands outside"),
        ("[train.loyalty]\nnew_for = 30", "a table of its own, [loyalty]"),
        ("loyalty = 3", "[loyalty]"),
        ("train = 3", "object"),
    ],
)
def test_a_table_in_the_wrong_place_is_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        loaded(tmp_path, text)

    assert says in str(refused.value)


def test_the_shops_rfm_window_goes_into_the_cuts_configuration() -> None:
    settings = Settings.from_env({"REGULARS_RFM_WINDOW": "90d"}, folder=Path("/nowhere"))

    assert with_window(TrainConfig(), settings).loyalty.rfm_window == 90.0


def test_a_configuration_written_with_a_model_is_read_again() -> None:
    config = TrainConfig(loyalty=LoyaltyConfig(win_back_buckets=(2.0, 5.0)))

    assert msgspec.convert(msgspec.to_builtins(config), TrainConfig) == config
    # One from before the customer model says nothing of it.
    assert msgspec.convert({"seed": 42}, TrainConfig) == TrainConfig()


def test_every_threshold_is_in_the_documentation_with_its_default() -> None:
    table = CONFIGURATION.read_text().split("[loyalty]\n", 1)[1].split("```", 1)[0]
    documented = tomllib.loads(table)

    own = msgspec.to_builtins(LoyaltyConfig())
    # One has no default, the other is a setting of its own.
    expected = {key: own[key] for key in own if key not in ("acquisition_cost", "rfm_window")}
    assert documented.pop("conative_intent") == pytest.approx(expected.pop("conative_intent"), 1e-3)
    assert documented == {
        key: list(value) if isinstance(value, tuple) else value for key, value in expected.items()
    }
