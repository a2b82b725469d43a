"""Fixtures every test module may use."""

from __future__ import annotations

# Each kind of fixture lives in a module named after the server it brings.
pytest_plugins = ["tests.databases", "tests.valkey"]
