"""Every check that schemathesis has, over every operation, at a door that asks for keys."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from schemathesis.checks import CHECKS
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from werkzeug.serving import WSGIRequestHandler, make_server

from api.operations import OPERATIONS, Operation
from api.operations.clients import CLIENTS
from api.wiring import behind_door
from engine.domain.keys import KeyKind
from tests.guarding import a_guarded_shop

ADDRESS_TOO_LONG = 414
# It needs a limit of time, and nobody set one.
NOT_FOR_US = {"max_response_time"}


class Silent(WSGIRequestHandler):
    """A handler that writes no line a request."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a guarded shop, and a key that opens all of it."""
    home: Path = tmp_path_factory.mktemp("home")
    with a_guarded_shop(home) as (shop, keys):
        door = behind_door(shop.services)
        server = make_server("127.0.0.1", 0, door, threaded=True, request_handler=Silent)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.port}", keys.kinds[KeyKind.ADMIN]
        server.shutdown()
        thread.join()
        server.server_close()


def unsaid(operation: Operation) -> dict[str, Any]:
    """The checks of an operation that cannot hold, by its own description."""
    # Rules between fields (a purchase has lines, a time is not in the future) are no JSON schema's.
    off = ["positive_data_acceptance"]
    # A batch is taken, and its wrong events are rejected one by one; clients of Segment and GA4
    # hear of no refusal.
    if operation.name == "record_events" or operation in CLIENTS:
        off.append("negative_data_rejection")
    return {
        "include-name": f"{operation.method.upper()} {operation.path}",
        "checks": {name: {"enabled": False} for name in off},
    }


def test_every_check_holds_for_every_operation(served: tuple[str, str]):
    address, key = served
    config = SchemathesisConfig.from_dict(
        {
            "seed": 20260302,
            "continue-on-failure": True,
            "headers": {"Authorization": f"Bearer {key}"},
            "generation": {"max-examples": 10, "deterministic": True, "codec": "latin-1"},
            "phases": {"stateful": {"enabled": False}},
            "operations": [unsaid(each) for each in OPERATIONS if each.bodies],
        }
    )
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json", config=config)
    asked: Counter[str] = Counter()
    checked: Counter[str] = Counter()
    faults: list[str] = []

    for event in from_schema(schema).execute():
        assert not isinstance(event, events.NonFatalError | events.FatalError), event
        if isinstance(event, events.ScenarioFinished):
            recorder = event.recorder
            for case, checks in recorder.checks.items():
                response = recorder.interactions[case].response
                # How long an address may be the server decides, before anything of ours is asked.
                if response is not None and response.status_code == ADDRESS_TOO_LONG:
                    continue
                asked[recorder.label] += 1
                checked.update(each.name for each in checks)
                faults += [
                    f"{recorder.label}: {each.name}: {each.failure_info.failure.message}"
                    for each in checks
                    if each.failure_info is not None
                ]

    assert not faults, f"{len(faults)} faults: " + "\n".join(faults[:20])
    assert set(asked) == {f"{each.method.upper()} {each.path}" for each in OPERATIONS}
    assert set(checked) >= set(CHECKS.get_all_names()) - NOT_FOR_US
