# Written by tools/unasync.py from its counterpart in _async: change that one.
"""The client of one installation."""

import logging
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

from clearstack.v1.training_pb2 import Training
from numpy.typing import NDArray

from clearstack_client._sync.connection import Connection
from clearstack_client._sync.denoisings import Denoisings
from clearstack_client._sync.masks import Masks
from clearstack_client._sync.models import Models
from clearstack_client._sync.stacks import Source, Stacks
from clearstack_client._sync.trainings import Trainings
from clearstack_client.access import Access
from clearstack_client.errors import ClearstackError
from clearstack_client.order import Order
from clearstack_client.progress import ignore

_LOG = logging.getLogger("clearstack_client")


class Client:
    """Everything that an installation can do; to be closed, or used in a `with` block.

    Attributes:
        stacks: TIFF files: upload, download, inspect.
        trainings: Start, watch, cancel.
        masks: The review between the stages of autoStructN2V.
        models: List, export, import.
        denoisings: Models on further stacks, and the reports.
        grpc: The services as gRPC has them, for what is not offered here.

    Args:
        endpoint: "host:port", with "https://" in front for TLS; default: CLEARSTACK_ENDPOINT.
        token: Default: CLEARSTACK_TOKEN, or what is in CLEARSTACK_TOKEN_FILE.
        ca: PEM file of the CA of the installation's certificate; default: CLEARSTACK_CA, else this machine's.
        client_cert: PEM file, for mutual TLS; default: CLEARSTACK_CLIENT_CERT.
        client_key: PEM file; default: CLEARSTACK_CLIENT_KEY.
        patience_s: How long transfers and watches wait for an installation that has gone away.
        tell: Is given one sentence when the connection is lost, and one when it is back; default: the log.

    Raises:
        ClearstackError: No endpoint, or a file or token that cannot be used.
    """

    def __init__(
        self,
        endpoint: str = "",
        *,
        token: str | None = None,
        ca: str | None = None,
        client_cert: str | None = None,
        client_key: str | None = None,
        patience_s: float = 300.0,
        tell: Callable[[str], None] = _LOG.warning,
    ) -> None:
        access = Access.of(endpoint, token=token, ca=ca, client_cert=client_cert, client_key=client_key)
        self.grpc = Connection(access, tell=tell, patience_s=patience_s)
        self.stacks = Stacks(self.grpc)
        self.trainings = Trainings(self.grpc)
        self.masks = Masks(self.grpc)
        self.models = Models(self.grpc)
        self.denoisings = Denoisings(self.grpc)

    def denoise(
        self,
        source: Source,
        *,
        pixel_size_um: float | None = None,
        z_step_um: float | None = None,
        **order: Unpack[Order],
    ) -> NDArray[Any]:
        """From noisy to clean in one call: sends, learns (or uses a model), fetches the result.

        The mask of autoStructN2V is taken as it is found; for a review start the training with `trainings.create`.
        Whatever ends the call early (Ctrl-C, a cancelled task, an error of `progress`) cancels the run, too.

        Args:
            source: A path, or an array of shape (Y, X) or (Z, Y, X).
            pixel_size_um: Of an array, along x and y.
            z_step_um: Of an array.
            order: How; see `Order`.

        Returns:
            The result, of the shape and (unless `output_dtype` says otherwise) the dtype of the input.

        Raises:
            RunEnded: The run failed or was cancelled.
            ClearstackError: Something was refused, or the installation cannot be reached any more.
        """
        progress = order.get("progress", ignore)
        stack = self.stacks.upload(
            source, pixel_size_um=pixel_size_um, z_step_um=z_step_um, progress=progress
        )
        found = self.stacks.to_array(self._result(stack.name, order), progress=progress)
        return found if isinstance(source, str | Path) else found.reshape(source.shape)

    def denoise_file(self, source: Path | str, target: Path | str, **order: Unpack[Order]) -> Path:
        """As `denoise`, from file to file: axes, pixel size and metadata stay.

        Raises:
            RunEnded: The run failed or was cancelled.
            ClearstackError: Something was refused, or the installation cannot be reached any more.
            OSError: A file cannot be read or written.
        """
        progress = order.get("progress", ignore)
        stack = self.stacks.upload(source, progress=progress)
        return self.stacks.download(self._result(stack.name, order), target, progress=progress)

    def _result(self, stack: str, order: Order) -> str:
        """The name of the stack that comes of it."""
        model, dtype = order.get("model", ""), order.get("output_dtype", "")
        if not model:
            training = self._train(stack, order)
            if not dtype:  # a training's own result has the input's
                return training.result_stack
            model = training.model
        progress = order.get("progress", ignore)
        denoising = self.denoisings.create(stack, model, output_dtype=dtype)
        try:
            return (self.denoisings.wait(denoising.name, progress=progress)).result_stack
        except BaseException as error:
            if not isinstance(error, ClearstackError):
                self.denoisings.cancel(denoising.name)
            raise

    def _train(self, stack: str, order: Order) -> Training:
        training = self.trainings.create(
            stack,
            method=order.get("method", "n2v"),
            mode=order.get("mode"),
            preset=order.get("preset", "balanced"),
            config=order.get("config"),
            auto_approve=True,
        )
        try:
            return self.trainings.wait(training.name, progress=order.get("progress", ignore))
        except BaseException as error:
            if not isinstance(error, ClearstackError):
                self.trainings.cancel(training.name)
            raise

    def close(self) -> None:
        """Ends every call."""
        self.grpc.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
