"""One file from upload to result, and what to say when that is cut short."""

import dataclasses
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from clearstack.v1.denoising_pb2 import Denoising
from clearstack.v1.denoising_service_pb2 import CreateDenoisingRequest
from clearstack.v1.stack_service_pb2 import Stack
from clearstack.v1.training_pb2 import Training

from clearstack_cli import bars, states, words
from clearstack_cli.connection import Client
from clearstack_cli.denoising_view import follow_denoising
from clearstack_cli.errors import CliError, Interrupted
from clearstack_cli.following import follow
from clearstack_cli.output import console, note, print_json
from clearstack_cli.review import TerminalReview
from clearstack_cli.train import Wish, create


class Host(Enum):
    """What becomes of the installation when the command ends."""

    STAYS = auto()
    ENDS_WITH_US = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be done with each file."""

    wish: Wish
    dtype: str = ""
    model: str | None = None
    as_json: bool = False

    def with_model(self, name: str) -> "Order":
        """The same with the model's full name."""
        return dataclasses.replace(self, model=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class OneShot:
    """Denoises files one by one.

    Attributes:
        client: The installation.
        host: Whether it stays.
        order: What to do.
        is_interactive: Whether somebody can answer.
    """

    client: Client
    host: Host
    order: Order
    is_interactive: bool

    def run(self, source: Path, target: Path) -> None:
        """Makes `target` of `source`; with JSON the training (or denoising) goes to stdout.

        Raises:
            CliError: It failed, or a review is needed and nobody is there.
            Interrupted: Ctrl-C.
        """
        stack = bars.upload(self.client, source, stderr=self.order.as_json)
        for warning in stack.info.warnings:
            note(f"{source.name}: {warning}")
        run: Training | Denoising
        if self.order.model is None:
            run = self._trained(stack)
            result = self._result_of(run)
        else:
            run = self._denoised(stack.name, self.order.model)
            result = run.result_stack
        bars.download(self.client, result, target, stderr=self.order.as_json)
        if self.order.as_json:
            print_json(run)

    def _trained(self, stack: Stack) -> Training:
        training = create(self.client, stack.name, self.order.wish)
        try:
            ended = follow(self.client, training.name, on_review=self._review, stderr=self.order.as_json)
        except (KeyboardInterrupt, EOFError):
            raise Interrupted(self._farewell(training)) from None
        states.require_complete(ended)
        return ended

    def _result_of(self, training: Training) -> str:
        # A training's own result has the input's data type.
        if not self.order.dtype:
            return training.result_stack
        return self._denoised(training.stack, training.model).result_stack

    def _denoised(self, stack: str, model: str) -> Denoising:
        request = CreateDenoisingRequest(stack=stack, model=model, output_dtype=self.order.dtype)
        denoising = self.client.denoisings.CreateDenoising(request).denoising
        try:
            ended = follow_denoising(self.client, denoising.name, stderr=self.order.as_json)
        except KeyboardInterrupt:
            raise Interrupted(
                f"Interrupted. The denoising {words.short(denoising.name)} is kept in the installation: "
                f"see it with `clearstack denoisings show {words.short(denoising.name)}`."
            ) from None
        states.require_denoised(ended)
        return ended

    def _review(self, training: Training) -> None:
        if not self.is_interactive:
            raise CliError(_nobody_there(training, self.host))
        TerminalReview(self.client, console(stderr=self.order.as_json))(training)

    def _farewell(self, training: Training) -> str:
        short = words.short(training.name)
        if self.host is Host.STAYS:
            return (
                f"Interrupted. The training {short} goes on: follow it with `clearstack trainings watch {short}`, "
                f"end it with `clearstack trainings cancel {short}`."
            )
        return (
            f"Interrupted. The training {short} is kept and goes on when the same command is given again, or with "
            f"`clearstack up`; then `clearstack trainings cancel {short}` ends it."
        )


def _nobody_there(training: Training, host: Host) -> str:
    short = words.short(training.name)
    start = f"The mask of the training {short} waits for a review, and there is no terminal to ask at."
    if host is Host.ENDS_WITH_US:
        return (
            f"{start} Nothing is lost: run the same command again with --auto-approve, "
            f"or start `clearstack up` and then `clearstack mask approve {short}`."
        )
    return "\n".join(
        [
            start,
            f"  See it:          clearstack mask show {short}",
            f"  Approve it:      clearstack mask approve {short}",
            f"  Follow it:       clearstack trainings watch {short}",
            f"  Get the result:  clearstack trainings show {short}, then clearstack stacks download STACK -o OUT.tif",
            "Or run again with --auto-approve.",
        ]
    )
