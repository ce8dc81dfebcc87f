"""config.json of a whole model: what `import` needs beside the weights, and what a person wants to know of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from clearstack_engine.errors import ModelFilesError

FORMAT = "clearstack-model"
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class StageDescription:
    """A stage of a model.

    Attributes:
        number: 1 or 2.
        model: what its model.json holds.
        num_epochs: that it was trained for; 0 = not known.
        best_validation_loss: 0 = not known, as below.
        training_loss: of the last epoch.
        loss_history: one entry for each epoch.
    """

    number: int
    model: dict[str, Any]
    num_epochs: int = 0
    best_validation_loss: float = 0.0
    training_loss: float = 0.0
    loss_history: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDescription:
    """A whole model.

    Attributes:
        name: for people.
        method: `n2v` or `autostructn2v`.
        mode: `2d` or `2.5d`.
        stages: in order.
        training: every parameter of the training; empty = not known.
        provenance: stack, code version, seed, device, time; what is known of them.
    """

    name: str
    method: str
    mode: str
    stages: list[StageDescription]
    training: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """The text of config.json."""
        return json.dumps({"format": FORMAT, "format_version": FORMAT_VERSION, **asdict(self)}, indent=1)

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> ModelDescription:
        """From the content of config.json.

        Raises:
            ModelFilesError: it is not that of this version.
        """
        if fields.get("format_version") != FORMAT_VERSION:
            raise ModelFilesError(
                f"config.json has format version {fields.get('format_version')}, this program reads {FORMAT_VERSION}."
            )
        try:
            known = {key: value for key, value in fields.items() if key not in {"format", "format_version"}}
            known["stages"] = [StageDescription(**stage) for stage in known["stages"]]
            described = cls(**known)
            described.require_sensible()
        except (KeyError, TypeError, ValueError) as error:
            raise ModelFilesError(f"config.json is not the description of a model: {error!r}.") from error
        return described

    def require_sensible(self) -> None:
        """Check what a stranger may have written.

        Raises:
            ValueError: a field is of another type, or the stages are not 1, or 1 and 2.
        """
        if [stage.number for stage in self.stages] not in ([1], [1, 2]):
            raise ValueError("the stages must be 1, or 1 and 2")
        for part in (self.training, self.provenance, *(stage.model for stage in self.stages)):
            if not isinstance(part, dict):
                raise TypeError("training, provenance and model must be objects")
        for stage in self.stages:
            float(stage.best_validation_loss), float(stage.training_loss), int(stage.num_epochs)
            if not isinstance(stage.loss_history, list):
                raise TypeError("loss_history must be a list")


def is_description(fields: dict[str, Any]) -> bool:
    """Whether a JSON object is one of these."""
    return fields.get("format") == FORMAT
