"""One file from upload to result."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from clearstack.v1.denoising_pb2 import Denoising
from clearstack.v1.training_pb2 import Training

from clearstack_cli import bars, states, unfinished, words
from clearstack_cli.connection import Client
from clearstack_cli.denoising_view import follow_denoising
from clearstack_cli.errors import CliError, Interrupted
from clearstack_cli.farewell import Host, interrupted, nobody_there
from clearstack_cli.following import follow
from clearstack_cli.output import console, note, print_json
from clearstack_cli.review import TerminalReview
from clearstack_cli.train import Wish, create


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be done with each file.

    Attributes:
        wish: How to train.
        dtype: Of the result; empty = the input's.
        model: Use this one instead of training.
        as_json: Results as JSON, progress to stderr.
    """

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
        host: What becomes of it afterwards.
        order: What to do.
        is_interactive: Whether somebody can answer.
    """

    client: Client
    host: Host
    order: Order
    is_interactive: bool

    def run(self, source: Path, target: Path) -> Training | Denoising:
        """Makes `target` of `source`; with JSON the training (or denoising) goes to stdout. Returns it.

        Raises:
            CliError: It failed, or a review is needed and nobody is there.
            Interrupted: Ctrl-C.
        """
        run: Training | Denoising
        if self.order.model is None:
            run = self._trained(source)
            result = self._result_of(run)
        else:
            run = self._denoised(self._uploaded(source), self.order.model)
            result = run.result_stack
        bars.download(self.client, result, target, stderr=self.order.as_json)
        if self.order.as_json:
            print_json(run)
        return run

    def _uploaded(self, source: Path) -> str:
        stack = bars.upload(self.client, source, stderr=self.order.as_json)
        for warning in stack.info.warnings:
            note(f"{source.name}: {warning}")
        return stack.name

    def _trained(self, source: Path) -> Training:
        training = self._taken_up(source) or create(self.client, self._uploaded(source), self.order.wish)
        try:
            ended = follow(self.client, training.name, on_review=self._review, stderr=self.order.as_json)
        except (KeyboardInterrupt, EOFError):
            raise Interrupted(interrupted(self.client, training, self.host)) from None
        states.require_complete(ended)
        return ended

    def _taken_up(self, source: Path) -> Training | None:
        """What an earlier, interrupted command of this kind has left in our own data folder."""
        if self.host is Host.STAYS:
            return None  # there it was not interrupted, and may be somebody else's
        waiting = unfinished.trainings(self.client)
        found = unfinished.same(self.client, waiting, source, self.order.wish)
        if found is not None:
            note(f"Going on with the training {words.short(found.name)} of an earlier command for this file.")
            return unfinished.take_up(self.client, found, self.order.wish)
        if others := unfinished.that_compute(waiting):
            note(unfinished.first_come(self.client, others))
        return None

    def _result_of(self, training: Training) -> str:
        # A training's own result has the input's data type.
        if not self.order.dtype:
            return training.result_stack
        return self._denoised(training.stack, training.model).result_stack

    def _denoised(self, stack: str, model: str) -> Denoising:
        denoising = self.client.api.denoisings.create(stack, model, output_dtype=self.order.dtype)
        try:
            ended = follow_denoising(self.client, denoising.name, stderr=self.order.as_json)
        except KeyboardInterrupt:
            short = words.short(denoising.name)
            raise Interrupted(
                f"Interrupted. The denoising {short} is kept in the installation: "
                f"see it with {self.client.command('denoisings show ' + short)}, "
                f"end it with {self.client.command('denoisings cancel ' + short)}."
            ) from None
        states.require_denoised(ended)
        for each in ended.notes:
            note(each)
        return ended

    def _review(self, training: Training) -> None:
        if not self.is_interactive:
            raise CliError(nobody_there(self.client, training, self.host))
        TerminalReview(self.client, console(stderr=self.order.as_json))(training)
