"""Trials that outlive the process: a study in a file, taken up where it was left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import optuna
from optuna.exceptions import StorageInternalError
from optuna.trial import FrozenTrial, TrialState

from engine.domain.arrays import DoubleArray
from engine.errors import StoreUnavailable
from engine.store.file_lock import FileLock
from training.config import TrainConfig
from training.tuning.worth import Worth

DEFAULTS = "defaults"
_LOCK_SECONDS = 0.2
_DECIMALS = 6
_MAGIC = b"SQLite format 3\x00"
# Random trials of a table before those that learn from earlier ones.
_AT_RANDOM = 4


@dataclass(frozen=True)
class Done:
    """A finished trial: which table it changed, the whole configuration, its worth and seconds."""

    number: int
    table: str
    config: TrainConfig
    worth: Worth
    total: float
    seconds: float


class Trials:
    """The trials of one study, best total first wins."""

    def __init__(self, study: optuna.Study) -> None:
        self._study = study

    def done(self) -> list[Done]:
        """All finished trials, oldest first."""
        finished = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        return [_done(each) for each in finished]

    def asked(self) -> int:
        """How many trials there were, finished or not."""
        return len(self._study.get_trials(deepcopy=False))

    def ask(self) -> optuna.Trial:
        """A new trial, to be finished or failed."""
        return self._study.ask()

    def finish(self, trial: optuna.Trial, done: Done) -> None:
        """Keep what a trial found."""
        trial.set_user_attr("table", done.table)
        trial.set_user_attr("config", msgspec.to_builtins(done.config))
        trial.set_user_attr("homes", _kept(done.worth.homes))
        trial.set_user_attr("discovers", _kept(done.worth.discovers))
        trial.set_user_attr("seconds", done.seconds)
        self._study.tell(trial, done.total)

    def fail(self, trial: optuna.Trial) -> None:
        """Give a trial up."""
        self._study.tell(trial, state=TrialState.FAIL)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """The folder of trials, made if need be, for this process alone.

    Raises StoreUnavailable when another process tunes there, or nothing can be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock.take(folder / "lock", wait_seconds=_LOCK_SECONDS)
    except BlockingIOError as error:
        raise StoreUnavailable(
            f"{folder}: another tuning is at work there; wait for it, or stop it"
        ) from error
    except OSError as error:
        raise StoreUnavailable(f"{folder}: cannot be written: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def open_trials(folder: Path, *, name: str, seed: int) -> Iterator[Trials]:
    """The study of that name in a folder, new or as it was left; for one process, see `alone_in`.

    Raises StoreUnavailable when its file cannot be used.
    """
    path = folder / "trials.db"
    broken = StoreUnavailable(f"{path} cannot be used; remove it to begin anew")
    if path.exists() and not _is_database(path):
        raise broken
    try:
        yield from _opened(path, name=name, seed=seed)
    except StorageInternalError as error:
        raise broken from error


def _is_database(path: Path) -> bool:
    """Whether a file is one of SQLite's, or an empty one, which it takes for new."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) in (b"", _MAGIC)


def _opened(path: Path, *, name: str, seed: int) -> Iterator[Trials]:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = optuna.storages.RDBStorage(f"sqlite:///{path.absolute()}")
    try:
        study = optuna.create_study(
            storage=storage, study_name=name, direction="maximize", load_if_exists=True
        )
        _give_up_killed(study)
        # Another seed each time it is taken up, or the same trials would come again.
        study.sampler = optuna.samplers.TPESampler(
            seed=(seed + len(study.get_trials(deepcopy=False))) % 2**32,
            n_startup_trials=_AT_RANDOM,
        )
        yield Trials(study)
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _give_up_killed(study: optuna.Study) -> None:
    """Fail the trials whose process was killed: nobody else is at work under the lock."""
    for each in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(each.number, state=TrialState.FAIL)


def _done(trial: FrozenTrial) -> Done:
    noted: dict[str, Any] = trial.user_attrs
    return Done(
        number=trial.number,
        table=noted["table"],
        config=msgspec.convert(noted["config"], TrainConfig),
        worth=Worth(_taken(noted["homes"]), _taken(noted["discovers"])),
        total=float(trial.value or 0.0),
        seconds=noted["seconds"],
    )


def _kept(values: DoubleArray) -> list[float | None]:
    """As JSON has them: it knows no NaN."""
    return [None if np.isnan(each) else round(each, _DECIMALS) for each in values.tolist()]


def _taken(values: list[float | None]) -> DoubleArray:
    return np.asarray([np.nan if each is None else each for each in values], dtype=np.float64)
