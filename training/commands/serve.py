"""`regulars serve`: the cache server and the HTTP workers, started and stopped together."""

from __future__ import annotations

import ipaddress
import os
import socket
from contextlib import nullcontext
from dataclasses import replace

import click
from granian.constants import HTTPModes, Interfaces, RuntimeModes
from granian.log import LogLevels
from granian.server import Server

from engine.errors import SettingsError
from engine.settings import PREFIX, Settings
from engine.store.embedded_valkey import start_valkey
from training.wiring import model_store, open_database

# Named, not imported: the batch side knows nothing of the web side but where it starts.
APPLICATION = "api.wiring:create"
# Measured best for a Flask view with one cache read: more threads only wait for each other.
THREADS_PER_WORKER = 2
# Requests under way take milliseconds; a worker that needs longer than this to stop is stuck.
SECONDS_TO_FINISH = 5


@click.command(epilog="Example: regulars serve --port 8080")
@click.option("--host", help="Address to listen on; only this machine can be served so far.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option("--workers", type=click.IntRange(1, 256), help="Worker processes.")
@click.option("--storefront", is_flag=True, help="Serve a sample shop at /storefront/ too.")
@click.pass_obj
def serve(
    settings: Settings, host: str | None, port: int | None, workers: int | None, storefront: bool
) -> None:
    """Answer over HTTP until stopped."""
    run_server(
        replace(
            settings,
            host=settings.host if host is None else host,
            port=settings.port if port is None else port,
            workers=settings.workers if workers is None else workers,
            storefront=settings.storefront or storefront,
        )
    )


def run_server(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; nothing is left running afterwards."""
    if settings.storefront:
        refuse_storefront_beyond_loopback(settings.host)
    refuse_beyond_loopback(settings.host)
    if settings.host == "localhost":
        # The server takes addresses, not names.
        settings = replace(settings, host="127.0.0.1")
    settings = replace(settings, port=usable_port(settings.host, settings.port))
    with open_database(settings):
        pass  # Migrated once here, before several workers would do it at a time.
    cache = nullcontext(None) if settings.redis_url else start_valkey(settings.home)
    with cache as embedded:
        os.environ.update(worker_environment(settings, embedded.url if embedded else None))
        shown = f"[{settings.host}]" if ":" in settings.host else settings.host
        click.echo(f"Serving on http://{shown}:{settings.port}  (docs at /docs)")
        if model_store(settings).current_version() is None:
            click.echo("No model is live yet: everyone sees best sellers until `regulars train`.")
        Server(
            APPLICATION,
            factory=True,
            address=settings.host,
            port=settings.port,
            workers=settings.workers,
            interface=Interfaces.WSGI,
            runtime_mode=RuntimeModes.st,
            blocking_threads=THREADS_PER_WORKER,
            http=HTTPModes.http1,
            websockets=False,
            # Without it the end of one worker is the end of all.
            respawn_failed_workers=True,
            respawn_interval=0.5,
            # A worker told to stop while it still starts would not hear it, and be waited for.
            workers_kill_timeout=SECONDS_TO_FINISH,
            log_level=LogLevels.warning,
        ).serve()
    with open_database(settings):
        pass  # The last to close SQLite moves its write-ahead log into the one file to back up.


def usable_port(host: str, port: int) -> int:
    """The port, or a free one for 0; raises SettingsError when it cannot be listened on.

    Asked here because workers share a port: with another program that shares it too, each would
    get some of the other's requests, and two workers would take two different free ones.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family) as probe:
            # Connections of a server that just ended may linger; they are in nobody's way.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            probe.listen()
            number: int = probe.getsockname()[1]
    except OSError as error:
        raise SettingsError(
            f"port {port} of {host} cannot be listened on: {error.strerror}; "
            "choose another with --port or REGULARS_PORT"
        ) from error
    return number


def worker_environment(settings: Settings, embedded_url: str | None) -> dict[str, str]:
    """The variables that give a worker the same settings, and one BLAS thread each.

    All of them, and no file: a worker that is replaced later must not read an edited one.
    """
    redis_url = settings.redis_url or embedded_url
    durations = ("cache_ttl", "cooldown", "rfm_window")
    values = {
        "CONFIG": os.devnull,
        "HOME": str(settings.home.absolute()),
        "DATABASE_URL": settings.database,
        "MODELS_URL": str(settings.models_folder.absolute()),
        "HOST": settings.host,
        "PORT": str(settings.port),
        "WORKERS": str(settings.workers),
        "MAX_BODY_BYTES": str(settings.max_body_bytes),
        "STOREFRONT": str(settings.storefront),
        **{name.upper(): f"{getattr(settings, name).total_seconds():f}s" for name in durations},
        **({"REDIS_URL": redis_url} if redis_url else {}),
    }
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    return {f"{PREFIX}{name}": value for name, value in values.items()} | threads


def refuse_storefront_beyond_loopback(host: str) -> None:
    """Raise SettingsError for an address that others can reach: they could order for customers."""
    if not _local(host):
        raise SettingsError(
            f"host {host}: in the sample shop anybody may be one of your customers and order; "
            "serve it on 127.0.0.1 only, or without --storefront"
        )


def refuse_beyond_loopback(host: str) -> None:
    """Raise SettingsError for an address that others can reach: there are no keys to check."""
    if not _local(host):
        raise SettingsError(
            f"host {host}: this version answers without keys and therefore only on this machine; "
            "use 127.0.0.1 and put a proxy that authenticates in front of it"
        )


def _local(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
