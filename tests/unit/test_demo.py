"""The demo and the shop beside it."""

from __future__ import annotations

from pathlib import Path

from engine.settings import Settings
from training.commands.demo import server_environment


def test_the_demos_server_knows_nothing_of_the_shops_own_cache_and_database(tmp_path: Path) -> None:
    shop = {
        "PATH": "/bin",
        "REGULARS_REDIS_URL": "redis://shop:6379/0",
        "REGULARS_DATABASE_URL": "postgresql://shop/orders",
        "REGULARS_CONFIG": str(tmp_path / "shop.toml"),
    }

    variables = server_environment(Settings(home=tmp_path), shop)

    served = Settings.from_env(variables, folder=tmp_path)
    assert served.redis_url is None
    assert served.database == f"sqlite:///{tmp_path / 'regulars.db'}"
    assert variables["PATH"] == "/bin"
