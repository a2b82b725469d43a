"""The settings that workers are given, made anew at every reload."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.settings import Settings
from training.serving.environments import FOLDER, Environments


@pytest.mark.parametrize("storefront", [True, False])
def test_what_the_command_line_asked_for_holds_for_every_worker(tmp_path: Path, storefront: bool):
    (tmp_path / FOLDER).mkdir()
    given = replace(
        Settings(home=tmp_path), host="127.0.0.2", port=8181, workers=3, storefront=storefront
    )

    told = Settings.from_env(Environments(given, None).next(), folder=tmp_path)

    names = ("home", "host", "port", "workers", "storefront")
    assert [getattr(told, name) for name in names] == [getattr(given, name) for name in names]
