"""Model versions as folders: a manifest, arrays that every worker maps, one pointer to the live.

A version is written aside, flushed to disk and renamed into place, so it is there whole or not at
all. `current` is one small file replaced in one step; it remembers what was live before.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from engine.domain.arrays import AnyArray
from engine.errors import ModelUnavailable, StoreUnavailable
from engine.models.model import Model, restore

MANIFEST = "manifest.json"
CURRENT = "current"
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# A rollback goes back over this many publications at most.
_REMEMBERED = 50


class FileNote(msgspec.Struct, frozen=True):
    """What a file of a version must be."""

    sha256: str
    bytes: int
    dtype: str
    shape: tuple[int, ...]


class Manifest(msgspec.Struct, frozen=True):
    """Everything about a version beside its arrays.

    `params` rebuilds the model; `training` records how it came about: configuration, seed, data
    hash, time span, code version, metrics, gate.
    """

    version: str
    created_at: str
    params: dict[str, Any]
    training: dict[str, Any]
    files: dict[str, FileNote]


class _Pointer(msgspec.Struct, frozen=True):
    version: str | None = None
    before: tuple[str, ...] = ()
    warm: int = 0


class ModelStore:
    """The model versions in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def versions(self) -> list[str]:
        """All versions that are written whole, oldest first."""
        if not self._folder.is_dir():
            return []
        found = (path.parent.name for path in self._folder.glob(f"*/{MANIFEST}"))
        return sorted(name for name in found if _VERSION.fullmatch(name))

    def current_version(self) -> str | None:
        """The live version, None when none was ever published."""
        return self._pointer().version

    def warm_customers(self, version: str) -> int:
        """For how many customers lists are to be made before the version serves."""
        pointer = self._pointer()
        return pointer.warm if pointer.version == version else 0

    def manifest(self, version: str) -> Manifest:
        """What is recorded of a version; raises ModelUnavailable when there is none."""
        path = self._path(version) / MANIFEST
        try:
            return msgspec.json.decode(path.read_bytes(), type=Manifest)
        except FileNotFoundError as error:
            raise ModelUnavailable(
                f"there is no model {version}; `regulars models list` names those there are"
            ) from error
        except (OSError, msgspec.DecodeError) as error:
            raise ModelUnavailable(
                f"model {version}: its manifest is unreadable: {error}"
            ) from error

    def load(self, version: str) -> Model:
        """The model of a version, its arrays memory-mapped, after every checksum was verified."""
        manifest = self.manifest(version)
        arrays = {
            name: _mapped(self._path(version) / f"{name}.npy", note, version=version)
            for name, note in manifest.files.items()
        }
        return restore(version, arrays, manifest.params)

    def save(self, model: Model, *, created_at: str, training: Mapping[str, Any]) -> Manifest:
        """Write a version; it is not live before `publish`."""
        target = self._path(model.version)
        if target.exists():
            raise StoreUnavailable(f"model {model.version} exists already in {self._folder}")
        with _translated(f"model {model.version} cannot be written to {self._folder}"):
            with _aside(self._folder / f".{model.version}.{os.getpid()}") as folder:
                files = {name: _write(folder, name, each) for name, each in model.arrays().items()}
                manifest = Manifest(
                    model.version, created_at, model.params(), dict(training), files
                )
                _write_bytes(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
                _sync(folder)
                folder.rename(target)
            _sync(self._folder)
        return manifest

    def files(self, version: str) -> list[Path]:
        """Everything a version consists of; raises ModelUnavailable when there is none."""
        names = [MANIFEST, *(f"{name}.npy" for name in self.manifest(version).files)]
        return [self._path(version) / name for name in names]

    def adopt(self, version: str, files: Mapping[str, Callable[[Path], None]]) -> None:
        """Write a version from elsewhere, each file by its function; one that is there stays.

        It is not live before `publish`, which also verifies it.
        """
        target = self._path(version)
        if target.exists():
            return
        with (
            _translated(f"model {version} cannot be written to {self._folder}"),
            _aside(self._folder / f".{version}.{os.getpid()}") as folder,
        ):
            for name, write in files.items():
                write(folder / name)
            _sync(folder)
            folder.rename(target)
            _sync(self._folder)

    def publish(self, version: str, *, warm: int = 0) -> None:
        """Make a version live once it has passed its checks; workers see it within a second.

        With `warm` they first make the lists of so many customers, those who were here last.
        """
        self.load(version)
        try:
            pointer = self._pointer()
        except ModelUnavailable:
            # To be replaced is the remedy of an unreadable pointer; only the way back is lost.
            pointer = _Pointer()
        if version == pointer.version:
            return
        before = (*pointer.before, pointer.version) if pointer.version else pointer.before
        self._point(_Pointer(version, before[-_REMEMBERED:], warm))

    def rollback(self) -> str:
        """Make the version live that was before this one, and say which.

        Versions that no longer load are passed over. Raises ModelUnavailable when none is left.
        """
        before = list(self._pointer().before)
        while before:
            version = before.pop()
            try:
                self.load(version)
            except ModelUnavailable:
                continue
            self._point(_Pointer(version, tuple(before)))
            return version
        raise ModelUnavailable("there is no earlier model to go back to")

    def _path(self, version: str) -> Path:
        if not _VERSION.fullmatch(version):
            raise ModelUnavailable(f"{version!r} is no model version")
        return self._folder / version

    def _pointer(self) -> _Pointer:
        try:
            return msgspec.json.decode((self._folder / CURRENT).read_bytes(), type=_Pointer)
        except FileNotFoundError:
            return _Pointer()
        except (OSError, msgspec.DecodeError) as error:
            raise ModelUnavailable(
                f"{self._folder / CURRENT} is unreadable ({error}); "
                "run `regulars models promote VERSION`"
            ) from error

    def _point(self, pointer: _Pointer) -> None:
        with _translated(f"{self._folder / CURRENT} cannot be written"):
            aside = self._folder / f".{CURRENT}.{os.getpid()}"
            _write_bytes(aside, msgspec.json.encode(pointer))
            aside.replace(self._folder / CURRENT)
            _sync(self._folder)


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreUnavailable(f"{what}: {error.strerror or error}") from error


@contextmanager
def _aside(folder: Path) -> Iterator[Path]:
    """An empty folder; whatever is left there at the end is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(folder: Path, name: str, array: AnyArray) -> FileNote:
    path = folder / f"{name}.npy"
    with path.open("wb") as file:
        np.save(file, array, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())
    return FileNote(_sha256(path), path.stat().st_size, array.dtype.str, tuple(array.shape))


def _write_bytes(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _mapped(path: Path, note: FileNote, *, version: str) -> AnyArray:
    try:
        if _sha256(path) != note.sha256:
            raise ModelUnavailable(f"model {version}: {path.name} does not match its checksum")
        # An empty file cannot be mapped.
        mode: Literal["r"] | None = "r" if all(note.shape) else None
        array: AnyArray = np.load(path, mmap_mode=mode, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"model {version}: {path.name}: {error}") from error
    if array.dtype.str != note.dtype or array.shape != note.shape:
        raise ModelUnavailable(f"model {version}: {path.name} has another shape than recorded")
    return array
