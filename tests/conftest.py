"""Fixtures every test module may use."""

from __future__ import annotations

from hypothesis import settings

# Each kind of fixture lives in a module named after what it brings.
pytest_plugins = ["tests.databases", "tests.valkey", "tests.fakes", "tests.browsing"]

# How long an example takes says more of the machine than of the code.
settings.register_profile("regulars", deadline=None)
settings.load_profile("regulars")
