"""Fixtures every test module may use."""

from __future__ import annotations

import importlib.util

# A part of the fixtures lives beside the adapter it belongs to.
pytest_plugins = [
    name for name in ("tests.databases", "tests.valkey") if importlib.util.find_spec(name)
]
