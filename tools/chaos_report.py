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

Record = dict[str, Any]


def records() -> list[Record]:
    """The newest record of each test, in the order of the tests."""
    lines = FIGURES.read_text(encoding="utf-8").splitlines()
    newest = {record["test"]: record for record in map(json.loads, lines)}
    return [newest[test] for test in sorted(newest)]


def tables(found: list[Record]) -> str:
    """A table for each section; the long form of a promise stands for the short one."""
    long_promises = {row[0] for record in found if record["is_long"] for row in record["rows"]}
    sections: defaultdict[str, list[str]] = defaultdict(list)
    for record in found:
        kept = "kept" if record["passed"] else "**broken**"
        sections[record["section"]] += [
            f"| {' | '.join(map(_cell, row))} | {kept} |"
            for row in record["rows"]
            if record["is_long"] or row[0] not in long_promises
        ]
    head = ["| promised | how it is tested | figure | |", "|---|---|---|---|"]
    parts = ["\n".join([f"### {title}", "", *head, *rows]) for title, rows in sections.items() if rows]
    return "\n\n".join([_origin(found), *parts])


def _origin(found: list[Record]) -> str:
    dates = sorted({record["date"] for record in found})
    days = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    return f"Measured {days} on: {'; '.join(sorted({record['machine'] for record in found}))}."


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def main() -> None:
    """Replaces what is between the markers."""
    text = DOCUMENT.read_text(encoding="utf-8")
    between = re.compile(f"{re.escape(_BEGIN)}.*{re.escape(_END)}", re.DOTALL)
    DOCUMENT.write_text(
        between.sub(lambda _: f"{_BEGIN}\n{tables(records())}\n{_END}", text), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
