"""Writes RESULTS.md from the records, without running anything: `python -m bench.report`, in .venv."""

from __future__ import annotations

from pathlib import Path

from bench import records, speed_tables, tables
from bench.aims import aims
from bench.records import Record

BENCH = Path(__file__).parent
RESULTS = BENCH / "results"

INTRODUCTION = """# Results

Written by `python -m bench.report` from the records in [`results`](results); [`README.md`](README.md) says how to
measure them again. PSNR in dB with a range of 1, mean over the slices; budgets and times are CPU-seconds of one thread.
One seed: differences under 0.1 dB say little."""

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
    parts = [INTRODUCTION]
    if full:
        parts += ["## What was to be reached", aims(full), *_quality("## Quality", full), *_plots()]
    if quick:
        parts += [*_quality("## `make bench-quick`", quick), *_plots("-quick")]
    if ablations:
        everything = list(ablations.values())
        parts += ["## Ablations", tables.origin(everything), tables.ablations(everything)]
    parts += speed_tables.sections(RESULTS)
    parts.append(REFERENCE)
    everything = [*full.values(), *quick.values(), *ablations.values()]
    if everything:
        parts.append(_commands(everything))
    return "\n\n".join(parts) + "\n"


def _quality(title: str, found: dict[str, Record]) -> list[str]:
    everything = list(found.values())
    parts = [title, tables.origin(everything)]
    for data, name in tables.TITLES.items():
        if any(record["cell"]["data"] == data for record in everything):
            parts += [f"### {name}", tables.quality(everything, data)]
    return parts


def _plots(suffix: str = "") -> list[str]:
    named = {
        f"quality{suffix}.svg": "PSNR against compute",
        f"crops{suffix}.png": "The same crop by each method",
    }
    return [f"![{title}](plots/{name})" for name, title in named.items() if (BENCH / "plots" / name).exists()]


def _commands(everything: list[Record]) -> str:
    lines = sorted({record["command"] for record in everything})
    return "\n".join(
        ["<details><summary>Every command</summary>", "", "```", *lines, "```", "", "</details>"]
    )


if __name__ == "__main__":
    main()
