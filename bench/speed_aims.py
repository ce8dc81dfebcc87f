"""What was to be reached in speed and memory, beside what was."""

from __future__ import annotations

from bench.aims import REACHED, Judged, Records
from bench.records import Record
from bench.shapes import DENOISED, SHAPES

MOST_MEMORY_MIB = 2e9 / 2**20
# Below, what is done once a stack counts; a stack of the yardstick has 3 MB.
SMALLEST_DEEP_MB = 5
DEEP_SIDE_PX = 512
MOST_BOOKKEEPING = 0.05
MOST_GROWTH = 0.1
COMPUTING = ("forward", "backward", "optimiser")


def judged(speed: Records, scale: Records) -> list[Judged]:
    """All of them; where there are several shapes, the worst counts."""
    everywhere = tuple(range(len(SHAPES)))
    return [
        _ratio(speed, "95 % of a bare bfloat16 loop, in training", "train", "bare-bf16", 0.95, everywhere),
        _ratio(
            speed,
            "2 times CAREamics in training, with as many parameters",
            "train",
            "careamics",
            2.0,
            everywhere,
        ),
        _ratio(
            speed,
            "3 times CAREamics in denoising, with as many parameters",
            "denoise",
            "careamics",
            3.0,
            DENOISED,
        ),
        _bookkeeping(speed),
        _memory(scale),
        _flatness(scale),
    ]


def _ratio(
    speed: Records, text: str, work: str, other: str, wanted: float, numbers: tuple[int, ...]
) -> Judged:
    """Ours over theirs, of the shape where it is least."""
    pairs = []
    for number in numbers:
        mine, theirs = (speed.get(f"{work}_{program}_{number}") for program in ("clearstack", other))
        if mine is None or theirs is None:
            return Judged(text)
        pairs.append((mine["rate"] / theirs["rate"], number))
    ratio, number = min(pairs)
    mine, theirs = (speed[f"{work}_{program}_{number}"] for program in ("clearstack", other))
    unit = "MP/CPU-s" if work == "denoise" else "patches/CPU-s"
    return Judged(
        text,
        ours=f"{mine['rate']:.3g} {unit}",
        other=f"{theirs['rate']:.3g} {unit}",
        difference=f"× {ratio:.2f}{_with_as_many_features(speed, work, other, number)}",
        verdict=REACHED if ratio >= wanted else f"missed by {100 * (1 - ratio / wanted):.0f} %",
    )


def _with_as_many_features(speed: Records, work: str, other: str, number: int) -> str:
    """The same ratio where the other program's network is as wide as ours, and smaller."""
    narrow = speed.get(f"{work}_{other}-narrow_{number}")
    if narrow is None:
        return ""
    return f" (× {speed[f'{work}_clearstack_{number}']['rate'] / narrow['rate']:.2f} with as many features)"


def _bookkeeping(speed: Records) -> Judged:
    text = "data, masks and bookkeeping at most 5 % of a training step"
    profiles = [speed.get(f"profile_{number}") for number in range(len(SHAPES))]
    found = [1 - sum(record["shares"][part] for part in COMPUTING) for record in profiles if record]
    if len(found) < len(SHAPES):
        return Judged(text)
    share = max(found)
    verdict = (
        REACHED if share <= MOST_BOOKKEEPING else f"missed by {100 * (share - MOST_BOOKKEEPING):.1f} points"
    )
    return Judged(text, ours=f"{100 * share:.1f} %", other="5 %", verdict=verdict)


def _memory(scale: Records) -> Judged:
    text = "denoising in less than 2 GB of memory, whatever the size of the stack"
    if not scale:
        return Judged(text)
    largest = max(scale.values(), key=lambda record: record["peak_mib"])
    missing_mib = largest["peak_mib"] - MOST_MEMORY_MIB
    return Judged(
        text,
        ours=f"{largest['peak_mib']:.0f} MiB ({largest['megabytes']:.0f} MB)",
        other=f"{MOST_MEMORY_MIB:.0f} MiB",
        verdict=REACHED if missing_mib < 0 else f"missed by {missing_mib:.0f} MiB",
    )


def _flatness(scale: Records) -> Judged:
    text = "a megapixel of the largest stack costs at most 10 % more than one of 10 MB"
    deep = sorted(filter(_is_deep, scale.values()), key=lambda record: float(record["megabytes"]))
    if len(deep) < len(("smallest", "largest")):
        return Judged(text)
    smallest, largest = (record["cpu_s"] / record["megapixels"] for record in (deep[0], deep[-1]))
    change = largest / smallest - 1
    return Judged(
        text,
        ours=f"{largest:.3f} CPU-s ({deep[-1]['megabytes']:.0f} MB)",
        other=f"{smallest:.3f} CPU-s ({deep[0]['megabytes']:.0f} MB)",
        difference=f"{100 * change:+.0f} %",
        verdict=REACHED if change <= MOST_GROWTH else f"missed by {100 * (change - MOST_GROWTH):.0f} %",
    )


def _is_deep(record: Record) -> bool:
    return bool(record["shape_ZYX"][-1] == DEEP_SIDE_PX and record["megabytes"] >= SMALLEST_DEEP_MB)
