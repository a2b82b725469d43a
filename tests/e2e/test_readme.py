"""What the README tells people to type works as it stands there."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import a_shop
from tests.shop import Shop, write_csv

README = (Path(__file__).parents[2] / "README.md").read_text()


def commands(heading: str) -> list[str]:
    """The shell blocks under a heading, in order."""
    section = next(part for part in README.split("\n## ") if part.startswith(heading))
    return re.findall(r"```sh\n(.*?)```", section, flags=re.DOTALL)


def typed(command: str, shop: Shop, *, url: str = "") -> str:
    """What a block prints when it is typed in the shop's folder."""
    path = f"{Path(sys.executable).parent}:{shop.environment['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command.replace("http://127.0.0.1:8080", url)],
        cwd=shop.home,
        env={**shop.environment, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop(tmp_path_factory.mktemp("readme"))


def test_the_two_commands_are_targets_of_the_makefile() -> None:
    makefile = (Path(__file__).parents[2] / "Makefile").read_text()

    for line in commands("Two commands")[0].splitlines():
        assert re.search(rf"^{line.split()[1]}:", makefile, flags=re.MULTILINE), line


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_three_doors_open(shop: Shop) -> None:
    write_csv(shop.home / "orders.csv", a_shop())
    (scientist,) = commands("For the data scientist")
    serve, send, ask, look = commands("For the storefront developer")
    (marketer,) = commands("For the marketer")

    assert "passed" in typed(scientist, shop)
    assert serve == "regulars serve\n"
    with shop.serving() as server:
        receipt = json.loads(typed(send, shop, url=server.url))
        answer = json.loads(typed(ask, shop, url=server.url))
        profile = json.loads(typed(look, shop, url=server.url))
    typed(marketer, shop)

    assert receipt["results"][0]["status"] == "accepted"
    assert answer["returned"] == 3
    assert "item-03" not in [item["item_id"] for item in answer["items"]]
    assert profile["features"]["days_since_last"]["explanation"].startswith("Last order 0 days ago")
    assert "Who your regulars are" in (shop.home / "report.html").read_text(encoding="utf-8")
    assert (shop.home / "slipping.csv").exists()
    with (shop.home / "newsletter.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["customer_id", "item_id", "rank", "score", "source", "reason"]
    assert len(rows) == 60 * 6


def test_the_notebook_example_runs(shop: Shop) -> None:
    write_csv(shop.home / "orders.csv", a_shop())
    (example,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    root = str(Path(__file__).parents[2])

    printed = subprocess.run(
        [sys.executable, "-c", example],
        cwd=shop.home,
        env={**shop.environment, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=False,
    )

    assert printed.returncode == 0, printed.stderr
    assert "churn_risk" in printed.stdout


def test_the_answer_shown_has_the_fields_of_a_real_one(shop: Shop) -> None:
    shown = re.search(r"```json\n(.*?)```", README, flags=re.DOTALL)
    assert shown is not None
    names = set(re.findall(r'"(\w+)":', shown[1]))

    with shop.serving() as server:
        answer = server.get("/v1/customers/c007/recommendations?limit=3")

    real = set(answer) | set(answer["items"][0]) | {"code"} | set(answer["dropped"])
    assert names <= real | {"just_bought"}
