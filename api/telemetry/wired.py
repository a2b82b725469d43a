"""A worker's counts and log connected as the settings and the server say."""

from __future__ import annotations

import atexit
import logging
import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path

from api.door.door import Door
from api.repeating import Repeating
from api.services import Services
from api.telemetry.middleware import Watched
from api.telemetry.overview import Overview
from api.telemetry.sink import LogSink, SinkHandler
from api.telemetry.telemetry import Telemetry
from api.telemetry.watching import DISK, Watching, births, counting, disk_check, disk_free, log_of
from engine.log_lines import formatter, is_json
from engine.settings import Settings
from engine.store.model_store import ModelStore

# Where the workers of a server keep their counts; the library knows it by this name.
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
STDERR = 2
STATE_INTERVAL = timedelta(seconds=1)
_log = logging.getLogger(__name__)


def watching_of(settings: Settings, environment: Mapping[str, str]) -> Watching:
    """What this worker is watched with; from now on it logs as the settings say."""
    as_json = is_json(settings.log_format, terminal=os.isatty(STDERR))
    folder = environment.get(FOLDER_VARIABLE)
    measures, registry, place = counting(Path(folder) if folder else None)
    sink = LogSink(STDERR, dropped=measures.lines_dropped.inc)
    forget_log = _log_into(sink, as_json=as_json)
    log = log_of(sink, as_json=as_json) if settings.access_log else None
    free = partial(disk_free, settings.home)
    # Whatever ends this process in an orderly way: what was logged is written.
    atexit.register(sink.close)
    return Watching(
        Telemetry(measures, log=log),
        registry,
        place,
        checks={DISK: disk_check(free)},
        disk_free=free,
        close=partial(_all, forget_log, sink.close, *([place.leave] if place else [])),
        model_born=births(ModelStore(settings.models_folder)),
    )


def watched(door: Door, services: Services) -> Watched:
    """The application with everything seen that it answers."""
    overview = services.overview
    _tell(overview)
    state = Repeating("worker state", partial(_tell, overview), every=STATE_INTERVAL).start()

    def close() -> None:
        state.close()
        door.close()
        services.watching.telemetry.settle()
        services.watching.close()

    return Watched(door, services.watching.telemetry, closes=close)


def _tell(overview: Overview) -> None:
    overview.watching.telemetry.settle()
    try:
        overview.tell()
    except OSError as error:
        _log.warning("how this worker is cannot be told to the others: %s", error.strerror)


def _log_into(sink: LogSink, *, as_json: bool) -> Callable[[], None]:
    """Let every logger of the process write into the sink, until what this makes is called."""
    handler = SinkHandler(sink)
    handler.setFormatter(formatter(as_json=as_json))
    # Libraries are heard when something is wrong, the API also when a new model serves.
    logging.getLogger().addHandler(handler)
    logging.getLogger("api").setLevel(logging.INFO)
    logging.captureWarnings(True)

    def forget() -> None:
        logging.captureWarnings(False)
        logging.getLogger().removeHandler(handler)

    return forget


def _all(*steps: Callable[[], object]) -> None:
    for each in steps:
        each()
