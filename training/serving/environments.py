"""What a worker is told by its environment: the settings of the server that starts it."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from engine.errors import SettingsError
from engine.settings import CONFIG_NAME, CONFIG_VARIABLE, OFF, PREFIX, Settings
from training.serving.standing import FOLDER

# The name by which the library that counts knows it.
COUNTS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


@dataclass
class Environments:
    """The variables of workers, by the settings as they are each time they are asked for.

    The configuration file is copied each time: a worker that is replaced because it died must not
    read one that is being edited. Where the server listens and keeps its data does not change.
    """

    settings: Settings
    embedded_url: str | None
    made: int = 0

    def next(self) -> dict[str, str]:
        """The variables by the file as it is now. Raises SettingsError."""
        self.made += 1
        path = Path(os.environ.get(CONFIG_VARIABLE) or Path.cwd() / CONFIG_NAME)
        copy = self._copy(self.made)
        copy.unlink(missing_ok=True)
        try:
            content = path.read_bytes() if path.exists() else b""
            # It may hold the database's password.
            with os.fdopen(
                os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
            ) as file:
                file.write(content)
        except OSError as error:
            raise SettingsError(f"{path} cannot be read and copied: {error}") from error
        now = Settings.from_env({**os.environ, CONFIG_VARIABLE: str(copy)}, folder=Path.cwd())
        kept = {name: getattr(self.settings, name) for name in _UNTIL_RESTART}
        variables = worker_environment(replace(now, **kept), self.embedded_url)
        return {**os.environ, **variables, CONFIG_VARIABLE: str(copy), COUNTS_VARIABLE: self.counts}

    @property
    def counts(self) -> str:
        """The folder that workers keep their counts in."""
        return str((self.settings.home / FOLDER / f"{self.settings.port}-counts").absolute())

    def clear(self) -> None:
        """Remove every copy, and the workers' counts."""
        shutil.rmtree(self.counts, ignore_errors=True)
        for number in range(self.made + 1):
            self._copy(number).unlink(missing_ok=True)

    def _copy(self, number: int) -> Path:
        return (self.settings.home / FOLDER / f"{self.settings.port}-{number}.toml").absolute()


_UNTIL_RESTART = (
    "home",
    "database_url",
    "redis_url",
    "models_url",
    "host",
    "port",
    "workers",
    "threads",
    "storefront",
    "worker_lifetime",
    "worker_memory_mb",
)


def worker_environment(settings: Settings, embedded_url: str | None) -> dict[str, str]:
    """The variables that give a worker the same settings, and one BLAS thread each.

    All of them that a variable can say, and no file: `Environments` adds a copy of that.
    """
    redis_url = settings.redis_url or embedded_url
    durations = ("cache_ttl", "cooldown", "request_budget", "rfm_window", "worker_lifetime")
    values = {
        "CONFIG": os.devnull,
        "HOME": str(settings.home.absolute()),
        "DATABASE_URL": settings.database,
        "MODELS_URL": str(settings.models_folder.absolute()),
        "HOST": settings.host,
        "PORT": str(settings.port),
        "WORKERS": str(settings.workers),
        "THREADS": str(settings.threads),
        "MAX_BODY_BYTES": str(settings.max_body_bytes),
        "LOG_FORMAT": settings.log_format,
        "ACCESS_LOG": str(settings.access_log),
        "WORKER_MEMORY_MB": str(settings.worker_memory_mb),
        "RATE_LIMIT_PER_KEY": str(settings.rate_limit_per_key or OFF),
        "RATE_LIMIT_PER_ADDRESS": str(settings.rate_limit_per_address or OFF),
        "CORS_ORIGINS": ",".join(settings.cors_origins),
        "TRUSTED_PROXIES": ",".join(map(str, settings.trusted_proxies)),
        "STOREFRONT": str(settings.storefront),
        "STOREFRONT_KEY": settings.storefront_key,
        **{name.upper(): f"{getattr(settings, name).total_seconds():f}s" for name in durations},
        **({"REDIS_URL": redis_url} if redis_url else {}),
    }
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    return {f"{PREFIX}{name}": value for name, value in values.items()} | threads
