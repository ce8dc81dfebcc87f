"""Trains one stage. `StageTrainer` is the way in."""

from clearstack_engine.training.progress import EpochReport, StepProgress
from clearstack_engine.training.trainer import StageTrainer

__all__ = ["EpochReport", "StageTrainer", "StepProgress"]
