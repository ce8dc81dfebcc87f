"""Writes the tables in `docs/reliability.md` from what `make chaos` has measured."""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FIGURES = ROOT / "tests/chaos/.figures/figures.jsonl"
DOCUMENT = ROOT / "docs/reliability.md"
_BEGIN, _END = "<!-- chaos: written by tools/chaos_report.py -->", "<!-- chaos: end -->"

Row = dict[str, Any]


def rows() -> list[Row]:
    """The newest rows of each test, in the order of the tests; long forms stand for short ones of the same promise."""
    newest: dict[str, list[Row]] = {}
    previous = ""
    for line in FIGURES.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["test"] != previous:
            newest[row["test"]] = []
        newest[row["test"]].append(row)
        previous = row["test"]
    found = [row for test in sorted(newest) for row in newest[test]]
    long_promises = {row["promise"] for row in found if row["is_long"]}
    return [row for row in found if row["is_long"] or row["promise"] not in long_promises]


def tables(found: list[Row]) -> str:
    """A table for each section."""
    sections: defaultdict[str, list[Row]] = defaultdict(list)
    for row in found:
        sections[row["section"]].append(row)
    parts = [_origin(found)]
    for section, members in sections.items():
        lines = [f"### {section}", "", "| promised | how it is tested | figure | |", "|---|---|---|---|"]
        lines += [
            f"| {_cell(row['promise'])} | {_cell(row['how'])} | {_cell(row['figure'])} | {'kept' if row['passed'] else '**broken**'} |"
            for row in members
        ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _origin(found: list[Row]) -> str:
    dates = sorted({row["date"] for row in found})
    days = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    return f"Measured {days} on: {'; '.join(sorted({row['machine'] for row in found}))}."


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def main() -> None:
    """Replaces what is between the markers."""
    text = DOCUMENT.read_text(encoding="utf-8")
    between = re.compile(f"{re.escape(_BEGIN)}.*{re.escape(_END)}", re.DOTALL)
    DOCUMENT.write_text(between.sub(lambda _: f"{_BEGIN}\n{tables(rows())}\n{_END}", text), encoding="utf-8")


if __name__ == "__main__":
    main()
