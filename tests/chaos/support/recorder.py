"""Figures of the chaos tests for the tables in `docs/reliability.md`: a line of JSON for each test that has run."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench import machine

FIGURES = Path(__file__).parent.parent / ".figures" / "figures.jsonl"


class Recorder:
    """What one test has to say."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, str, str]] = []

    def __call__(self, promise: str, how: str, figure: str) -> None:
        """Adds a row of the table.

        Args:
            promise: What is promised, as a person who relies on it would say it.
            how: What the test does to break it.
            figure: What came of it, numbers first.
        """
        self._rows.append((promise, how, figure))

    def write(self, test: pytest.Function, *, passed: bool) -> None:
        """Adds the rows to the file; of a test that failed before it had any, one that says so."""
        if not (self._rows or passed):
            self._rows = [(_first_line(test.obj), f"`{test.name}`", "nothing measured")]
        record = {
            "section": _first_line(test.module).rstrip("."),
            "test": test.nodeid,
            "is_long": test.get_closest_marker("chaos_long") is not None,
            "passed": passed,
            "rows": self._rows,
            "date": datetime.now(UTC).date().isoformat(),
            "machine": machine.describe(),
        }
        FIGURES.parent.mkdir(exist_ok=True)
        with FIGURES.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def _first_line(thing: object) -> str:
    return (thing.__doc__ or "").strip().partition("\n")[0]
