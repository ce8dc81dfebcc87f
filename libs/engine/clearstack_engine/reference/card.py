"""model.json of a stage that the reference implementation has trained."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from clearstack_engine.errors import ModelFilesError
from clearstack_engine.model.trained_on import NOTHING_KNOWN, TrainedOn
from clearstack_engine.normalisation import Normalisation
from clearstack_engine.reference.network import ReferenceArchitecture

FAMILY = "autoStructN2V"
FORMAT_VERSION = 1
UNCHANGED = Normalisation(mean=0.0, std=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceCard:
    """What is needed, beside the weights, to denoise with a stage as the reference does.

    Attributes:
        architecture: of the network.
        patch_size_px: images are denoised in overlapping patches of this size, as in training.
        margin_px: surroundings that each patch is given and that are cut off again.
        normalisation: of values between 0 and 1; mean 0 and standard deviation 1 where the reference used none.
        stage: `single` (N2V or stage 1) or `structured` (stage 2).
        is_chained: the network wants the result of the first stage, not the noisy image.
        trained_on: what is known of the training stack.
    """

    architecture: ReferenceArchitecture
    patch_size_px: int
    margin_px: int = 0
    normalisation: Normalisation = UNCHANGED
    stage: str = "single"
    is_chained: bool = False
    trained_on: TrainedOn = NOTHING_KNOWN

    def to_json(self) -> str:
        """The text of model.json."""
        return json.dumps({"format_version": FORMAT_VERSION, "family": FAMILY, **asdict(self)}, indent=2)

    @classmethod
    def from_json(cls, text: str) -> ReferenceCard:
        """The inverse of `to_json`.

        Raises:
            ModelFilesError: the text is not that of such a model.json.
        """
        try:
            fields: dict[str, Any] = json.loads(text)
            if (fields.pop("format_version"), fields.pop("family")) != (FORMAT_VERSION, FAMILY):
                raise ModelFilesError("model.json is of another version than this program reads.")
            return cls(
                **fields
                | {
                    "architecture": ReferenceArchitecture(**fields["architecture"]),
                    "normalisation": Normalisation(**fields["normalisation"]),
                    "trained_on": TrainedOn(**fields["trained_on"]),
                }
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFilesError(f"model.json is not the description of a model: {error!r}.") from error


def is_reference_card(text: str) -> bool:
    """Whether a model.json is one of these.

    Raises:
        ModelFilesError: it is no JSON object.
    """
    try:
        fields = json.loads(text)
    except ValueError as error:
        raise ModelFilesError(f"model.json is not the description of a model: {error}.") from error
    return isinstance(fields, dict) and fields.get("family") == FAMILY
