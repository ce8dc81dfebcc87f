import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from clearstack_embedded.errors import InstallationError
from clearstack_embedded.journal import Journal, rotate
from clearstack_embedded.logformat import parse
from clearstack_embedded.logs import tail


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Logs of a gateway (JSON), a broker and a store that have spoken in turn."""
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "gateway.log").write_text(
        _line(1, "starting")
        + "Traceback (most recent call last):\n"
        + _line(5, "stack uploaded", size_bytes=12)
    )
    (logs / "broker.log").write_text("[7] 2026/11/23 11:00:02.000000 [INF] Server is ready\n")
    (logs / "store.log").write_text("I1123 11:00:03.000000 admin.go:587 Starting\n")
    return tmp_path


def _line(second: int, event: str, **values: object) -> str:
    fields = {"timestamp": f"2026-11-23T11:00:{second:02}.000000Z", "level": "info", "event": event}
    return json.dumps(fields | values) + "\n"


def _events(lines: list[str]) -> list[str]:
    return [line.split(maxsplit=3)[-1] if line[0].isdigit() else line.strip() for line in lines]


def test_logs_are_merged_by_time(data: Path) -> None:
    """Lines of all processes come in the order of time, a traceback with the line that it belongs to."""
    assert _events(list(tail(data))) == [
        "starting",
        "gateway        Traceback (most recent call last):",
        "Server is ready",
        "Starting",
        "stack uploaded size_bytes=12",
    ]


def test_one_log_alone(data: Path) -> None:
    """A name chooses one process."""
    assert _events(list(tail(data, "broker"))) == ["Server is ready"]


@pytest.mark.parametrize(("last", "count"), [(0, 0), (2, 2), (99, 5)])
def test_only_the_last_lines(data: Path, last: int, count: int) -> None:
    """The number of old lines can be limited."""
    everything = list(tail(data))
    assert list(tail(data, last=last)) == everything[len(everything) - count :]


def test_unknown_name_lists_the_known_ones(data: Path) -> None:
    """A typing error is answered with the names that there are."""
    with pytest.raises(InstallationError, match=r"no log of gatway .*broker, gateway, store"):
        list(tail(data, "gatway"))


def test_following_sees_new_lines_new_logs_and_rotation(data: Path) -> None:
    """What is appended, what appears and what is replaced is read on; a half line waits for its end."""
    lines = tail(data, follow=True, last=0)
    broker = data / "logs" / "broker.log"
    with broker.open("a") as log:
        log.write("[7] 2026/11/23 11:01:00.000000 [WRN] slow consumer\n[7] 2026")
    assert "slow consumer" in next(lines)
    with broker.open("a") as log:
        log.write("/11/23 11:01:01.000000 [ERR] no space\n")
    assert "no space" in next(lines)
    broker.replace(broker.with_suffix(".log.1"))
    broker.write_text("[8] 2026/11/23 11:02:00.000000 [INF] after rotation\n")
    assert "after rotation" in next(lines)
    (data / "logs" / "trainer.log").write_text(_line(9, "epoch"))
    assert "trainer" in next(lines)


def test_json_line_is_taken_apart() -> None:
    """Time, level and event have places of their own; what every line of a log has is left out."""
    line = parse(_line(1, "trained", service="trainer", instance="trainer", epoch=3).strip(), 2026)
    assert line.time == datetime(2026, 11, 23, 11, 0, 1, tzinfo=UTC)
    assert line.values == (("epoch", 3),)
    assert line.render("trainer").endswith("info    trainer        trained epoch=3")


def test_exception_is_one_line() -> None:
    """A structured traceback is shortened to what and where."""
    frames = [{"filename": "a.py", "lineno": 1}, {"filename": "b.py", "lineno": 7}]
    exception = [{"exc_type": "ValueError", "exc_value": "bad", "frames": frames}]
    line = parse(_line(1, "failed", exception=exception).strip(), 2026)
    assert line.render("gateway").endswith("failed exception=ValueError: bad (b.py:7)")


@pytest.mark.parametrize(
    "text", ["", "plain", "{broken", "[1]", '{"timestamp": "never"}', "I9999 99:99:99.9 x.go:1 text", "{}"]
)
def test_any_line_can_be_shown(text: str) -> None:
    """Nothing that a process writes stops the reader."""
    assert "gateway" in parse(text, 2026).render("gateway")


def test_journal_tells_and_keeps_events(tmp_path: Path) -> None:
    """An event reaches the caller and the log that the others are read with."""
    (tmp_path / "logs").mkdir()
    heard: list[tuple[str, str]] = []
    journal = Journal(tmp_path / "logs" / "installation.log", lambda *event: heard.append(event))
    journal.report("store", "ready")
    journal.close()
    assert heard == [("store", "ready")]
    assert next(tail(tmp_path)).endswith("ready process=store")


def test_journal_outlives_its_listener(tmp_path: Path) -> None:
    """A terminal that has gone does not stop the supervisor from going on."""

    def gone(_name: str, _text: str) -> None:
        raise BrokenPipeError

    journal = Journal(tmp_path / "installation.log", gone)
    journal.report("store", "ready")
    journal.close()
    journal.report("store", "stopped")
    assert "ready" in (tmp_path / "installation.log").read_text()


def test_only_large_logs_are_rotated(tmp_path: Path) -> None:
    """A log is moved aside from 10 MB on."""
    (tmp_path / "small.log").write_text("x")
    (tmp_path / "large.log").write_bytes(b"x" * (10 * 1024 * 1024 + 1))
    rotate(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["large.log.1", "small.log"]
