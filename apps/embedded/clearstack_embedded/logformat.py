"""One log line of any of our processes, as a person wants to read it."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_TIME_KEYS = ("timestamp", "time", "ts")
_EVENT_KEYS = ("event", "message", "msg")
_QUIET_KEYS = {*_TIME_KEYS, *_EVENT_KEYS, "level", "service", "instance"}
# [123] 2026/11/23 11:09:12.123456 [INF] text
_BROKER = re.compile(r"^\[\d+\] (\d{4}/\d\d/\d\d \d\d:\d\d:\d\d\.\d+) \[(\w+)\] (.*)$")
# I1123 11:12:15.157002 admin.go:587 text
_STORE = re.compile(r"^([IWEF])(\d{4} \d\d:\d\d:\d\d\.\d+) \S+ (.*)$")
_LEVELS = {
    "INF": "info", "WRN": "warning", "ERR": "error", "FTL": "error", "DBG": "debug", "TRC": "debug",
    "I": "info", "W": "warning", "E": "error", "F": "error",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """A line taken apart; `time` is None where the line does not say it (it belongs to the one before)."""

    time: datetime | None = None
    level: str = ""
    event: str
    values: tuple[tuple[str, Any], ...] = ()

    def render(self, name: str) -> str:
        """As `11:09:12.123 info    gateway        stack uploaded size=12`, in the reader's local time."""
        time = self.time.astimezone().strftime("%H:%M:%S.%f")[:-3] if self.time else " " * 12
        values = "".join(f" {key}={_short(value)}" for key, value in self.values)
        return f"{time} {self.level:<7} {name:<14} {self.event}{values}"


def parse(text: str, year: int) -> LogLine:
    """Take a line apart: JSON, the broker's or the store's form, or anything else as it is.

    Args:
        text: The line without its end.
        year: The year of lines that leave it out.
    """
    if text.startswith("{"):
        try:
            return _parse_json(json.loads(text))
        except (ValueError, TypeError):
            return LogLine(event=text)
    if match := _BROKER.match(text):
        return _timed(match[1], "%Y/%m/%d %H:%M:%S.%f", match[2], match[3])
    if match := _STORE.match(text):
        return _timed(f"{year}{match[2]}", "%Y%m%d %H:%M:%S.%f", match[1], match[3])
    return LogLine(event=text)


def _parse_json(fields: dict[str, Any]) -> LogLine:
    time = next((fields[key] for key in _TIME_KEYS if key in fields), None)
    event = next((fields[key] for key in _EVENT_KEYS if key in fields), "")
    return LogLine(
        time=_time(time),
        level=str(fields.get("level", "")),
        event=str(event),
        values=tuple((key, value) for key, value in fields.items() if key not in _QUIET_KEYS),
    )


def _timed(time: str, form: str, level: str, event: str) -> LogLine:
    try:
        moment = datetime.strptime(time, form).replace(tzinfo=UTC)
    except ValueError:  # it only looked like a time
        moment = None
    return LogLine(time=moment, level=_LEVELS.get(level, level.lower()), event=event)


def _time(value: object) -> datetime | None:
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, tz=UTC)
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


def _exception(fields: dict[str, Any]) -> str:
    frames = fields.get("frames") or [{}]
    place = f"{frames[-1].get('filename', '?')}:{frames[-1].get('lineno', '?')}"
    return f"{fields['exc_type']}: {fields.get('exc_value', '')} ({place})"


def _short(value: object) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict) and "exc_type" in value[0]:
        return _exception(value[0])
    if isinstance(value, str) and "\n" in value:
        return "\n" + value.rstrip()  # a traceback is read as it stands
    return value if isinstance(value, str) and " " not in value else json.dumps(value, default=str)
