"""Fixtures every test module may use."""

from __future__ import annotations

# Each kind of fixture lives in a module named after what it brings.
pytest_plugins = ["tests.databases", "tests.valkey", "tests.fakes", "tests.browsing"]
