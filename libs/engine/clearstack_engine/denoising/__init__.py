"""Denoises slices with a trained stage. `load_denoiser` is the way in."""

from clearstack_engine.denoising.denoiser import DenoisedTile, Denoiser
from clearstack_engine.denoising.loading import SliceDenoiser, load_card, load_denoiser
from clearstack_engine.denoising.triplets import triplet

__all__ = ["DenoisedTile", "Denoiser", "SliceDenoiser", "load_card", "load_denoiser", "triplet"]
