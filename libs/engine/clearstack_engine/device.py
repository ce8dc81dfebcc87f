"""Which device computes, and in which precision."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from clearstack_engine.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

DeviceChoice = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A torch device with the precision that pays there."""

    device: torch.device
    precision: torch.dtype

    @classmethod
    def choose(cls, choice: str = "auto") -> Device:
        """`auto` takes CUDA where there is one; bfloat16 where the hardware multiplies in it.

        Raises:
            DeviceError: CUDA was asked for and is not there.
        """
        has_cuda = torch.cuda.is_available()
        if choice == "cuda" and not has_cuda:
            raise DeviceError("There is no CUDA device here: use `auto` or `cpu`.")
        kind = choice if choice != "auto" else ("cuda" if has_cuda else "cpu")
        fast = torch.cuda.is_bf16_supported() if kind == "cuda" else _cpu_multiplies_bfloat16()
        return cls(device=torch.device(kind), precision=torch.bfloat16 if fast else torch.float32)

    @property
    def name(self) -> str:
        """Such as `cpu (bfloat16)`."""
        kind = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else self.device.type
        return f"{kind} ({str(self.precision).removeprefix('torch.')})"

    @property
    def is_asynchronous(self) -> bool:
        """Whether it computes on while the program goes on."""
        return self.device.type == "cuda"

    def upload(self, array: NDArray[np.generic]) -> torch.Tensor:
        """The array on the device; on CUDA by way of pinned memory, so that nobody waits for the copy."""
        tensor = torch.from_numpy(array)
        if not self.is_asynchronous:
            return tensor.to(self.device)
        return tensor.pin_memory().to(self.device, non_blocking=True)

    def download(self, tensor: torch.Tensor) -> Callable[[], NDArray[np.float32]]:
        """Begin to fetch a tensor; the function waits until it is there, and for nothing that was begun later."""
        if not self.is_asynchronous:
            return tensor.numpy
        host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        host.copy_(tensor, non_blocking=True)
        copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
        copied.record()

        def wait() -> NDArray[np.float32]:
            copied.synchronize()
            fetched: NDArray[np.float32] = host.numpy()
            return fetched

        return wait

    def autocast(self) -> AbstractContextManager[object]:
        """The context in which a network's forward pass belongs."""
        if self.precision == torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.precision)


def _cpu_multiplies_bfloat16() -> bool:
    # oneDNN emulates bfloat16 on any AVX-512 CPU, slower than float32: ask for the instructions themselves.
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
