"""What was to be reached, beside what was: computed from the records, so that a miss shows as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.records import Record
from bench.tables import six_slices_db, table

Records = dict[str, Record]
REACHED = "reached"
NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Judged:
    """An aim and what came of it, as it stands in the table."""

    text: str
    ours: str = "–"
    other: str = "–"
    difference: str = "–"
    verdict: str = NOT_MEASURED

    @property
    def is_missed(self) -> bool:
        """Whether it was measured and not reached."""
        return self.verdict not in {REACHED, NOT_MEASURED}


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


def judged(records: Records) -> list[Judged]:
    """All aims of quality, at the largest budget that both sides share."""
    return [_judged(aim, records) for aim in AIMS]


def _judged(aim: Aim, records: Records) -> Judged:
    value = six_slices_db if aim.on_six else _psnr_db
    pair = _at_largest_shared_budget(records, aim, value)
    if pair is None:
        return Judged(aim.text)
    budget_s, mine, other = pair
    is_reached = mine - other >= aim.wanted_db
    return Judged(
        aim.text,
        ours=f"{mine:.2f} dB in {budget_s:g} s",
        other=f"{other:.2f} dB",
        difference=f"{mine - other:+.2f} dB",
        verdict=REACHED if is_reached else f"missed by {aim.wanted_db - mine + other:.2f} dB",
    )


def summary(found: Sequence[Judged]) -> str:
    """One line in bold: how many were reached, and which were missed."""
    reached = sum(aim.verdict == REACHED for aim in found)
    unknown = sum(aim.verdict == NOT_MEASURED for aim in found)
    missed = [f"{aim.text} (by {aim.verdict.removeprefix('missed by ')})" for aim in found if aim.is_missed]
    parts = [f"{reached} of {len(found)} aims reached"]
    parts += [f"{len(missed)} missed: {'; '.join(missed)}"] if missed else []
    parts += [f"{unknown} not measured"] if unknown else []
    return f"**{'; '.join(parts)}.**"


def aims(found: Sequence[Judged]) -> str:
    """A table of them."""
    rows = [[aim.text, aim.ours, aim.other, aim.difference, aim.verdict] for aim in found]
    return table(["aim", "ours", "other", "difference", ""], rows)


def _psnr_db(record: Record) -> float | None:
    return None if record["cell"]["slices"] else float(record["psnr_db"])


def _at_largest_shared_budget(
    records: Records, aim: Aim, value: Callable[[Record], float | None]
) -> tuple[float, float, float] | None:
    """The budget, ours and theirs."""
    mine, other = (_by_budget(records, *side, value) for side in (aim.ours, aim.theirs))
    if not mine or not other:
        return None
    if set(other) == {0.0}:  # a method without training
        return max(mine), mine[max(mine)], other[0.0]
    shared = set(mine) & set(other)
    return (max(shared), mine[max(shared)], other[max(shared)]) if shared else None


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
