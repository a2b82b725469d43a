"""Threads that read their first JSON of a kind at the same moment."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.shop import Shop

ROUNDS = 400
# Every round has kinds that nobody read before: 20 fields, and 20 within each of a list of them.
SCRIPT = """
import sys, threading
from typing import Annotated
import msgspec
from engine.domain.structs import make_ready

WHOLE = Annotated[int, msgspec.Meta(ge=0)]

def at_once(number, *, ready):
    inner = msgspec.defstruct(f"Inner{number}", [(f"g{i}", WHOLE, 0) for i in range(20)])
    fields = [("inner", list[inner], msgspec.field(default_factory=list))]
    fields += [(f"f{i}", WHOLE, 0) for i in range(20)]
    outer = msgspec.defstruct(f"Outer{number}", fields)
    if ready:
        make_ready()
    together = threading.Barrier(8)
    def read():
        together.wait()
        got = msgspec.json.decode(b'{"inner":[{"g19":1}],"f19":4}', type=outer)
        assert (got.f19, got.inner[0].g19) == (4, 1)
    threads = [threading.Thread(target=read) for _ in range(8)]
    for each in threads: each.start()
    for each in threads: each.join()

sys.setswitchinterval(1e-6)
rounds, ready = int(sys.argv[1]), sys.argv[2] == "ready"
for number in range(rounds):
    at_once(number, ready=ready)
"""


# What msgspec found out about a kind hangs on it once it has looked.
UNREAD = """
import gc, os
import msgspec
import api.wiring

def below(kind):
    return [found for each in kind.__subclasses__() for found in (each, *below(each))]

api.wiring.create()
kinds = below(msgspec.Struct)
looked_at = lambda kind: "StructInfo" in [type(each).__name__ for each in gc.get_referents(kind)]
assert len(kinds) > 100
os._exit(len([kind for kind in kinds if not looked_at(kind)]))
"""


def ended(script: str, *words: str, shop: Shop) -> int:
    """How a process ends that carries the script out; below zero when a signal ended it."""
    told = subprocess.run(
        [sys.executable, "-c", script, *words], env=shop.environment, timeout=120, check=False
    )
    return told.returncode


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_kinds_that_were_made_ready_are_read_by_any_number_of_threads(shop: Shop):
    assert ended(SCRIPT, f"{ROUNDS}", "ready", shop=shop) == 0


def test_a_worker_has_looked_at_every_kind_before_it_answers(shop: Shop):
    assert ended(UNREAD, shop=shop) == 0
