"""What a report comes to: the verdict on a result, in sentences for the microscopist."""

from dataclasses import dataclass
from typing import Literal

from clearstack_engine.analysis.outcome import Outcome

_CAPTURED = 0.75
_MUCH_LOST_PERCENT = 35.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A verdict.

    Attributes:
        kind: `good`, or what is wrong.
        headline: A few words.
        text: What was seen, and what to do.
    """

    kind: Literal["good", "structure-remains", "worse-than-stage-1", "signal-lost", "no-noise"]
    headline: str
    text: str

    @property
    def is_good(self) -> bool:
        """Whether nothing needs to be done."""
        return self.kind == "good"


def judge_result(
    outcome: Outcome, stage: int, *, is_structured_method: bool, stage_one: Outcome | None
) -> Finding:
    """The verdict on a result.

    Args:
        outcome: Of the result.
        stage: Whose network made it, 1 or 2.
        is_structured_method: Whether it is a stage of autoStructN2V.
        stage_one: Of the first stage's result, where this one is the second's.
    """
    if stage_one is not None and outcome.is_worse_than(stage_one):
        return _worse(outcome, stage_one)
    if not outcome.noise_std:
        return Finding(
            kind="no-noise",
            headline="no noise was found",
            text="The input has no noise that stands out from its image: there was nothing to remove. "
            "Where result and input differ, the input is the one to trust.",
        )
    if outcome.captured < _CAPTURED:
        return _remains(outcome, stage, is_structured_method=is_structured_method)
    if outcome.lost_percent > _MUCH_LOST_PERCENT:
        return Finding(
            kind="signal-lost",
            headline="signal was lost",
            text=f"The residual shows the image: about {outcome.lost_percent:.0f} % of its fine structure was taken for "
            "noise. More epochs, or the preset high-quality, learn finer structure.",
        )
    return _good(outcome)


def _good(outcome: Outcome) -> Finding:
    if outcome.mask.is_empty:
        return Finding(
            kind="good",
            headline="residual is white",
            text="What was removed differs from pixel to pixel without a pattern, as pure noise does.",
        )
    return Finding(
        kind="good",
        headline="structured noise was removed",
        text="What was removed has the same pattern as the noise of the input, and no more than that.",
    )


def _remains(outcome: Outcome, stage: int, *, is_structured_method: bool) -> Finding:
    seen = (
        f"The noise of neighbouring pixels goes together ({outcome.mask.pattern}, {outcome.mask.num_active_pixels} pixels), "
        f"and what was removed has {100 * max(0.0, outcome.captured):.0f} % of that pattern: the rest is still in the result."
    )
    if stage > 1:
        return Finding(
            kind="structure-remains",
            headline="structure remains: widen the mask",
            text=f"{seen} Regenerate the mask with a lower Base Percentile or more Max Masked Pixels, "
            "and train stage 2 anew.",
        )
    if is_structured_method:
        return Finding(
            kind="structure-remains",
            headline="structure remains: stage 2 is for that",
            text=f"{seen} That is expected of stage 1: approve the mask, and stage 2 learns without these neighbours.",
        )
    return Finding(
        kind="structure-remains",
        headline="structure remains: try autoStructN2V",
        text=f"{seen} N2V cannot tell such noise from image; train with the method autostructn2v.",
    )


def _worse(outcome: Outcome, stage_one: Outcome) -> Finding:
    ratio = outcome.error_std / max(stage_one.error_std, 1e-12)
    return Finding(
        kind="worse-than-stage-1",
        headline="stage 2 is worse than stage 1",
        text=f"Noise that is left and structure that is lost come to {ratio:.1f} times what stage 1 has. "
        "Use the result of stage 1, or regenerate the mask with a higher Base Percentile or fewer Max Masked Pixels, "
        "and train stage 2 anew; stage 1 is kept.",
    )
