"""`clearstack train`: start trainings."""

import dataclasses
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from clearstack.v1.config_pb2 import TrainingConfig
from clearstack.v1.training_pb2 import Training
from clearstack.v1.training_service_pb2 import CreateTrainingRequest

from clearstack_cli import bars, overrides, paths, words
from clearstack_cli.connection import Client
from clearstack_cli.inspect import choose
from clearstack_cli.output import print_json, say
from clearstack_cli.overrides import SetOption
from clearstack_cli.paging import stack_name
from clearstack_cli.trainings import watch_to_end
from clearstack_cli.verb import JsonOption, connected
from clearstack_cli.words import MethodName, ModeName, PresetName

MethodOption = Annotated[
    MethodName,
    typer.Option(
        "--method",
        case_sensitive=False,
        help="n2v for random noise, autostructn2v for structured noise, auto to have it measured.",
    ),
]
ModeOption = Annotated[
    ModeName | None,
    typer.Option(
        "--mode",
        case_sensitive=False,
        help="2d, or 2.5d with the two neighbouring slices.",
        show_default="2d; with --method auto, the better one",
    ),
]
PresetOption = Annotated[
    PresetName, typer.Option("--preset", case_sensitive=False, help="How much time to take.")
]
AutoApproveOption = Annotated[
    bool, typer.Option("--auto-approve", help="Go on with the mask that is found, without a review.")
]
SeedOption = Annotated[
    int | None,
    typer.Option("--seed", min=0, help="For the same result again.", show_default="drawn at random"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How to train, as asked for."""

    method: MethodName = MethodName.N2V
    mode: ModeName | None = None
    preset: PresetName = PresetName.BALANCED
    config: TrainingConfig
    auto_approve: bool = False
    priority: int = 0
    session: str = ""
    display_name: str = ""

    def request(self, stack: str) -> CreateTrainingRequest:
        """The call that asks for it."""
        return CreateTrainingRequest(
            stack=stack,
            method=self.method.proto,
            mode=(self.mode or ModeName.TWO_D).proto,
            preset=self.preset.proto,
            config=self.config,
            auto_approve=self.auto_approve,
            priority=self.priority,
            display_name=self.display_name,
            session=self.session,
            request_id=uuid.uuid4().hex,
        )


def config_of(assignments: list[str] | None, seed: int | None) -> TrainingConfig:
    """What differs from the preset.

    Raises:
        UsageError: Something that cannot be set.
    """
    config = overrides.parse(assignments or [])
    if seed is not None:
        config.seed = seed
    return config


def create(client: Client, stack: str, wish: Wish) -> Training:
    """Starts a training on a stack; with the method `auto`, looks at it first."""
    if wish.method is MethodName.AUTO:
        method, mode = choose(client, stack, wish.mode)
        wish = dataclasses.replace(wish, method=method, mode=mode)
    return client.trainings.CreateTraining(wish.request(stack)).training


@connected
def train(
    client: Client,
    stacks: Annotated[
        list[str],
        typer.Argument(metavar="STACK", help="Id of a stack, or a TIFF file, which is uploaded first."),
    ],
    *,
    method: MethodOption = MethodName.N2V,
    mode: ModeOption = None,
    preset: PresetOption = PresetName.BALANCED,
    assignments: SetOption = None,
    auto_approve: AutoApproveOption = False,
    seed: SeedOption = None,
    priority: Annotated[int, typer.Option("--priority", help="Higher goes first.")] = 0,
    session: Annotated[str, typer.Option("--session", help="Groups models.", show_default="default")] = "",
    display_name: Annotated[str, typer.Option("--name", help="What to call the training.")] = "",
    watch: Annotated[bool, typer.Option("--watch", help="Follow it to its end.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Start a training on each stack; returns at once with its id."""
    wish = Wish(
        method=method,
        mode=mode,
        preset=preset,
        config=config_of(assignments, seed),
        auto_approve=auto_approve,
        priority=priority,
        session=session,
        display_name=display_name,
    )
    names = [_stack(client, text, as_json=as_json) for text in stacks]
    trainings = [create(client, name, wish) for name in names]
    for training in trainings:
        if not (watch and as_json):
            _announce(training, as_json=as_json)
    for training in trainings if watch else []:
        watch_to_end(client, training.name, as_json=as_json)


def _stack(client: Client, text: str, *, as_json: bool) -> str:
    path = Path(text)
    if path.exists() or path.suffix.lower() in {".tif", ".tiff"}:
        paths.check_input(path)
        return bars.upload(client, path, stderr=as_json).name
    return stack_name(client, text)


def _announce(training: Training, *, as_json: bool) -> None:
    if as_json:
        print_json(training)
    else:
        say(words.short(training.name))
