"""A first look at a file, whole and streaming: what it is, and whether it is sound."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from engine.errors import DataRefused
from training.ingest.files import opened, readable, shown
from training.progress import Advance, Progress

CHUNK = 1 << 20
PARQUET_MAGIC = b"PAR1"
DELIMITERS = (",", ";", "\t", "|")
MAX_COLUMNS = 2_000
# A line longer than this is no row of a table, and would have to be held in memory whole.
MAX_LINE_BYTES = 4 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHER_KINDS = {
    b"PK\x03\x04": "a zip or Excel file; export it as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel file; export it as CSV",
    b"\x28\xb5\x2f\xfd": "a zstd file; unpack it first",
    b"BZh": "a bzip2 file; unpack it first",
    b"\xfd7zXZ": "an xz file; unpack it first",
    b"\x1f\x8b": "gzip within gzip; unpack it once",
}


@dataclass(frozen=True, slots=True)
class Probe:
    """What a sound file is. `digest` stands for its content; a Parquet file has no header here."""

    path: Path
    digest: str
    size: int
    parquet: bool
    encoding: str = ""
    delimiter: str = ","
    header: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """The file as messages name it."""
        return shown(self.path)


@dataclass(slots=True)
class _Scan:
    """What is learned of a text chunk by chunk."""

    encoding: str
    decoder: codecs.IncrementalDecoder
    is_utf8: bool = True
    cp1252: codecs.IncrementalDecoder = field(
        default_factory=codecs.getincrementaldecoder("cp1252")
    )
    is_cp1252: bool = True
    unbroken: int = 0


def probe(path: Path, *, progress: Progress) -> Probe:
    """What the file is; raises DataRefused when it cannot be read whole or is no table."""
    source = shown(path)
    with readable(source), opened(path) as (content, raw):
        size = path.stat().st_size
        with progress.track(f"checking {path.name}", total=size) as done:
            digest = hashlib.sha256()
            chunks = _read(content, raw, done=done, digest=digest)
            first = next(chunks, b"")
            if not first:
                raise DataRefused("the file is empty", source=source)
            if first.startswith(PARQUET_MAGIC):
                _check_parquet(chunks, first, packed=content is not raw, source=source)
                return Probe(path, digest.hexdigest(), size, parquet=True)
            encoding = _scan(first, chunks, source=source)
    delimiter, header = _header(path, encoding=encoding)
    return Probe(
        path,
        digest.hexdigest(),
        size,
        parquet=False,
        encoding=encoding,
        delimiter=delimiter,
        header=header,
    )


def _read(
    content: IO[bytes], raw: IO[bytes], *, done: Advance, digest: hashlib._Hash
) -> Iterator[bytes]:
    while chunk := content.read(CHUNK):
        digest.update(chunk)
        done(raw.tell())
        yield chunk


def _check_parquet(chunks: Iterator[bytes], first: bytes, *, packed: bool, source: str) -> None:
    end = first
    for chunk in chunks:
        end = (end + chunk)[-len(PARQUET_MAGIC) :]
    if packed:
        raise DataRefused("a Parquet file within gzip; unpack it first", source=source)
    if not end.endswith(PARQUET_MAGIC):
        raise DataRefused("the Parquet file is cut short; copy it again", source=source)


def _scan(first: bytes, chunks: Iterator[bytes], *, source: str) -> str:
    """The encoding of a text read to its end."""
    for magic, kind in _OTHER_KINDS.items():
        if first.startswith(magic):
            raise DataRefused(f"this is {kind}", source=source)
    scan = _begin(first)
    _look(scan, first, source=source)
    for chunk in chunks:
        _look(scan, chunk, source=source)
    _look(scan, b"", source=source, final=True)
    if scan.is_utf8:
        return scan.encoding
    if not scan.is_cp1252:
        raise DataRefused(
            "the text is neither UTF-8 nor Windows-1252; save it as UTF-8", source=source
        )
    return "cp1252"


def _begin(first: bytes) -> _Scan:
    encoding = next((name for bom, name in _BOMS if first.startswith(bom)), "utf-8")
    return _Scan(encoding, codecs.getincrementaldecoder(encoding)())


def _look(scan: _Scan, chunk: bytes, *, source: str, final: bool = False) -> None:
    if scan.encoding != "utf-16" and b"\0" in chunk:
        raise DataRefused(
            "the file is binary (it holds NUL bytes); give CSV or Parquet", source=source
        )
    scan.unbroken = 0 if b"\n" in chunk or b"\r" in chunk else scan.unbroken + len(chunk)
    if scan.unbroken > MAX_LINE_BYTES:
        raise DataRefused("a line is longer than 4 MB: this is no table", source=source)
    if scan.is_utf8:
        try:
            scan.decoder.decode(chunk, final)
        except UnicodeDecodeError:
            # A byte order mark is a promise: without UTF-8 behind it the text is damaged.
            if scan.encoding != "utf-8":
                raise
            scan.is_utf8 = False
    if scan.is_cp1252:
        try:
            scan.cp1252.decode(chunk)
        except UnicodeDecodeError:
            scan.is_cp1252 = False


def _header(path: Path, *, encoding: str) -> tuple[str, tuple[str, ...]]:
    """The delimiter, the one that splits the first row into most columns, and that row."""
    source = shown(path)
    with readable(source), opened(path) as (content, _):
        text = io.TextIOWrapper(content, encoding=encoding, newline="")
        head = text.read(MAX_LINE_BYTES // 4)
        text.detach()
    if not head.strip():
        raise DataRefused("the file is empty", source=source)
    rows = {delimiter: _first_row(head, delimiter, source=source) for delimiter in DELIMITERS}
    delimiter = max(DELIMITERS, key=lambda each: len(rows[each]))
    header = tuple(name.strip() for name in rows[delimiter])
    if len(header) > MAX_COLUMNS:
        raise DataRefused(f"{len(header)} columns; at most {MAX_COLUMNS}", source=source, line=1)
    return delimiter, header


def _first_row(head: str, delimiter: str, *, source: str) -> list[str]:
    try:
        rows = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
        return next(row for row in rows if row)
    except (csv.Error, StopIteration) as error:
        raise DataRefused(
            "the first row is no header of column names", source=source, line=1
        ) from error
