from typing import Any

from bench import records, speed_aims
from bench.aims import NOT_MEASURED, REACHED, Judged

SHAPES = range(3)


def verdicts(speed: dict[str, records.Record], scale: dict[str, records.Record]) -> dict[str, Judged]:
    """By the first words of the aim."""
    return {" ".join(aim.text.split()[:4]): aim for aim in speed_aims.judged(speed, scale)}


def rates(**by_program: float) -> dict[str, records.Record]:
    """The same for every shape."""
    return {
        f"{work}_{program.replace('_', '-')}_{number}": {"rate": rate}
        for number in SHAPES
        for work in ("train", "denoise")
        for program, rate in by_program.items()
    }


def stack(megabytes: float, cpu_s_per_mp: float, peak_mib: float, side_px: int = 512) -> dict[str, Any]:
    """As `bench.scale` writes it."""
    megapixels = megabytes / 2
    return {
        "shape_ZYX": [1, side_px, side_px],
        "megabytes": megabytes,
        "megapixels": megapixels,
        "cpu_s": cpu_s_per_mp * megapixels,
        "peak_mib": peak_mib,
    }


def test_nothing_is_judged_that_was_not_measured() -> None:
    """Neither reached nor missed."""
    assert {aim.verdict for aim in speed_aims.judged({}, {})} == {NOT_MEASURED}
    half = rates(clearstack=10.0, careamics=1.0)
    del half["train_careamics_2"]
    assert verdicts(half, {})["2 times CAREamics in"].verdict == NOT_MEASURED


def test_the_worst_of_the_shapes_counts() -> None:
    """Three times as fast on two shapes, and 1.5 times on one, is 25 % short of twice."""
    speed = rates(clearstack=30.0, careamics=10.0, bare_bf16=31.0)
    speed["train_careamics_1"] = {"rate": 20.0}
    found = verdicts(speed, {})
    assert found["95 % of a"].verdict == REACHED
    assert found["3 times CAREamics in"].verdict == REACHED
    assert found["2 times CAREamics in"].verdict == "missed by 25 %"
    assert found["2 times CAREamics in"].difference == "× 1.50"


def test_all_but_computing_is_bookkeeping() -> None:
    """Also what the profile has no name for."""
    computing = {"forward": 0.3, "backward": 0.55}
    speed = {
        f"profile_{number}": {"shares": computing | {"optimiser": 0.15 - rest, "rest": rest}}
        for number, rest in zip(SHAPES, (0.01, 0.02, 0.08), strict=True)
    }
    assert verdicts(speed, {})["data, masks and bookkeeping"].verdict == "missed by 3.0 points"


def test_a_megapixel_of_a_large_stack_is_held_against_one_of_a_small_stack() -> None:
    """Of slices of one size; a single huge slice counts for memory only."""
    scale = {
        "small": stack(10, 0.10, 400),
        "large": stack(1000, 0.105, 450),
        "huge slice": stack(128, 0.5, 2100, side_px=8000),
    }
    found = verdicts({}, scale)
    assert found["a megapixel of the"].verdict == REACHED
    assert found["denoising in less than"].verdict == "missed by 193 MiB"


def test_the_ratio_to_a_smaller_network_stands_beside_the_one_that_is_judged() -> None:
    """Of the shape that counts."""
    speed = rates(clearstack=30.0, careamics=10.0, careamics_narrow=20.0)
    found = verdicts(speed, {})["2 times CAREamics in"]
    assert found.difference == "× 3.00 (× 1.50 with as many features)"
    assert found.verdict == REACHED
