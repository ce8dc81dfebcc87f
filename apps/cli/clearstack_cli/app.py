"""All verbs in one place."""

from importlib.metadata import version
from typing import Annotated

import typer

from clearstack_cli import admin, deadletters, denoisings, masks, models, rules, stacks, tokens, trainings
from clearstack_cli.demo import demo
from clearstack_cli.denoise import denoise
from clearstack_cli.doctor import doctor
from clearstack_cli.inspect import inspect
from clearstack_cli.presets import presets
from clearstack_cli.sample import sample
from clearstack_cli.train import train
from clearstack_cli.up import logs, status, up

_START, _WORK, _LOOK = "Start here", "Work", "Look after the installation"

app = typer.Typer(
    name="clearstack",
    add_completion=True,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Self-supervised denoising of microscopy stacks.",
)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"clearstack {version('clearstack')}")
        raise typer.Exit


@app.callback()
def _global(
    *,
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Self-supervised denoising of microscopy stacks."""
    del show_version


app.command(rich_help_panel=_START)(demo)
app.command(rich_help_panel=_START)(sample)
app.command(rich_help_panel=_START)(inspect)
app.command(rich_help_panel=_START)(denoise)
app.command(rich_help_panel=_WORK)(train)
app.add_typer(stacks.app, name="stacks", rich_help_panel=_WORK)
app.add_typer(trainings.app, name="trainings", rich_help_panel=_WORK)
app.add_typer(masks.app, name="mask", rich_help_panel=_WORK)
app.add_typer(models.app, name="models", rich_help_panel=_WORK)
app.add_typer(denoisings.app, name="denoisings", rich_help_panel=_WORK)
app.add_typer(rules.app, name="rules", rich_help_panel=_WORK)
app.command(rich_help_panel=_WORK)(presets)
app.command(rich_help_panel=_LOOK)(up)
app.command(rich_help_panel=_LOOK)(status)
app.command(rich_help_panel=_LOOK)(logs)
app.command(rich_help_panel=_LOOK)(doctor)
app.add_typer(deadletters.app, name="deadletters", rich_help_panel=_LOOK)
app.add_typer(admin.app, name="admin", rich_help_panel=_LOOK)
app.add_typer(tokens.app, name="tokens", rich_help_panel=_LOOK)
