"""Every parameter of a training once: name, kind, range, unit and help."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One field of `StageConfig` or `MaskExtractorConfig`.

    Attributes:
        name: The proto's field name.
        kind: What its values are.
        minimum: Smallest value allowed (numbers only).
        maximum: Largest value allowed (numbers only).
        unit: Unit of the value, if it has one.
        advanced: Whether a form hides it at first.
        help: Two sentences for a microscopist.
    """

    name: str
    kind: Literal["integer", "number", "switch", "choice"]
    minimum: float = 0
    maximum: float = 0
    unit: str = ""
    advanced: bool = False
    help: str

    @property
    def range_text(self) -> str:
        """The allowed values in words."""
        if self.kind in {"switch", "choice"}:
            return "on or off" if self.kind == "switch" else "one of the named values"
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.minimum:g} to {self.maximum:g}{unit}"


STAGE_PARAMETERS = (
    Parameter(
        name="patch_size",
        kind="integer",
        minimum=16,
        maximum=256,
        unit="px",
        help="Side of the square patches that the network is trained on. Must be a multiple of 2^layers, and must fit into a slice.",
    ),
    Parameter(
        name="patches_per_image",
        kind="integer",
        minimum=1,
        maximum=10_000,
        help="How many patches are drawn from each slice in every epoch. More of them make an epoch longer and its losses steadier.",
    ),
    Parameter(
        name="batch_size",
        kind="integer",
        minimum=1,
        maximum=1024,
        help="How many patches the network sees before it is adjusted once. Reduce it when memory runs out.",
    ),
    Parameter(
        name="mask_percentage",
        kind="number",
        minimum=0.1,
        maximum=50,
        unit="%",
        help="Share of a patch's pixels that are hidden from the network and have to be predicted. Around 5 to 15 percent works best.",
    ),
    Parameter(
        name="augmentation",
        kind="switch",
        help="Also trains on turned and flipped patches. Helps most when there are few slices.",
    ),
    Parameter(
        name="features",
        kind="integer",
        minimum=8,
        maximum=256,
        help="Feature maps in the network's first level. More of them can hold finer structures, and take longer.",
    ),
    Parameter(
        name="layers",
        kind="integer",
        minimum=1,
        maximum=5,
        help="Levels of the network below the first. Each one doubles how far the network sees.",
    ),
    Parameter(
        name="learning_rate",
        kind="number",
        minimum=1e-7,
        maximum=1e-1,
        help="How strongly each batch adjusts the network, at its peak. Lower it when the losses jump about.",
    ),
    Parameter(
        name="epochs",
        kind="integer",
        minimum=1,
        maximum=10_000,
        help="How often the network goes through the stack at most. Early stopping may end the training before.",
    ),
    Parameter(
        name="early_stopping",
        kind="switch",
        help="Ends the training when the validation loss has stopped falling. The best network so far is kept either way.",
    ),
    Parameter(
        name="patience",
        kind="integer",
        minimum=1,
        maximum=1_000,
        unit="epochs",
        help="How long early stopping waits for a better validation loss. A larger value is safer and slower.",
    ),
    Parameter(
        name="resize_convolution",
        kind="switch",
        advanced=True,
        help="Enlarges feature maps by interpolation and convolves afterwards. Switched off, transposed convolutions are used, which can leave checkerboards.",
    ),
    Parameter(
        name="upsampling_mode",
        kind="choice",
        advanced=True,
        help="The interpolation with which feature maps are enlarged. It has no effect when resize convolution is off.",
    ),
    Parameter(
        name="masking_strategy",
        kind="choice",
        advanced=True,
        help="What a hidden pixel is replaced with while the network trains. `auto` takes what measured best for the stage.",
    ),
    Parameter(
        name="posterior",
        kind="switch",
        help="After the first tenth of the epochs, measures the noise and lets the network use what each pixel itself tells. Structured noise is measured in stage 2 only; where a first stage meets it, that stage goes on without.",
    ),
    Parameter(
        name="test_time_augmentation",
        kind="switch",
        advanced=True,
        help="Denoises every slice in all turns and flips that the noise allows, and takes the mean. A little better, and four to eight times slower.",
    ),
)

MASK_PARAMETERS = (
    Parameter(
        name="adaptive_thresholding",
        kind="switch",
        help="Lets the threshold rise with the distance from the centre pixel. Far pixels must then show a stronger correlation.",
    ),
    Parameter(
        name="base_percentile",
        kind="number",
        minimum=0,
        maximum=100,
        help="How strict the mask extraction is. A higher value keeps fewer pixels.",
    ),
    Parameter(
        name="percentile_decay",
        kind="number",
        minimum=1,
        maximum=2,
        help="How fast the threshold rises with the distance. 1.0 means that it does not; it needs adaptive thresholding.",
    ),
    Parameter(
        name="max_masked_pixels",
        kind="integer",
        minimum=1,
        maximum=500,
        unit="px",
        help="How many pixels the mask may have at most. The strongest are kept, and always the centre.",
    ),
)
