"""`clearstack admin …`: for whoever looks after the installation."""

from pathlib import Path
from typing import Annotated

import typer
from clearstack.v1.admin_service_pb2 import RebuildRecordsRequest, RebuildRecordsResponse
from clearstack_embedded.errors import InstallationError
from clearstack_embedded.facility import write_facility
from rich.console import RenderableType

from clearstack_cli.connection import Client
from clearstack_cli.errors import CliError
from clearstack_cli.output import console, hint, note, print_json, say, table
from clearstack_cli.verb import JsonOption, connected, guarded

app = typer.Typer(no_args_is_help=True, help="Mend the installation.")


@app.callback()
def _group() -> None:
    """Makes a group of what has one verb."""


@app.command()
@connected
def rebuild(
    client: Client,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be restored, restore nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Restore what the broker has lost from the object store; what is there is left alone."""
    response = client.admin.RebuildRecords(RebuildRecordsRequest(validate_only=dry_run))
    if as_json:
        print_json(response)
        return
    console().print(_table(response, would=dry_run))
    for problem in response.problems:
        say(problem)
    if dry_run:
        hint("Nothing was changed; leave out --dry-run to restore.")


@app.command()
@guarded
def credentials(
    *,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="An empty folder; kept private.")],
    bucket: Annotated[str, typer.Option(help="The bucket of the store.")] = "clearstack",
) -> None:
    """Make keys and rights for a broker and a store of your own: Kubernetes secrets, NATS users, S3 policies."""
    try:
        written = write_facility(out, bucket)
    except InstallationError as error:
        raise CliError(str(error)) from error
    for path in written:
        say(str(path))
    note(
        "These are secrets: hand them to the cluster, then keep them where you keep such things, not in a repository."
    )


def _table(response: RebuildRecordsResponse, *, would: bool) -> RenderableType:
    return table(
        "records",
        "would be restored" if would else "restored",
        "of these unfinished, go on",
        "there already",
        right=["would be restored" if would else "restored", "of these unfinished, go on", "there already"],
        rows=(
            (
                each.collection,
                str(each.restored_count),
                str(each.resumed_count),
                str(each.present_count),
            )
            for each in response.rebuilt
        ),
    )
