"""The review in the terminal: show the mask, ask, do."""

from collections.abc import Callable

import grpc
from clearstack.v1 import mask_pb2
from clearstack.v1.config_pb2 import MaskExtractorConfig
from clearstack.v1.mask_service_pb2 import (
    ApproveMaskRequest,
    GetMaskRequest,
    RegenerateMaskRequest,
    SkipStageTwoRequest,
)
from clearstack.v1.training_pb2 import Training
from clearstack.v1.training_service_pb2 import CancelTrainingRequest
from clearstack_client.errors import status_code
from rich.console import Console
from rich.prompt import FloatPrompt, IntPrompt, Prompt

from clearstack_cli import mask_view
from clearstack_cli.connection import Client
from clearstack_cli.errors import from_rpc
from clearstack_cli.output import complain

_DEFAULTS = {mask_pb2.REVIEW_ADVICE_SKIP_STAGE_TWO: "s", mask_pb2.REVIEW_ADVICE_REGENERATE: "r"}


class TerminalReview:
    """Asks the person at the terminal what to do with a mask, and has it done.

    Args:
        client: The installation.
        console: Where the person is.
    """

    def __init__(self, client: Client, console: Console) -> None:
        self._client = client
        self._console = console
        self._actions: dict[str, Callable[[Training], None]] = {
            "a": self._approve,
            "r": self._regenerate,
            "s": self._skip,
            "c": self._cancel,
        }

    def __call__(self, training: Training) -> None:
        """Shows the mask and does what is answered; asks again where the installation refuses it.

        Raises:
            EOFError: The person closed the input.
        """
        mask = self._client.masks.GetMask(GetMaskRequest(training=training.name)).mask
        self._console.print(mask_view.page(mask))
        while True:
            answer = Prompt.ask(
                r"\[a]pprove, \[r]egenerate, \[s]kip stage 2, \[c]ancel",
                console=self._console,
                choices=list(self._actions),
                show_choices=False,
                default=_DEFAULTS.get(mask.summary.advice, "a"),
            )
            try:
                return self._actions[answer](training)
            except grpc.RpcError as error:
                if status_code(error) is not grpc.StatusCode.INVALID_ARGUMENT:
                    raise
                complain(from_rpc(error, self._client.endpoint).message)

    def _approve(self, training: Training) -> None:
        self._client.masks.ApproveMask(ApproveMaskRequest(training=training.name))

    def _skip(self, training: Training) -> None:
        self._client.masks.SkipStageTwo(SkipStageTwoRequest(training=training.name))

    def _cancel(self, training: Training) -> None:
        self._client.trainings.CancelTraining(CancelTrainingRequest(name=training.name))

    def _regenerate(self, training: Training) -> None:
        now = training.config.mask
        config = MaskExtractorConfig(
            base_percentile=FloatPrompt.ask(
                "Base percentile (0 to 100, higher = fewer pixels)",
                console=self._console,
                default=now.base_percentile,
            ),
            percentile_decay=FloatPrompt.ask(
                "Percentile decay (1 to 2, higher = fewer far pixels)",
                console=self._console,
                default=now.percentile_decay,
            ),
            max_masked_pixels=IntPrompt.ask(
                "Active pixels at most (1 to 500)", console=self._console, default=now.max_masked_pixels
            ),
        )
        self._client.masks.RegenerateMask(RegenerateMaskRequest(training=training.name, config=config))
