"""The noise of a stack, measured and drawn again, for training that adds it once more."""

from clearstack_engine.recorruption.measuring import measure_noise
from clearstack_engine.recorruption.noise_source import NoiseSource

__all__ = ["NoiseSource", "measure_noise"]
