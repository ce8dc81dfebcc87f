from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import cells, records, speed_tables, tables
from bench.ablations import ABLATIONS
from bench.aims import aims, judged, summary
from bench.measure import psnr_per_slice
from bench.profile_step import PARTS, shares_of
from bench.settings import Settings


def record(cell: cells.Cell, psnr_db: float, **notes: Any) -> records.Record:
    """As `bench.run` writes it."""
    num_slices = len(cell.slices) or 24
    return {
        "key": cell.key,
        "cell": {
            "data": cell.data,
            "method": cell.method,
            "budget_s": cell.budget_s,
            "preset": cell.preset,
            "ablation": cell.ablation,
            "slices": list(cell.slices),
        },
        "psnr_db": psnr_db,
        "psnr_Z_db": [psnr_db] * num_slices,
        "seconds": {"train_cpu_s": cell.budget_s, "denoise_cpu_s": 1.0},
        "notes": notes,
        "versions": {"torch": "1"},
        "machine": "a machine",
        "date": "2026-01-02T03:04:05",
    }


def by_key(*chosen: records.Record) -> dict[str, records.Record]:
    """As they are loaded."""
    return {r["key"]: r for r in chosen}


def test_a_table_shows_each_method_with_what_it_used() -> None:
    """Budget, time spent, PSNR, and the size of the mask that was found."""
    ours = record(cells.ours("C", "auto", 150), 29.5, mask_pixels=17)
    text = tables.quality([ours, record(cells.peer("C", "noisy"), 19.56)], "C")
    assert "| **Clearstack autoStructN2V** | 150 s | 150 s | 1.0 s | 29.50 | 17 px |" in text
    assert "| noisy input | – | – | 1.0 s | 19.56 |  |" in text


def test_a_method_on_a_few_slices_is_never_shown_as_if_on_all() -> None:
    """Its figure stands in brackets, and beside it the others' on the same slices."""
    told = record(cells.peer("C", "bm3d-spectrum", slices=cells.SIX_SLICES), 30.2)
    text = tables.quality([told, record(cells.ours("C", "auto", 150), 31.0)], "C")
    assert "(30.20 on slices 0, 2, 4, 5, 6, 10) | 30.20" in text
    assert "| 31.00 | 31.00 |" in text


def test_two_slices_are_not_compared_with_six() -> None:
    """What was not measured on all six has no figure there."""
    assert tables.six_slices_db(record(cells.peer("C", "bm3d-spectrum", slices=(0, 2)), 30.0)) is None


def test_a_missed_aim_says_by_how_much() -> None:
    """The bench shows misses as plainly as what was reached."""
    found = by_key(
        record(cells.ours("A", "n2v", 300), 32.9),
        record(cells.peer("A", "bm3d-white"), 33.05),
        record(cells.ours("C", "auto", 300), 29.0),
        record(cells.peer("C", "careamics-struct", 300), 23.0),
    )
    lines = aims(judged(found)).splitlines()
    assert any("BM3D told “white” on A" in line and "missed by 0.15 dB" in line for line in lines)
    assert any("CAREamics structN2V on C" in line and "reached" in line for line in lines)
    assert any("on D" in line and "not measured" in line for line in lines)


def test_the_summary_counts_what_was_measured_and_names_what_was_missed() -> None:
    """What nobody measured is neither reached nor missed."""
    found = by_key(
        record(cells.ours("A", "n2v", 300), 33.5),
        record(cells.peer("A", "bm3d-white"), 33.05),
        record(cells.ours("C", "auto", 300), 25.0),
        record(cells.peer("C", "careamics-struct", 300), 23.0),
    )
    text = summary(judged(found))
    assert text.startswith("**1 of 10 aims reached; 1 missed: ")
    assert "CAREamics structN2V on C (by 3.00 dB)" in text
    assert text.endswith("; 8 not measured.**")


