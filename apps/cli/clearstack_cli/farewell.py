"""What to say when a one-shot ends before its training does."""

from enum import Enum, auto

from clearstack.v1.training_pb2 import Training

from clearstack_cli import words
from clearstack_cli.connection import Client


class Host(Enum):
    """What becomes of the installation when the command ends."""

    STAYS = auto()
    ENDS_WITH_US = auto()


def interrupted(client: Client, training: Training, host: Host) -> str:
    """After Ctrl-C."""
    short = words.short(training.name)
    cancel = client.command(f"trainings cancel {short}")
    if host is Host.STAYS:
        watch = client.command(f"trainings watch {short}")
        return f"Interrupted. The training {short} goes on: follow it with {watch}, or end it with {cancel}."
    return (
        f"Interrupted. The training {short} is kept, and goes on when the same command is given again or with "
        f"{client.command('up')}; {cancel} ends it while that runs."
    )


def nobody_there(client: Client, training: Training, host: Host) -> str:
    """When a mask needs a review and there is no terminal."""
    short = words.short(training.name)
    start = f"The mask of the training {short} waits for a review, and there is no terminal to ask at."
    if host is Host.ENDS_WITH_US:
        return (
            f"{start} Nothing is lost: give the same command again with --auto-approve; "
            f"or start {client.command('up')}, see the mask with {client.command('mask show ' + short)} and go on with "
            f"{client.command('mask approve ' + short)}."
        )
    steps = {
        "See it": f"mask show {short}",
        "Approve it": f"mask approve {short}",
        "Follow it": f"trainings watch {short}",
        "Get the result": f"trainings download {short} -o OUT.tif",
    }
    lines = [f"  {label + ':':16}{client.command(verb).strip('`')}" for label, verb in steps.items()]
    return "\n".join([start, *lines, "The next time, --auto-approve goes on without asking."])
