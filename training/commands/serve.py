"""`regulars serve`: the cache server and the HTTP workers, started and stopped together."""

from __future__ import annotations

import ipaddress
import logging
import shutil
import socket
import sys
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime

import click

from engine.domain.addresses import is_loopback
from engine.domain.events import to_ms
from engine.errors import SettingsError
from engine.log_lines import formatter, is_json
from engine.settings import Settings
from engine.store.api_keys import SqlApiKeys
from engine.store.database import Database
from engine.store.embedded_valkey import start_valkey
from engine.store.kept_keys import KeyFile
from training.serving.environments import Environments
from training.serving.listeners import Listeners
from training.serving.running import Running
from training.serving.standing import standing_file
from training.serving.supervisor import Limits, Supervisor
from training.wiring import model_store, open_database

# Named, not imported: the batch side knows nothing of the web side but where it starts.
APPLICATION = "api.wiring:create"


@click.command(epilog="Example: regulars serve --port 8080")
@click.option("--host", help="Address to listen on; beyond this machine only with an API key.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on.")
@click.option("--workers", type=click.IntRange(1, 256), help="Worker processes.")
@click.option("--storefront", is_flag=True, help="Serve a sample shop at /storefront/ too.")
@click.pass_obj
def serve(
    settings: Settings, host: str | None, port: int | None, workers: int | None, storefront: bool
) -> None:
    """Answer over HTTP until stopped."""
    log_as(settings)
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
    settings = replace(settings, host=address_of(settings.host))
    if settings.storefront:
        refuse_storefront_beyond_loopback(settings.host)
    settings = replace(settings, port=usable_port(settings.host, settings.port))
    # Migrated once here, before several workers would do it at a time.
    with open_database(settings) as database:
        ask_for_keys(settings, database)
    cache = nullcontext(None) if settings.redis_url else start_valkey(settings.home)
    with cache as embedded, standing_file(settings.home, settings.port) as standing:
        made = Environments(settings, embedded.url if embedded else None)
        # What a server left that was killed would be counted once more.
        shutil.rmtree(made.counts, ignore_errors=True)
        supervisor = Supervisor(
            APPLICATION,
            Listeners.open(settings.host, settings.port, count=settings.workers),
            workers=settings.workers,
            threads=settings.threads,
            limits=limits_of(settings),
            environment=made.next(),
        )
        shown = f"[{settings.host}]" if ":" in settings.host else settings.host
        click.echo(f"Serving on http://{shown}:{settings.port}  (docs at /docs)")
        if model_store(settings).current_version() is None:
            click.echo("No model is live yet: everyone sees best sellers until `regulars train`.")
        try:
            Running(supervisor, standing, made.next).run()
        finally:
            made.clear()
    with open_database(settings):
        pass  # The last to close SQLite moves its write-ahead log into the one file to back up.


def log_as(settings: Settings) -> None:
    """Write what this process logs as its workers write it."""
    handler = logging.StreamHandler()
    as_json = is_json(settings.log_format, terminal=sys.stderr.isatty())
    handler.setFormatter(formatter(as_json=as_json))
    logging.basicConfig(handlers=[handler], level="WARNING")


def limits_of(settings: Settings) -> Limits:
    """When a worker is replaced; zero in the settings is never."""
    return Limits(
        lifetime=settings.worker_lifetime.total_seconds() or None,
        memory=settings.worker_memory_mb * 1_000_000 or None,
    )


def address_of(host: str) -> str:
    """The address to listen on; raises SettingsError for a name, which the server does not take."""
    if host == "localhost":
        return "127.0.0.1"
    try:
        ipaddress.ip_address(host)
    except ValueError as error:
        raise SettingsError(
            f"host {host} is no address; write 127.0.0.1 for this machine alone, 0.0.0.0 for all"
        ) from error
    return host


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


def ask_for_keys(settings: Settings, database: Database) -> None:
    """Tell this machine's workers of the keys; SettingsError when others could come in without.

    The workers look for themselves, but the database may be away when they do.
    """
    keys = SqlApiKeys(database).all()
    if keys:
        KeyFile(settings.home).save(keys)
    now_ms = to_ms(datetime.now(UTC))
    if not is_loopback(settings.host) and not any(key.usable(now_ms) for key in keys):
        raise SettingsError(
            f"host {settings.host} can be reached from other machines, and there is no API key; "
            "make one first: regulars keys create --kind secret"
        )


def refuse_storefront_beyond_loopback(host: str) -> None:
    """Raise SettingsError for an address that others can reach: they could order for customers."""
    if not is_loopback(host):
        raise SettingsError(
            f"host {host}: in the sample shop anybody may be one of your customers and order; "
            "serve it on 127.0.0.1 only, or without --storefront"
        )
