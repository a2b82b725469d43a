"""Keys as a shop lives with them: made, rotated and revoked while the server runs."""

from __future__ import annotations

import http.client
import re
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.commanding import done
from tests.shop import Server, Shop
from tests.waiting import PATIENCE_SECONDS, comes_true

POPULAR = "/v1/items/popular"
HUNG_UP = 0


def a_key(shop: Shop, kind: str, *words: str) -> str:
    return keys(shop, "create", "--kind", kind, *words).strip()


def keys(shop: Shop, *words: str) -> str:
    """What `regulars keys` prints, in this process: starting one takes longer than the work."""
    return done(shop.home, "keys", *words).stdout


def status(server: Server, path: str, key: str | None = None, **headers: str) -> int:
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    opener = urllib.request.build_opener(NoErrors())
    request = urllib.request.Request(
        server.url + path, headers={name.replace("_", "-"): text for name, text in headers.items()}
    )
    with opener.open(request, timeout=PATIENCE_SECONDS) as answer:
        return int(answer.status)


class NoErrors(urllib.request.HTTPErrorProcessor):
    """Takes every answer as one."""

    def http_response(self, _request, response):
        """The answer."""
        return response


def becomes(server: Server, path: str, key: str | None, expected: int) -> bool:
    """Whether both workers come to answer so in time, again and again."""
    return comes_true(lambda: all(status(server, path, key) == expected for _ in range(10)))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    home = tmp_path_factory.mktemp("home")
    yield Shop(home, {"REGULARS_RATE_LIMIT_PER_ADDRESS": "400/hour"})


@pytest.fixture(scope="module")
def server(shop: Shop) -> Iterator[Server]:
    with shop.serving(workers=2) as running:
        yield running


def test_the_first_key_shuts_an_open_door_and_a_rotation_never_does(shop: Shop, server: Server):
    before = status(server, POPULAR)
    first = a_key(shop, "secret", "--name", "server")
    opened = [status(server, POPULAR, first) for _ in range(10)]
    shut = becomes(server, POPULAR, None, 401)

    second = keys(shop, "rotate", first.split("_")[2], "--overlap", "1h").strip()
    both = [status(server, POPULAR, key) for key in (first, second) * 5]
    keys(shop, "revoke", first.split("_")[2])

    assert before == 200
    assert set(opened) == set(both) == {200}
    assert shut
    assert becomes(server, POPULAR, first, 401)
    assert status(server, POPULAR, second) == 200
    listed = keys(shop, "list")
    assert re.search(rf"{first.split('_')[2]} +secret +server +revoked", listed)
    assert re.search(rf"{second.split('_')[2]} +secret +server +valid ", listed)
    assert first.split("_")[3] not in listed


def test_a_customer_token_shows_its_own_list_to_a_page_and_ends_with_its_secret(
    shop: Shop, server: Server
):
    page, token = a_key(shop, "publishable"), keys(shop, "token", "c001").strip()
    own, other = ("/v1/customers/c001/recommendations", "/v1/customers/c002/recommendations")

    seen = [
        status(server, path, page, X_Customer_Token=token) for path in (own, other, POPULAR) * 2
    ]
    keys(shop, "rotate-token-secret")
    after_renewal = status(server, own, page, X_Customer_Token=token)
    keys(shop, "rotate-token-secret", "--at-once")
    # Workers look every second; asking until they have seen would use up what an address may ask.
    time.sleep(3)
    after_leak = status(server, own, page, X_Customer_Token=token)

    assert seen == [200, 403, 200] * 2
    assert (after_renewal, after_leak) == (200, 401)


def test_the_example_of_the_documentation_gets_a_token_that_opens(shop: Shop, server: Server):
    text = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    secret, page = a_key(shop, "secret"), a_key(shop, "publishable")
    told: dict[str, Any] = {}

    exec(example, told)
    token = told["token_for"]("a/b", url=server.url, secret_key=secret)

    own = "/v1/customers/a%2Fb/recommendations"
    assert status(server, own, page, X_Customer_Token=token) == 200
    assert status(server, own, page) == 403


def test_what_is_too_large_is_refused_and_the_server_goes_on(shop: Shop, server: Server):
    key = a_key(shop, "secret")
    authorized = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def ask(method: str, path: str, headers: dict[str, str], body: Any = None) -> int:
        place = server.url.removeprefix("http://")
        with closing(http.client.HTTPConnection(place, timeout=PATIENCE_SECONDS)) as connection:
            try:
                connection.request(method, path, body, headers, encode_chunked=body is not None)
                return connection.getresponse().status
            except ConnectionError:
                # The server had heard enough and hung up before all was sent.
                return HUNG_UP

    chunks = (b" " * 60_000 for _ in range(100))
    chunked = authorized | {"Transfer-Encoding": "chunked"}
    assert ask("GET", f"{POPULAR}?category={'a' * 70_000}", authorized) == 414
    assert ask("GET", POPULAR, authorized | {"X-Long": "a" * 1_000_000}) in (431, HUNG_UP)
    assert ask("GET", POPULAR, authorized | {f"X-{n}": "a" for n in range(120)}) == 431
    assert ask("POST", "/v1/events", chunked, chunks) in (413, HUNG_UP)
    assert status(server, POPULAR, key) == 200


def test_both_workers_together_let_an_address_in_no_oftener_than_told(shop: Shop, server: Server):
    page = a_key(shop, "publishable")

    answered = Counter(
        status(server, POPULAR, page, X_Forwarded_For=f"10.0.0.{n}") for n in range(500)
    )

    # The tests before count too, and what a client says of itself counts for nothing.
    assert set(answered) == {200, 429}
    assert 300 < answered[200] <= 400
    assert status(server, "/healthz") == 200


def test_no_key_is_in_the_servers_log(shop: Shop, server: Server):
    text = (shop.home / "server.log").read_text()

    assert "rk_" not in text


def test_beyond_this_machine_nothing_is_served_without_a_usable_key(tmp_path: Path):
    shop = Shop(tmp_path / "home")

    without = shop.run("serve", "--host", "0.0.0.0", "--port", "0")
    keys(shop, "revoke", a_key(shop, "admin").split("_")[2])
    revoked = shop.run("serve", "--host", "0.0.0.0", "--port", "0")

    for result in (without, revoked):
        assert result.returncode == 1
        assert "no API key" in result.stderr
        assert "regulars keys create" in result.stderr
