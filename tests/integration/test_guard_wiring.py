"""The guard connected as settings say, the database there or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from api.app import create_app
from api.guard.caller import CALLER, Caller
from api.guard.refusals import Refusal
from api.wiring import connected
from engine.domain.keys import SCOPES, KeyKind, Scope
from engine.settings import Settings
from tests.commanding import done
from tests.guarding import bearer, environ
from tests.waiting import AMPLE

# A port where nobody listens.
NO_DATABASE = "postgresql://shop@127.0.0.1:1/shop"
POPULAR = "/v1/items/popular"


@contextmanager
def served(home: Path, **of_settings: Any) -> Iterator[FlaskClient]:
    services = connected(Settings(home=home, workers=1, request_budget=AMPLE, **of_settings))
    yield create_app(services).test_client()
    services.close()


def test_a_shop_without_a_database_yet_answers_this_machine_and_nobody_else(tmp_path: Path):
    with served(tmp_path, database_url=NO_DATABASE) as client:
        own = client.get(POPULAR)
        other = client.get(POPULAR, environ_overrides={"REMOTE_ADDR": "10.0.0.9"})
    with served(tmp_path, database_url=NO_DATABASE, host="0.0.0.0") as client:
        reachable = client.get(POPULAR)
        alive = client.get("/healthz")

    assert (own.status_code, other.status_code) == (200, 401)
    assert reachable.status_code == 503
    assert reachable.json["type"] == "/docs#store-unavailable"
    assert reachable.headers["Retry-After"] == "1"
    assert alive.status_code == 200


def test_a_machine_that_has_seen_a_key_asks_for_it_though_its_database_is_gone(tmp_path: Path):
    key = done(tmp_path, "keys", "create", "--kind", "secret").stdout.strip()
    with served(tmp_path):
        # A worker sees the key, and this machine with it.
        pass

    with served(tmp_path, database_url=NO_DATABASE) as client:
        without = client.get(POPULAR)
        with_key = client.get(POPULAR, headers=bearer(key))
        probe = client.get("/readyz")

    assert (without.status_code, with_key.status_code) == (401, 200)
    # No model either.
    assert probe.status_code == 503


def test_settings_of_the_door_reach_it(tmp_path: Path):
    key = done(tmp_path, "keys", "create", "--kind", "publishable").stdout.strip()
    settings = Settings.from_env(
        {
            "REGULARS_HOME": str(tmp_path),
            "REGULARS_RATE_LIMIT_PER_ADDRESS": "2/hour",
            "REGULARS_TRUSTED_PROXIES": "127.0.0.1",
            "REGULARS_CORS_ORIGINS": "https://shop.example",
        },
        folder=tmp_path,
    )
    services = connected(settings)
    client = create_app(services).test_client()

    def ask(forwarded: str) -> int:
        headers = bearer(key) | {"X-Forwarded-For": forwarded, "Origin": "https://shop.example"}
        answer = client.get(POPULAR, headers=headers)
        assert answer.headers["Access-Control-Allow-Origin"] == "https://shop.example"
        return answer.status_code

    # Two workers without a shared count, as the settings say: each lets in its half.
    answered = [ask("203.0.113.1"), ask("203.0.113.1"), ask("203.0.113.2")]
    services.close()

    assert answered == [200, 429, 200]


def test_a_door_before_the_app_is_believed_and_refuses_by_itself(tmp_path: Path):
    done(tmp_path, "keys", "create", "--kind", "secret")
    services = connected(Settings(home=tmp_path, workers=1, request_budget=AMPLE))
    client = create_app(services).test_client()
    own = Caller("k", KeyKind.PUBLISHABLE, SCOPES[KeyKind.PUBLISHABLE], "ann")
    said: list[tuple[str, list[tuple[str, str]]]] = []

    refused = services.guard.admit(environ(HTTP_AUTHORIZATION="Bearer nonsense"))
    assert isinstance(refused, Refusal)
    (body,) = refused.answer(lambda status, headers: said.append((status, headers)))
    let_in = [
        client.get(f"/v1/customers/{each}/recommendations", environ_overrides={CALLER: own})
        for each in ("ann", "bob")
    ]
    services.close()

    assert said[0][0] == "401 Unauthorized"
    assert dict(said[0][1])["Content-Length"] == str(len(body))
    assert [each.status_code for each in let_in] == [200, 403]
    assert own.may_see("ann")
    assert not own.may_see("bob")
    assert not own.may(Scope.EVENTS)
