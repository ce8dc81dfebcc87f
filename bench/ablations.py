"""What can be switched off or changed through the product's public configuration, to see what it is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """Changes of the stage that makes the result: N2V's only one, autoStructN2V's second.

    Attributes:
        title: for people.
        settings: fields of `StageConfig` in the protos; a text names a value of the field's enumeration.
    """

    title: str
    settings: Mapping[str, bool | float | str] = field(default_factory=dict)


def _masking(strategy: str) -> Ablation:
    title = f"hidden pixels replaced by: {strategy.replace('_', ' ')}"
    return Ablation(title=title, settings={"masking_strategy": strategy})


ABLATIONS = {
    "": Ablation(title="as it is"),
    "no-posterior": Ablation(
        title="blind to the end, the measured noise is not used", settings={"posterior": False}
    ),
    "posterior": Ablation(
        title="not blind to the end: the measured noise is used", settings={"posterior": True}
    ),
    "no-augmentation": Ablation(title="without turned and flipped patches", settings={"augmentation": False}),
    "transposed": Ablation(title="transposed convolutions", settings={"resize_convolution": False}),
    "nearest": Ablation(title="upsampling by the nearest pixel", settings={"upsampling_mode": "nearest"}),
    "zeros": _masking("zeros"),
    "random": _masking("random"),
    "local-mean": _masking("local_mean"),
    "neighbour": _masking("neighbour"),
    "median": _masking("median"),
    "mask-5": Ablation(title="5 % of the pixels hidden", settings={"mask_percentage": 5.0}),
    "mask-20": Ablation(title="20 % of the pixels hidden", settings={"mask_percentage": 20.0}),
    "features-48": Ablation(title="48 features", settings={"features": 48}),
    "layers-3": Ablation(title="3 layers", settings={"layers": 3}),
    "batch-8": Ablation(title="batches of 8", settings={"batch_size": 8}),
    "turns": Ablation(
        title="result averaged over turns and flips", settings={"test_time_augmentation": True}
    ),
}