def test_aims_compare_equal_budgets() -> None:
    """A longer training of ours is not held against a shorter one of theirs."""
    found = by_key(
        record(cells.ours("C", "auto", 300), 40.0),
        record(cells.ours("C", "auto", 150), 26.0),
        record(cells.peer("C", "careamics-struct", 150), 23.0),
    )
    line = next(line for line in aims(judged(found)).splitlines() if "CAREamics structN2V on C" in line)
    assert "26.00 dB in 150 s | 23.00 dB | +3.00 dB | missed by 2.00 dB" in line


def test_an_ablation_stands_beside_the_recipe_as_it_is() -> None:
    """On the same noise with the same budget."""
    base = record(cells.ours("A", "n2v", 100), 32.0)
    text = tables.ablations([base, record(cells.ours("A", "n2v", 100, ablation="zeros"), 31.6)])
    assert "| hidden pixels replaced by: zeros | A | 100 s | 31.60 | -0.40 |" in text


def test_every_cell_of_a_plan_has_a_key_of_its_own() -> None:
    """Else one would take the other's place in the records."""
    plan = [*cells.quick(), *cells.ablations(), *cells.full()]
    assert len({cell.key for cell in plan}) == len(set(plan))


def test_the_newest_record_of_a_key_counts(tmp_path: Path) -> None:
    """A cell that is measured again takes the place of its older record."""
    path = tmp_path / "results" / "x.jsonl"
    for psnr_db in (1.0, 2.0):
        records.add(path, record(cells.peer("A", "nlm"), psnr_db))
    records.add(path, record(cells.peer("C", "nlm"), 3.0))
    assert {key: r["psnr_db"] for key, r in records.load(path).items()} == {"A_nlm": 2.0, "C_nlm": 3.0}
    assert records.load(tmp_path / "none.jsonl") == {}


def test_psnr_has_a_range_of_one() -> None:
    """An error of a tenth everywhere is 20 dB."""
    truth_ZYX = np.zeros((2, 8, 8))
    assert psnr_per_slice(truth_ZYX + 0.1, truth_ZYX) == pytest.approx([20.0, 20.0])
    with pytest.raises(ValueError, match="shape"):
        psnr_per_slice(truth_ZYX[:1], truth_ZYX)


def test_the_parts_of_a_step_and_the_rest_are_all_of_it() -> None:
    """What belongs to no part is shown as the rest."""
    shares = shares_of({("trainer.py", "_epoch"): 10.0, PARTS["forward"]: 3.0, PARTS["backward"]: 6.0})
    assert shares["forward"] == pytest.approx(0.3)
    assert shares["rest"] == pytest.approx(0.1)
    assert sum(shares.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("name", [name for name in ABLATIONS if name])
def test_every_ablation_changes_the_stage_that_makes_the_result(name: str) -> None:
    """N2V's only one or the second of two; the first, which finds the mask, stays as it is."""
    as_it_is, changed = (
        Settings(preset="fast", ablation=chosen, seed=0, uses_neighbours=False) for chosen in ("", name)
    )
    assert changed.stages()[0] == as_it_is.stages()[0]
    assert (changed.n2v(), changed.stages()[1]) != (as_it_is.n2v(), as_it_is.stages()[1])


def test_the_plan_of_ablations_names_ablations() -> None:
    """A slip of the pen would stop it after hours."""
    assert {cell.ablation for cell in cells.ablations()} <= set(ABLATIONS)


def test_sharing_is_held_against_one_worker_and_a_different_file_is_told(tmp_path: Path) -> None:
    """Twice as fast with two workers; a file that differs would be a mistake."""
    about = {"machine": "m", "date": "2026-01-01", "megapixels": 10.0}
    workers = {
        str(number): about | {"num_workers": number, "load": 0.5, "seconds": 20.0 / number, "sha256": sha256}
        for number, sha256 in ((2, "a"), (1, "a"), (4, "b"))
    }
    text = "\n".join(speed_tables.sections({}, {}, workers, tmp_path))
    assert "| 1 | 0.50 | × 1.00 | 100 % | 0.5 | yes |" in text
    assert "| 2 | 1.00 | × 2.00 | 100 % | 0.5 | yes |" in text
    assert "| 4 | 2.00 | × 4.00 | 100 % | 0.5 | **no** |" in text
