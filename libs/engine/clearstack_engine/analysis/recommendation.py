"""Which method and mode suit a stack, with the reason in a sentence for the microscopist."""

from dataclasses import dataclass
from typing import Literal

from clearstack_engine.analysis.patterns import Pattern
from clearstack_engine.analysis.slice_agreement import SliceAgreement
from clearstack_engine.analysis.verdict import NoiseKind

MIN_SLICES = 20  # of 2.5D

_WHERE: dict[Pattern, str] = {
    "none": "over short distances",
    "horizontal": "along the rows",
    "vertical": "along the columns",
    "diagonal": "along a diagonal",
    "grid": "on a grid",
    "isotropic": "in all directions over a short distance",
    "irregular": "in an irregular pattern",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """What to do with a stack.

    Attributes:
        method: The method to train with; ``n2v`` also where nothing needs to be done.
        mode: The mode to train with.
        nothing_to_remove: Whether the stack has so little noise that denoising can only cost sharpness.
        reason: Why that method, a sentence.
        mode_reason: Why that mode, a sentence.
    """

    method: Literal["n2v", "autostructn2v"]
    mode: Literal["2d", "2.5d"]
    nothing_to_remove: bool
    reason: str
    mode_reason: str


def recommend(
    kind: NoiseKind,
    pattern: Pattern,
    strongest: float,
    agreement: SliceAgreement | None,
    num_slices: int,
    *,
    depends_on_signal: bool,
    checkered: bool,
) -> Recommendation:
    """The recommendation.

    Args:
        kind: Of the noise.
        pattern: Of the mask that the noise would need.
        strongest: Largest correlation with another pixel, -1 to 1.
        agreement: Of neighbouring slices; None where it could not be measured.
        num_slices: Of the whole stack.
        depends_on_signal: Whether the noise grows with brightness.
        checkered: Whether it changes its sign from pixel to pixel.
    """
    pays, mode_reason = _mode(agreement, num_slices)
    return Recommendation(
        method="autostructn2v" if kind in {NoiseKind.DIRECTED, NoiseKind.ROUND} else "n2v",
        mode="2.5d" if pays and kind is not NoiseKind.NONE else "2d",
        nothing_to_remove=kind is NoiseKind.NONE,
        reason=_reason(
            kind,
            "in a checkered pattern" if checkered else _WHERE[pattern],
            strongest,
            depends_on_signal=depends_on_signal,
        ),
        mode_reason=mode_reason,
    )


def _reason(kind: NoiseKind, where: str, strongest: float, *, depends_on_signal: bool) -> str:
    if kind is NoiseKind.NONE:
        return (
            "There is nothing to remove: where the image is flat it varies by less than 0.5 % of its range. "
            "Denoising could only cost sharpness."
        )
    if kind is NoiseKind.WHITE:
        grows = ", and grows with brightness as photon noise does" if depends_on_signal else ""
        return (
            f"The noise differs from pixel to pixel without any pattern{grows}: N2V is made for that, "
            "a second stage would add nothing."
        )
    return (
        f"The noise of neighbouring pixels goes together {where} (correlation up to {strongest:.2f}): N2V would "
        "take it for image; autoStructN2V learns to hide such neighbours."
    )


def _mode(agreement: SliceAgreement | None, num_slices: int) -> tuple[bool, str]:
    if num_slices < MIN_SLICES:
        return False, f"2D: the stack has {num_slices} slices, and 2.5D needs {MIN_SLICES}."
    if agreement is None:
        return (
            False,
            "2D: too little structure stands out from the noise to say whether neighbouring slices agree.",
        )
    shared = f"neighbouring slices share {100 * max(0.0, agreement.correlation):.0f} % of their structure"
    if agreement.pays:
        return True, f"2.5D: {shared}, so that each tells something of the next."
    return False, f"2D: {shared}, which is too little for 2.5D to pay."
