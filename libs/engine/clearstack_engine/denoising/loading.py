"""Loads whichever kind of stage a folder holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from clearstack_engine.denoising.denoiser import DenoisedTile, Denoiser
from clearstack_engine.errors import ModelFilesError
from clearstack_engine.model.files import ModelCard
from clearstack_engine.reference.card import ReferenceCard, is_reference_card
from clearstack_engine.reference.denoiser import ReferenceDenoiser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray


class SliceDenoiser(Protocol):
    """What denoises one slice at a time."""

    @property
    def num_input_slices(self) -> int:
        """1, or 3 when the network wants the neighbouring slices too."""
        ...

    @property
    def device_name(self) -> str:
        """Such as `cpu (bfloat16)`."""
        ...

    def denoise_slice(
        self, slices_CYX: NDArray[np.generic], on_tile: Callable[[int, int], None] | None = None
    ) -> NDArray[np.float32]:
        """(C, Y, X) of any real dtype -> the clean middle slice, float32 (Y, X), in the same units."""
        ...

    def denoise_tiles(
        self, slices_CYX: NDArray[np.generic], on_tile: Callable[[int, int], None] | None = None
    ) -> Iterator[DenoisedTile]:
        """The same in pieces."""
        ...


def load_card(folder: Path) -> ModelCard | ReferenceCard:
    """Read model.json.

    Raises:
        ModelFilesError: it is missing, or not the description of a model.
    """
    try:
        text = (folder / "model.json").read_text(encoding="utf-8")
    except OSError as error:
        raise ModelFilesError(f"model.json cannot be read: {error.strerror}.") from error
    return ReferenceCard.from_json(text) if is_reference_card(text) else ModelCard.from_json(text)


def load_denoiser(folder: Path, device: str = "auto") -> SliceDenoiser:
    """A stage of ours, or of the reference implementation.

    Raises:
        ModelFilesError: the files are missing, broken or do not fit together.
    """
    if isinstance(load_card(folder), ReferenceCard):
        return ReferenceDenoiser.load(folder, device)
    return Denoiser.load(folder, device)
