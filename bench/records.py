"""Records of measurements: one JSON object a line, the newest of a key counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Record = dict[str, Any]


def load(path: Path) -> dict[str, Record]:
    """All records by key; none where there is no file."""
    if not path.exists():
        return {}
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return {line["key"]: line for line in lines}


def add(path: Path, record: Record) -> None:
    """Puts a record at the end; one that it replaces goes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = load(path)
    kept.pop(record["key"], None)
    lines = [json.dumps(line, ensure_ascii=False) for line in [*kept.values(), record]]
    unfinished = path.with_suffix(".part")
    unfinished.write_text("\n".join(lines) + "\n", encoding="utf-8")
    unfinished.replace(path)
