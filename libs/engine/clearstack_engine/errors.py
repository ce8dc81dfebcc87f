"""What the engine refuses, in words that say how to mend it."""

from __future__ import annotations


class EngineError(Exception):
    """Base of everything that the engine raises on purpose."""


class StackError(EngineError):
    """The stack cannot be trained on or denoised: its shape, its size or its values."""


class ModelFilesError(EngineError):
    """The files of a model or a checkpoint do not fit together or are not what they claim to be."""


class ModelMismatchError(ModelFilesError):
    """The files of a model can be read, but do not fit together."""


class DeviceError(EngineError):
    """The device that was asked for is not there."""


class OutOfMemoryError(EngineError):
    """Not even a single patch or the smallest tile fits into memory."""
