"""Homes to run commands in, and what the commands print there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from click.testing import CliRunner, Result

from engine.errors import EngineError
from engine.settings import Settings
from engine.store.model_store import ModelStore
from tests.builders import DAY_ZERO, a_shop
from tests.shop import write_csv
from training.cli import regulars

DAYS = 150
CUSTOMERS = 120


def run(home: Path, *words: str) -> Result:
    """What the command prints and how it exits."""
    return CliRunner().invoke(regulars, words, obj=Settings(home=home))


def done(home: Path, *words: str) -> Result:
    result = run(home, *words)
    assert result.exit_code == 0, result.output
    return result


def refused(home: Path, *words: str) -> str:
    """The one line that says why the command did not do it."""
    result = run(home, *words)
    assert isinstance(result.exception, EngineError), result.output
    assert "\n" not in str(result.exception)
    return str(result.exception)


def loaded(home: Path) -> Path:
    """A home with the purchases of 120 regulars, the last of them yesterday."""
    home.mkdir(parents=True)
    path = write_csv(home / "orders.csv", a_shop(customers=CUSTOMERS, days=DAYS))
    days = (datetime.now(UTC) - timedelta(days=1) - DAY_ZERO).days - DAYS
    done(home, "ingest", str(path), "--currency", "EUR", "--shift-days", str(days))
    return home


def digests(home: Path, version: str) -> dict[str, str]:
    """What each array of a version comes to: short, so that a test that fails can be read."""
    model = ModelStore(home / "models").load(version)
    return {name: sha256(array.tobytes()).hexdigest() for name, array in model.arrays().items()}
