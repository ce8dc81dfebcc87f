"""What was to be reached, beside what was: computed from the records, so that a miss shows as one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.records import Record
from bench.tables import six_slices_db, table

Records = dict[str, Record]


@dataclass(frozen=True, slots=True)
class Aim:
    """A difference in dB that is wanted, between the best of ours and the best of theirs."""

    text: str
    ours: tuple[str, str]
    theirs: tuple[str, str]
    wanted_db: float
    on_six: bool = False


AIMS = (
    Aim("N2V ahead of BM3D told “white” on A", ("A", "clearstack-n2v"), ("A", "bm3d-white"), 0.0),
    *(
        Aim(
            f"autoStructN2V 1.5 dB ahead of BM3D told the true spectrum on {data}, six slices",
            (data, "clearstack-auto"),
            (data, "bm3d-spectrum"),
            1.5,
            on_six=True,
        )
        for data in ("C", "D")
    ),
    *(
        Aim(
            f"autoStructN2V 5 dB ahead of CAREamics structN2V on {data}",
            (data, "clearstack-auto"),
            (data, "careamics-struct"),
            5.0,
        )
        for data in ("C", "D")
    ),
    *(
        Aim(
            f"within 0.1 dB of the same training told the true mask on {data}",
            (data, "clearstack-auto"),
            (data, "clearstack-same-mask"),
            -0.1,
        )
        for data in ("C", "D")
    ),
    Aim("autoStructN2V no worse than N2V on A", ("A", "clearstack-auto"), ("A", "clearstack-n2v"), 0.0),
    Aim(
        "2.5D 0.3 dB ahead of 2D where slices agree",
        ("drift", "clearstack-n2v-2.5d"),
        ("drift", "clearstack-n2v"),
        0.3,
    ),
    Aim(
        "2.5D no worse than 2D where they do not (A)",
        ("A", "clearstack-n2v-2.5d"),
        ("A", "clearstack-n2v"),
        0.0,
    ),
)


def aims(records: Records) -> str:
    """A table of all aims that can be judged, at the largest budget that both sides share."""
    rows = []
    for aim in AIMS:
        value = six_slices_db if aim.on_six else _psnr_db
        pair = _at_largest_shared_budget(records, aim, value)
        if pair is None:
            rows.append([aim.text, "–", "–", "–", "not measured"])
            continue
        mine, other = pair
        verdict = (
            "reached" if mine - other >= aim.wanted_db else f"missed by {aim.wanted_db - mine + other:.2f} dB"
        )
        rows.append([aim.text, f"{mine:.2f}", f"{other:.2f}", f"{mine - other:+.2f}", verdict])
    return table(["aim", "ours", "other", "difference", ""], rows)


def _psnr_db(record: Record) -> float | None:
    return None if record["cell"]["slices"] else float(record["psnr_db"])


def _at_largest_shared_budget(
    records: Records, aim: Aim, value: Callable[[Record], float | None]
) -> tuple[float, float] | None:
    mine, other = (_by_budget(records, *side, value) for side in (aim.ours, aim.theirs))
    if not mine or not other:
        return None
    if set(other) == {0.0}:  # a method without training
        return mine[max(mine)], other[0.0]
    shared = set(mine) & set(other)
    return (mine[max(shared)], other[max(shared)]) if shared else None


def _by_budget(
    records: Records, data: str, method: str, value: Callable[[Record], float | None]
) -> dict[float, float]:
    found: dict[float, float] = {}
    for record in records.values():
        cell = record["cell"]
        if (cell["data"], cell["method"], cell["ablation"]) == (data, method, ""):
            decibels = value(record)
            if decibels is not None:
                found[cell["budget_s"]] = max(decibels, found.get(cell["budget_s"], decibels))
    return found
