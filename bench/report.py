"""Writes RESULTS.md from the records, without running anything: `python -m bench.report`, in .venv."""

from __future__ import annotations

from pathlib import Path

from bench import aims, records, speed_aims, speed_tables, tables
from bench.records import Record

BENCH = Path(__file__).parent
RESULTS = BENCH / "results"

TITLE = "# Results"

INTRODUCTION = """Written by `python -m bench.report` from the records in [`results`](results); [`README.md`](README.md) says how to
measure them again. PSNR in dB with a range of 1, mean over the slices; budgets and times are CPU-seconds of one thread.
One seed: a cell that was measured again came out 0.15 dB apart, so smaller differences say little."""

REFERENCE = """## Not measured here

The reference implementation of autoStructN2V is in no package index, so a fresh clone cannot run it. Its figures on
these very images, measured by hand on another machine of the same kind: A 27.34 (its N2V,
360 CPU-seconds), C 17.91 and D 19.93 (its automatic pipeline, 75 + 75 CPU-seconds)."""


def main() -> None:
    """Writes the file."""
    (BENCH / "RESULTS.md").write_text(text(), encoding="utf-8")


def text() -> str:
    """All that there are records for."""
    full, quick, ablations = (
        records.load(RESULTS / f"{name}.jsonl") for name in ("full", "quick", "ablations")
    )
    speed, scale, workers = (
        records.load(RESULTS / f"{name}.jsonl") for name in ("speed", "scale", "workers")
    )
    judged = [*aims.judged(full), *speed_aims.judged(speed, scale)]
    parts = [TITLE, aims.summary(judged), INTRODUCTION, "## What was to be reached", aims.aims(judged)]
    if full:
        parts += ["## Quality", *_plots(), *_quality(full)]
    if quick:
        parts += ["## `make bench-quick`", *_plots("-quick"), *_quality(quick)]
    if ablations:
        everything = list(ablations.values())
        parts += ["## Ablations", tables.origin(everything), tables.ablations(everything)]
    parts += speed_tables.sections(speed, scale, workers, BENCH / "plots")
    parts.append(REFERENCE)
    everything = [*full.values(), *quick.values(), *ablations.values()]
    if everything:
        parts.append(_commands(everything))
    return "\n\n".join(parts) + "\n"


def _quality(found: dict[str, Record]) -> list[str]:
    everything = list(found.values())
    parts = [tables.origin(everything)]
    for data, name in tables.TITLES.items():
        if any(record["cell"]["data"] == data for record in everything):
            parts += [f"### {name}", tables.quality(everything, data)]
    return parts


def _plots(suffix: str = "") -> list[str]:
    named = {
        f"crops{suffix}.png": "The same crop by each program",
        f"quality{suffix}.svg": "PSNR against compute",
    }
    return [f"![{title}](plots/{name})" for name, title in named.items() if (BENCH / "plots" / name).exists()]


def _commands(everything: list[Record]) -> str:
    lines = sorted({record["command"] for record in everything})
    return "\n".join(
        ["<details><summary>Every command</summary>", "", "```", *lines, "```", "", "</details>"]
    )


if __name__ == "__main__":
    main()
