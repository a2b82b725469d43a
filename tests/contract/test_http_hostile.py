"""Thousands of requests of somebody who means no good: each is answered, and harms nobody."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import func, select
from werkzeug.test import Client, TestResponse

from api.problem_body import CONTENT_TYPE
from api.wiring import behind_door
from engine.store.database import Database
from engine.store.tables import metadata, rejected_events
from tests import hostile
from tests.fakes import Shop, a_shop
from tests.guarding import Keys, a_guarded_shop
from tests.hostile import PRODUCT, Attack

MOST_BYTES = 8_000
# Words of what is inside: of Python, of libraries, of databases and of files.
INSIDE = re.compile(
    r"Traceback|File \"|\.py\b|site-packages|sqlalchemy|sqlite3|psycopg|msgspec|werkzeug|"
    r"flask|zlib|SELECT |INSERT |UPDATE |Exception|Error\b|/tmp/|/root/|/home/|<class|<function|"
    r"object at 0x|NoneType|`str`|`int`|root:",
)
ROWS = select(
    *(
        select(func.count()).select_from(each).scalar_subquery().label(each.name)
        for each in metadata.tables.values()
        if each is not rejected_events
    )
)
# They lead to the documentation.
FRONT_DOOR = ("/", "//", "/%2F", "/%2f%2f")
FORGED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Records(logging.Handler):
    """What was logged."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.kept.append(record)

    def taken(self) -> list[logging.LogRecord]:
        """What came since the last time."""
        kept, self.kept = self.kept, []
        return kept


@dataclass
class Besieged:
    """A shop, who attacks it, and what it holds."""

    shop: Shop
    client: Client
    database: Database
    log: Records

    def send(self, attack: Attack) -> TestResponse:
        """The answer to an attack."""
        headers = dict(attack.headers)
        kind = headers.pop("Content-Type", "application/json" if attack.body is not None else None)
        return self.client.open(
            attack.address,
            method=attack.method,
            data=attack.body,
            headers=headers,
            content_type=kind,
        )

    def held(self) -> dict[str, int]:
        """The rows of every table; what is refused may be kept as refused."""
        with self.database.read() as connection:
            return dict(connection.execute(ROWS).one()._mapping)


@pytest.fixture(scope="module")
def besieged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Besieged]:
    database = Database.open(f"sqlite:///{tmp_path_factory.mktemp('shop') / 'regulars.db'}")
    database.upgrade()
    log = Records()
    logging.getLogger().addHandler(log)
    with a_shop(database, max_body_bytes=500_000) as shop:
        for number in range(3):
            shop.buy("ann", "A", f"e{number}")
        yield Besieged(shop, Client(behind_door(shop.services)), database, log)
    logging.getLogger().removeHandler(log)
    database.close()


FAMILIES: dict[str, Callable[[], Iterator[Attack]]] = {
    "paths": hostile.in_paths,
    "queries": hostile.in_queries,
    "headers": hostile.in_headers,
    "texts": hostile.in_texts,
    "values": hostile.in_values,
    "bodies": hostile.in_bodies,
}


@pytest.mark.parametrize("family", FAMILIES)
def test_whatever_is_sent_is_answered_and_harms_nobody(besieged: Besieged, family: str):
    regular = totals(besieged.client)
    faults: list[str] = []
    attacks = list(FAMILIES[family]())

    for attack in attacks:
        before = besieged.held()
        answer = besieged.send(attack)
        found = [*faults_of(answer, attack), *faults_of_log(besieged.log.taken())]
        if answer.status_code >= 400 and besieged.held() != before:
            found.append("what was refused left something behind")
        if answer.status_code < 300 and attack.body is not None:
            found += faults_after(besieged.client)
        faults += [f"{attack.name}: {each}" for each in found]

    assert len(attacks) >= 500
    assert not faults, f"{len(faults)} faults: " + "\n".join(faults[:40])
    assert totals(besieged.client) == regular


def totals(client: Client) -> dict[str, object]:
    """What is counted of a customer whom nothing was sent about."""
    told = client.get("/v1/customers/ann/profile").json
    return {name: told[name] for name in ("customer_id", "orders", "units", "revenue", "items")}


def faults_of(answer: TestResponse, attack: Attack) -> Iterator[str]:
    """What is wrong with an answer, whatever was asked."""
    said = answer.get_data(as_text=True)
    if answer.status_code >= 500:
        yield f"{answer.status_code}: {said[:300]}"
    if leak := INSIDE.search(said) if answer.status_code >= 400 else None:
        yield f"tells {leak[0]!r} of the inside: {said[:300]}"
    if PRODUCT in said:
        yield f"works out what was sent: {said[:300]}"
    for name, value in answer.headers:
        if FORGED.search(name + value) or not value.isascii() or "<" in value or "{{" in value:
            yield f"the header {name} is {value[:100]!r}"
    if "html" in (answer.content_type or "") and attack.address not in FRONT_DOOR:
        yield f"is {answer.content_type}"
    if answer.status_code >= 400:
        yield from faults_of_problem(answer, said)


def faults_of_problem(answer: TestResponse, said: str) -> Iterator[str]:
    """What is wrong with a refusal."""
    if answer.content_type != CONTENT_TYPE:
        yield f"is {answer.content_type}: {said[:100]}"
        return
    problem = answer.json
    if problem["status"] != answer.status_code or not problem["detail"]:
        yield f"says {said[:200]}"
    # Of a Host header that is none the framework says no more.
    fielded = problem["type"] != "/docs#bad-request"
    if answer.status_code == 400 and fielded and not problem.get("field"):
        yield f"names no field: {said[:200]}"
    if FORGED.search(problem["detail"]):
        yield f"says unprintable things: {problem['detail'][:200]!r}"
    if len(said) > MOST_BYTES:
        yield f"is {len(said)} characters long: {said[:100]}"


def faults_of_log(records: list[logging.LogRecord]) -> Iterator[str]:
    """What is wrong with what was logged."""
    for record in records:
        message = record.getMessage()
        if record.exc_info or record.levelno >= logging.ERROR:
            yield f"logged {message[:200]}"
        if FORGED.search(message):
            yield f"forged the log: {message[:200]!r}"
        if len(message) > MOST_BYTES:
            yield f"logged {len(message)} characters"


def faults_after(client: Client) -> Iterator[str]:
    """What cannot be read any more of the customer whom the attacks are about."""
    for path in ("profile", "recommendations", "segments"):
        answer = client.get(f"/v1/customers/eve/{path}")
        if answer.status_code not in (200, 404) or answer.json is None:
            yield f"eve's {path} is {answer.status_code} afterwards"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shop, Keys]]:
    with a_guarded_shop(tmp_path_factory.mktemp("home")) as opened:
        yield opened


@pytest.mark.parametrize("how", ["{}", "Bearer {}", "Basic {}", "bearer rk_admin_{}"])
def test_no_text_is_a_key(guarded: tuple[Shop, Keys], how: str):
    client = Client(behind_door(guarded[0].services))

    for name, sent in hostile.TEXTS.items():
        shown = how.format(sent.encode().decode("latin-1"))
        if {"\r", "\n", "\0"} & set(shown):
            continue
        for header in ("Authorization", "X-Customer-Token"):
            answer = client.get("/v1/items/popular", headers={header: shown})

            assert answer.status_code == 401, (name, answer.text)
            assert answer.content_type == CONTENT_TYPE
            assert not FORGED.search("".join(value for _, value in answer.headers))
