"""Tables of the results, in Markdown, from records alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from bench.ablations import ABLATIONS
from bench.cells import SIX_SLICES
from bench.noise import NOISES
from bench.records import Record

NAMES = {
    "noisy": "noisy input",
    "nlm": "non-local means, told σ",
    "bm3d-white": "BM3D, told σ and “white”",
    "bm3d-spectrum": "BM3D, told the true spectrum",
    "careamics-n2v": "CAREamics N2V",
    "careamics-n2v2": "CAREamics N2V2",
    "careamics-struct": "CAREamics structN2V, told the direction",
    "clearstack-n2v": "**Clearstack N2V**",
    "clearstack-n2v-2.5d": "**Clearstack N2V, 2.5D**",
    "clearstack-auto": "**Clearstack autoStructN2V**",
    "clearstack-same-mask": "Clearstack, that stage 2 told the true mask",
    "clearstack-told": "Clearstack, all of it for a stage 2 told the true mask",
}
TITLES = {name: f"{name}: {noise.title}" for name, noise in NOISES.items()} | {
    "drift": "Drifting stack, white noise: each slice 3.7 px further",
    "confocal": "Confocal cells: real noise, averaged captures as the truth",
}


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others are figures."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def six_slices_db(record: Record) -> float | None:
    """The mean PSNR on the slices that BM3D with a spectrum is run on; None where they were not all measured."""
    chosen = record["cell"]["slices"] or range(len(record["psnr_Z_db"]))
    by_slice = dict(zip(chosen, record["psnr_Z_db"], strict=True))
    if not all(z in by_slice for z in SIX_SLICES):
        return None
    return float(np.mean([by_slice[z] for z in SIX_SLICES]))


def quality(records: Iterable[Record], data: str) -> str:
    """All methods on one set, best last within a budget."""
    chosen = [r for r in records if r["cell"]["data"] == data and not r["cell"]["ablation"]]
    chosen.sort(key=lambda r: (r["cell"]["budget_s"], r["psnr_db"]))
    with_six = any(r["cell"]["slices"] for r in chosen) and data in {"C", "D"}
    header = [
        "method",
        "budget",
        "training",
        "denoising",
        "PSNR",
        *["on six slices"] * with_six,
        "mask found",
    ]
    return table(header, [_quality_row(record, with_six=with_six) for record in chosen])


def _quality_row(record: Record, *, with_six: bool) -> list[str]:
    cell, seconds = record["cell"], record["seconds"]
    slices = cell["slices"]
    psnr = f"{record['psnr_db']:.2f}" if not slices else f"({record['psnr_db']:.2f} on {_listed(slices)})"
    six = six_slices_db(record)
    pixels = record["notes"].get("mask_pixels")
    return [
        NAMES.get(cell["method"], cell["method"])
        + (f", {cell['preset']}" if cell["preset"] not in {"", "fast"} else ""),
        f"{cell['budget_s']:g} s" if cell["budget_s"] else "–",
        f"{seconds['train_cpu_s']:.0f} s" if seconds["train_cpu_s"] else "–",
        f"{seconds['denoise_cpu_s']:.1f} s",
        psnr,
        *([f"{six:.2f}" if six is not None else "–"] * with_six),
        "" if pixels is None else f"{pixels} px",
    ]


def _listed(slices: Sequence[int]) -> str:
    return f"slice {slices[0]}" if len(slices) == 1 else "slices " + ", ".join(map(str, slices))


def ablations(records: Iterable[Record]) -> str:
    """One row for each change, against the recipe as it is on the same set and budget."""
    chosen = [r for r in records if r["cell"]["method"].startswith("clearstack")]
    bases = {_place(r): r["psnr_db"] for r in chosen if not r["cell"]["ablation"]}
    chosen.sort(
        key=lambda r: (r["cell"]["data"], r["cell"]["budget_s"], bool(r["cell"]["ablation"]), -r["psnr_db"])
    )
    rows = [
        [
            ABLATIONS[r["cell"]["ablation"]].title,
            r["cell"]["data"],
            f"{r['cell']['budget_s']:g} s",
            f"{r['psnr_db']:.2f}",
            f"{r['psnr_db'] - bases[_place(r)]:+.2f}",
        ]
        for r in chosen
        if _place(r) in bases
    ]
    return table(["recipe", "noise", "budget", "PSNR", "difference"], rows)


def _place(record: Record) -> tuple[str, str, float, str]:
    cell = record["cell"]
    return cell["data"], cell["method"], cell["budget_s"], cell["preset"]


def origin(records: Sequence[Record]) -> str:
    """Machines, versions and dates of some records, in a sentence."""
    machines = sorted({record["machine"] for record in records})
    versions: dict[str, set[str]] = {}
    for record in records:
        for name, version in record.get("versions", {}).items():
            versions.setdefault(name, set()).add(version)
    dates = sorted(record["date"][:10] for record in records)
    listed = ", ".join(f"{name} {' and '.join(sorted(found))}" for name, found in sorted(versions.items()))
    span = dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"
    return f"Measured {span} on {' and on '.join(machines)}{'; ' * bool(listed)}{listed}."
