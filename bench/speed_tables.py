"""The tables of speed, from the records of `bench.speed`, `bench.peers.careamics_speed` and `bench.scale`."""

from __future__ import annotations

from pathlib import Path

from bench.aims import Records
from bench.records import Record
from bench.shapes import SHAPES
from bench.tables import origin, table

SHAPE_NAMES = tuple(map(str, SHAPES))
PROGRAMS = {
    "clearstack": "**Clearstack, full loop**",
    "bare-bf16": "bare loop, bfloat16 + channels_last",
    "bare-channels_last": "bare loop, float32 + channels_last",
    "bare-float32": "bare loop, float32",
    "careamics": "CAREamics, full loop, as many parameters",
    "careamics-narrow": "CAREamics, full loop, as many features",
}


def sections(speed: Records, scale: Records, workers: Records, plots: Path) -> list[str]:
    """Speed, profile, scale and sharing, as far as they were measured."""
    parts = []
    if speed:
        parts += ["## Speed on one thread", origin(list(speed.values())), "`python -m bench.speed`"]
        parts += [text for text in (_training(speed), _inference(speed), _profile(speed)) if text]
    if scale:
        parts += [
            "## Cost against size",
            origin(list(scale.values())),
            "`python -m bench.scale`",
            _scale(scale),
        ]
        if (plots / "scale.svg").exists():
            parts.append("![Cost against size](plots/scale.svg)")
    if workers:
        parts += [
            "## One denoising, several workers",
            origin(list(workers.values())),
            "`python -m bench.workers`",
            _workers(workers),
        ]
    return parts


def _training(speed: Records) -> str:
    rows = []
    for program, title in PROGRAMS.items():
        found = [speed.get(f"train_{program}_{number}") for number in range(len(SHAPES))]
        if any(found):
            rows.append([title, *(_rate(record) for record in found)])
    if not rows:
        return ""
    return table(["training, patches per CPU-second (parameters)", *SHAPE_NAMES], rows)


def _rate(record: Record | None) -> str:
    if record is None:
        return "–"
    return f"{record['rate']:.1f} ({record['parameters'] / 1e6:.2f} M)"


def _inference(speed: Records) -> str:
    rows = []
    for program in ("clearstack", "careamics", "careamics-narrow"):
        found = [speed.get(f"denoise_{program}_{number}") for number in (1, 0)]
        if any(found):
            rows.append(
                [
                    PROGRAMS[program].replace(", full loop", ""),
                    *(f"{r['rate']:.3f}" if r else "–" for r in found),
                ]
            )
    if not rows:
        return ""
    header = ["denoising, megapixels per CPU-second", "32 features, 2 layers", "64 features, 4 layers"]
    return table(header, rows)


def _profile(speed: Records) -> str:
    found = [speed.get(f"profile_{number}") for number in range(len(SHAPES))]
    if not any(found):
        return ""
    names = list(dict.fromkeys(name for record in found if record for name in record["shares"]))
    rows = [
        [name, *(f"{100 * record['shares'].get(name, 0.0):.1f} %" if record else "–" for record in found)]
        for name in names
    ]
    return table(["where a training step's CPU time goes", *SHAPE_NAMES], rows)


def _scale(scale: Records) -> str:
    rows = [
        [
            " × ".join(map(str, record["shape_ZYX"])),
            f"{record['megabytes']:.0f} MB",
            f"{record['cpu_s'] / record['megapixels']:.3f}",
            f"{record['peak_mib']:.0f} MiB",
        ]
        for record in sorted(scale.values(), key=lambda record: record["megabytes"])
    ]
    return table(["stack", "size", "CPU-seconds per megapixel", "peak memory"], rows)


def _workers(workers: Records) -> str:
    found = sorted(workers.values(), key=lambda record: int(record["num_workers"]))
    alone = found[0]["seconds"] * found[0]["num_workers"]
    rows = [
        [
            str(record["num_workers"]),
            f"{record['megapixels'] / record['seconds']:.2f}",
            f"× {alone / record['seconds']:.2f}",
            f"{100 * alone / record['seconds'] / record['num_workers']:.0f} %",
            f"{record['load']:.1f}",
            "yes" if record["sha256"] == found[0]["sha256"] else "**no**",
        ]
        for record in found
    ]
    return table(
        [
            "inference workers, one thread each",
            "megapixels a second",
            "speed",
            "efficiency",
            "load before",
            "the same file",
        ],
        rows,
    )
