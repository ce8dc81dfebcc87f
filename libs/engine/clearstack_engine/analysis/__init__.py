"""Noise analysis: how the noise of a stack is correlated, and the blind-spot mask that follows from it."""

from clearstack_engine.analysis.correlation import NoiseCorrelation
from clearstack_engine.analysis.extraction import (
    ExtractedMask,
    MaskExtractorConfig,
    OffsetCorrelation,
    extract_mask,
)
from clearstack_engine.analysis.inspection import Inspection, inspect_stack
from clearstack_engine.analysis.meter import CorrelationMeter
from clearstack_engine.analysis.noise_model import NoiseModel, NoiseModelMeter, measure_noise_model
from clearstack_engine.analysis.patterns import Pattern

__all__ = [
    "CorrelationMeter",
    "ExtractedMask",
    "Inspection",
    "MaskExtractorConfig",
    "NoiseCorrelation",
    "NoiseModel",
    "NoiseModelMeter",
    "OffsetCorrelation",
    "Pattern",
    "extract_mask",
    "inspect_stack",
    "measure_noise_model",
]
