"""Log lines: written in blocks by a thread, dropped and counted when nobody reads."""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from pathlib import Path

from api.telemetry.access_log import json_line, text_line
from api.telemetry.seen import Seen
from api.telemetry.sink import LogSink, SinkHandler
from engine.log_lines import JsonFormatter, is_json
from tests.waiting import comes_true

SEEN = Seen(
    route="/v1/customers/{customer_id}/recommendations",
    method="GET",
    status=200,
    seconds=0.00125,
    lane="fast",
    request_id="r1",
    ended=1_772_452_800.5,
    served_by="cache",
    bytes=100,
)


class Dropped:
    """Counts what it is told of."""

    def __init__(self) -> None:
        self.lines = 0

    def __call__(self, number: int) -> None:
        self.lines += number


def test_every_line_is_there_in_order_after_closing(tmp_path: Path):
    dropped = Dropped()
    with (tmp_path / "log").open("wb") as file:
        sink = LogSink(file.fileno(), dropped=dropped)
        for number in range(5_000):
            sink.put(f"{number}\n".encode())
        sink.close()

    assert (tmp_path / "log").read_text().split() == [str(each) for each in range(5_000)]
    assert dropped.lines == 0


def test_a_reader_that_stopped_holds_nobody_up_and_lost_lines_are_counted():
    reading, writing = os.pipe()
    dropped = Dropped()
    sink = LogSink(writing, dropped=dropped, most=100)
    line = b"x" * 999 + b"\n"

    # A pipe holds 64 kB, and nobody reads until all were put: who waited would wait for ever.
    for _ in range(2_000):
        sink.put(line)
        time.sleep(0.0001)

    assert dropped.lines > 1_000

    received = bytearray()
    reader = threading.Thread(target=lambda: _read_all(reading, received))
    reader.start()
    sink.close()
    os.close(writing)
    reader.join()
    os.close(reading)
    assert received.count(b"\n") + dropped.lines == 2_000


def test_lines_for_a_reader_that_is_gone_are_counted():
    reading, writing = os.pipe()
    os.close(reading)
    dropped = Dropped()
    sink = LogSink(writing, dropped=dropped)

    sink.put(b"nobody reads this\n")

    assert comes_true(lambda: dropped.lines == 1)
    sink.close()
    os.close(writing)


def test_a_descriptor_that_does_not_block_gets_all_lines():
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    dropped, received = Dropped(), bytearray()
    sink = LogSink(writing, dropped=dropped)
    for _ in range(200):
        sink.put(b"x" * 999 + b"\n")
    time.sleep(0.3)

    reader = threading.Thread(target=lambda: _read_all(reading, received))
    reader.start()
    assert comes_true(lambda: received.count(b"\n") == 200)
    sink.close()
    os.close(writing)
    reader.join()
    os.close(reading)
    assert dropped.lines == 0


def test_closing_does_not_wait_for_a_reader_that_never_comes():
    reading, writing = os.pipe()
    sink = LogSink(writing, dropped=Dropped())
    for _ in range(200):
        sink.put(b"x" * 999 + b"\n")

    # It would wait for ever.
    sink.close(seconds=0.3)

    os.close(reading)
    assert comes_true(lambda: not sink._thread.is_alive())
    os.close(writing)


def test_lines_of_several_writers_into_a_pipe_stay_whole():
    reading, writing = os.pipe()
    received = bytearray()
    reader = threading.Thread(target=lambda: _read_all(reading, received))
    reader.start()
    sinks = [LogSink(writing, dropped=Dropped()) for _ in range(4)]
    for number in range(2_000):
        for name, sink in enumerate(sinks):
            sink.put(f"{name}{number:04}{'x' * (name * 37)}\n".encode())
    for sink in sinks:
        sink.close()
    os.close(writing)
    reader.join()
    os.close(reading)

    lines = received.decode().splitlines()
    assert len(lines) == 8_000
    assert all(len(line) == 5 + int(line[0]) * 37 for line in lines)


def test_a_request_in_json_says_what_was_asked_and_how_it_went():
    line = json.loads(json_line(SEEN))

    assert line == {
        "time": "2026-03-02T12:00:00.500000Z",
        "level": "info",
        "logger": "access",
        "route": "/v1/customers/{customer_id}/recommendations",
        "method": "GET",
        "status": 200,
        "ms": 1.25,
        "lane": "fast",
        "request_id": "r1",
        "bytes": 100,
        "served_by": "cache",
    }


def test_a_request_in_words_fits_a_line():
    text = text_line(SEEN).decode()

    assert text.count("\n") == 1
    assert "by cache" in text
    assert "1.2 ms" in text


def test_a_record_with_its_traceback_is_one_line_of_json(tmp_path: Path):
    logger = logging.getLogger("test.of.lines")
    logger.propagate = False
    with (tmp_path / "log").open("wb") as file:
        sink = LogSink(file.fileno(), dropped=Dropped())
        handler = SinkHandler(sink)
        handler.setFormatter(JsonFormatter())
        logger.addHandler(handler)
        try:
            raise ValueError("two\nlines")
        except ValueError:
            logger.exception("it %s", "failed")
        logger.removeHandler(handler)
        sink.close()

    (line,) = (tmp_path / "log").read_text().splitlines()
    told = json.loads(line)
    assert (told["level"], told["logger"], told["message"]) == (
        "error",
        "test.of.lines",
        "it failed",
    )
    assert "ValueError: two\nlines" in told["exception"]


def test_automatic_means_words_for_a_terminal_and_json_for_the_rest():
    assert [is_json("auto", terminal=each) for each in (True, False)] == [False, True]
    assert is_json("json", terminal=True)
    assert not is_json("text", terminal=False)


def _read_all(descriptor: int, received: bytearray) -> None:
    while block := os.read(descriptor, 65_536):
        received.extend(block)
