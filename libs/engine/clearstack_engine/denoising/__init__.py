"""Denoises slices with a trained stage. `Denoiser` is the way in."""

from clearstack_engine.denoising.denoiser import Denoiser
from clearstack_engine.denoising.triplets import triplet

__all__ = ["Denoiser", "triplet"]
