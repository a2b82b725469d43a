"""A backup as one file: a zip of a Parquet file a table, model files if wanted, and a manifest.

Nothing in the zip is compressed by it, so that each member can be read where it lies; Parquet
compresses its columns itself. The manifest comes last and holds the size and SHA-256 of every
other member: an archive without one, or with any byte changed, is refused as a whole.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import DataRefused

FORMAT = 1
MANIFEST = "manifest.json"
_BLOCK = 1 << 20
# Of a member's local header, before its name; the two lengths at its end (APPNOTE.TXT, 4.3.7).
_LOCAL_HEADER = 30


class Member(msgspec.Struct, frozen=True):
    """What a member of the archive must be."""

    bytes: int
    sha256: str


class TableNote(msgspec.Struct, frozen=True):
    """A table: how many rows, and the last number given where rows are numbered."""

    rows: int
    last_number: int | None = None


class Contents(msgspec.Struct, frozen=True):
    """The manifest. `revision` is the version of the tables; `model` the live model, if there."""

    format: int
    created_at: str
    written_by: str
    source: str
    revision: str
    tables: dict[str, TableNote]
    model: str | None
    members: dict[str, Member]


class ArchiveWriter:
    """Writes an archive beside its place; it takes its name when all is written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._aside = path.with_name(f".{path.name}.part")
        self._members: dict[str, Member] = {}

    def __enter__(self) -> Self:
        # Readable for its owner alone: it holds what is known of every customer.
        descriptor = os.open(self._aside, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file = os.fdopen(descriptor, "w+b")
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_STORED, allowZip64=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        self._aside.unlink(missing_ok=True)

    @contextmanager
    def table(self, name: str, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
        """A writer of the rows of a table."""
        with (
            self._member(table_member(name)) as sink,
            pa.PythonFile(sink, mode="w") as file,
            pq.ParquetWriter(file, schema, compression="zstd") as writer,
        ):
            yield writer

    def add_file(self, name: str, path: Path) -> None:
        """Copy a file into the archive."""
        with self._member(name) as sink, path.open("rb") as source:
            while block := source.read(_BLOCK):
                sink.write(block)

    def finish(self, contents: Contents) -> None:
        """Write the manifest, make all durable and give the archive its name."""
        told = msgspec.structs.replace(contents, members=self._members)
        self._zip.writestr(MANIFEST, msgspec.json.format(msgspec.json.encode(told)))
        self._zip.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._aside.replace(self._path)
        folder = os.open(self._path.absolute().parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @contextmanager
    def _member(self, name: str) -> Iterator[_Counted]:
        with self._zip.open(name, "w", force_zip64=True) as target:
            counted = _Counted(target)
            yield counted
        self._members[name] = Member(counted.count, counted.digest.hexdigest())


class _Counted:
    """A file that counts and digests what is written to it."""

    closed = False

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target
        self.count = 0
        self.digest = hashlib.sha256()

    def write(self, data: Any) -> int:  # noqa: ANN401 (bytes, or a buffer of Arrow's)
        block = memoryview(data)
        self._target.write(block)
        self.digest.update(block)
        self.count += block.nbytes
        return block.nbytes

    def tell(self) -> int:
        return self.count

    def flush(self) -> None:
        """What is written is written."""

    def close(self) -> None:
        """The zip closes its members."""


class Archive:
    """An archive that was verified, byte by byte, when it was opened."""

    def __init__(self, path: Path, contents: Contents) -> None:
        self._path = path
        self.contents = contents

    @classmethod
    def open(cls, path: Path) -> Archive:
        """The archive; raises DataRefused for one that is not whole, or of a newer format."""
        try:
            with zipfile.ZipFile(path) as found:
                contents = msgspec.json.decode(found.read(MANIFEST), type=Contents)
                if contents.format > FORMAT:
                    raise DataRefused("it was written by a newer version", source=str(path))
                for name, member in contents.members.items():
                    _verify(found, name, member)
        except FileNotFoundError as error:
            raise DataRefused("there is no such file", source=str(path)) from error
        except (zipfile.BadZipFile, KeyError, OSError, EOFError, msgspec.DecodeError) as error:
            raise DataRefused(
                f"is no whole backup ({error}); nothing was changed", source=str(path)
            ) from error
        return cls(path, contents)

    def batches(self, table: str, *, rows: int) -> Iterator[pa.RecordBatch]:
        """The rows of a table, so many at a time."""
        with pa.memory_map(str(self._path)) as mapped:
            offset, size = self._place(table_member(table))
            mapped.seek(offset)
            source = pa.BufferReader(mapped.read_buffer(size))
            yield from pq.ParquetFile(source).iter_batches(batch_size=rows)

    def extract(self, name: str, path: Path) -> None:
        """Write a member to a file, durably."""
        with (
            zipfile.ZipFile(self._path) as found,
            found.open(name) as source,
            path.open("wb") as target,
        ):
            while block := source.read(_BLOCK):
                target.write(block)
            target.flush()
            os.fsync(target.fileno())

    def _place(self, name: str) -> tuple[int, int]:
        """Where a member's bytes begin in the file, and how many there are."""
        with zipfile.ZipFile(self._path) as found, self._path.open("rb") as file:
            info = found.getinfo(name)
            file.seek(info.header_offset)
            header = file.read(_LOCAL_HEADER)
            lengths = int.from_bytes(header[26:28], "little") + int.from_bytes(
                header[28:30], "little"
            )
            return info.header_offset + _LOCAL_HEADER + lengths, info.file_size


def table_member(name: str) -> str:
    """The member that holds a table."""
    return f"tables/{name}.parquet"


def _verify(found: zipfile.ZipFile, name: str, member: Member) -> None:
    digest, size = hashlib.sha256(), 0
    with found.open(name) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
    if (size, digest.hexdigest()) != (member.bytes, member.sha256):
        raise zipfile.BadZipFile(f"{name} does not match its checksum")
