"""What Clearstack is run with: its own presets, through its own translation; changed only by ablations."""

from __future__ import annotations

from dataclasses import dataclass

from clearstack.v1 import config_pb2
from clearstack.v1.config_pb2 import TrainingConfig
from clearstack.v1.job_pb2 import TrainStage
from clearstack_common.config.presets import preset_config
from clearstack_engine.config import StageConfig
from clearstack_trainer.plan import engine_config

from bench.ablations import ABLATIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One way to run it."""

    preset: str
    ablation: str
    seed: int
    uses_neighbours: bool

    def n2v(self) -> StageConfig:
        """N2V's only stage."""
        return self._stage(self._config(config_pb2.METHOD_N2V), 1)

    def stages(self) -> tuple[StageConfig, StageConfig]:
        """Both stages of autoStructN2V."""
        config = self._config(config_pb2.METHOD_AUTOSTRUCTN2V)
        return self._stage(config, 1), self._stage(config, 2)

    def mask(self) -> config_pb2.MaskExtractorConfig:
        """Of the mask extractor."""
        return self._config(config_pb2.METHOD_AUTOSTRUCTN2V).mask

    def _config(self, method: config_pb2.Method.ValueType) -> TrainingConfig:
        name = self.preset.upper().replace("-", "_")
        config = preset_config(method, config_pb2.Preset.Value(f"PRESET_{name}"))
        structured = method == config_pb2.METHOD_AUTOSTRUCTN2V
        stage = config.stage2 if structured else config.stage1
        for field, value in ABLATIONS[self.ablation].settings.items():
            setattr(stage, field, _enum(field, value))
        return config

    def _stage(self, config: TrainingConfig, stage: int) -> StageConfig:
        mode = config_pb2.MODE_2_5D if self.uses_neighbours else config_pb2.MODE_2D
        chosen = config.stage1 if stage == 1 else config.stage2
        return engine_config(TrainStage(stage=stage, config=chosen, seed=self.seed, mode=mode))


def _enum(field: str, value: bool | float | str) -> bool | float:
    if not isinstance(value, str):
        return value
    number: int = getattr(config_pb2, f"{field.upper()}_{value.upper()}")
    return number
