"""How much room a shop takes: by hand from the measured figures."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from engine.settings import Settings
from training.cli import regulars
from training.commands.size import spoken
from training.sizing import Shop, model_bytes, room_for, trained


def test_the_database_grows_with_events_and_customers():
    room = room_for(Shop(customers=1_000, events=20_000, items=100, lines=7_200), workers=2)

    # 20,000 x (274 + 75) + 1,000 x 550, and the same with 462, 125 and 750.
    assert room.sqlite == 7_530_000
    assert room.postgresql == 12_490_000


def test_more_workers_take_no_more_models():
    shop = Shop(customers=1_000_000, events=50_000_000, items=100_000, lines=20_000_000)

    one, four = (room_for(shop, workers=count).workers for count in (1, 4))

    # 121 MB a worker and 210 bytes an item.
    assert four - one == 3 * (121_000_000 + 21_000_000)


def test_what_a_model_keeps_of_customers_and_orders_is_bounded():
    small = Shop(customers=50_000, events=0, items=1_000, lines=600_000)
    large = Shop(customers=5_000_000, events=0, items=1_000, lines=60_000_000)

    # 1,530 x 1,000 + 400 x 50,000 + 80 x 200,000.
    assert model_bytes(small) == model_bytes(large) == 37_530_000


@pytest.mark.parametrize(
    ("lines", "seconds", "gigabytes"), [(80_000, 19, 0.8), (20_000_000, 1_782, 11.3), (1, 19, 0.8)]
)
def test_training_is_read_off_the_measured_curve(lines: int, seconds: float, gigabytes: float):
    assert trained(lines) == pytest.approx((seconds, gigabytes))


def test_between_two_points_and_beyond_the_last_the_curve_goes_on():
    # Twice the lines of the last point: 2 ** (log(1782 / 876) / log(4)) times its seconds.
    assert trained(40_000_000)[0] == pytest.approx(1_782 * (1_782 / 876) ** 0.5)
    assert 19 < trained(150_000)[0] < 90


@pytest.mark.parametrize(
    ("size", "words"), [(999, "999 B"), (7_530_000, "7.53 MB"), (2.5e12, "2.5 TB"), (0, "0 B")]
)
def test_sizes_are_said_as_people_say_them(size: float, words: str):
    assert spoken(size) == words


def test_the_command_says_all_of_it():
    said = CliRunner().invoke(
        regulars, ["size", "--customers", "1000", "--events", "20000"], obj=Settings()
    )

    assert said.exit_code == 0
    assert "7.53 MB" in said.output
    assert "2 workers" in said.output
