"""`clearstack doctor`: what is wrong with an installation, and how to mend it."""

import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import typer
from clearstack.v1 import admin_service_pb2 as pb
from clearstack_common.version import code_version
from clearstack_embedded.checks import check_folder
from clearstack_embedded.folder import data_folder
from rich.console import RenderableType
from rich.text import Text

from clearstack_cli.connection import connect, find_endpoint
from clearstack_cli.errors import CliError
from clearstack_cli.output import console, print_json, table
from clearstack_cli.verb import DataOption, EndpointOption, JsonOption, guarded

_OK, _WARN, _BAD = pb.VERDICT_OK, pb.VERDICT_WARN, pb.VERDICT_BAD
_SHOWN = {_OK: ("ok", "green"), _WARN: ("warn", "yellow"), _BAD: ("bad", "red")}
_SKEW_S = 120.0


@guarded
def doctor(*, endpoint: EndpointOption = None, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Check the installation from here to its last part; exit code 1 when something has to be mended."""
    response = pb.DiagnoseInstallationResponse(version=code_version())
    if not endpoint:
        response.findings.extend(_here(data_folder(data)))
    response.findings.extend(_there(find_endpoint(endpoint, data), response))
    if as_json:
        print_json(response)
    else:
        console().print(_table(response.findings))
    if any(finding.verdict == _BAD for finding in response.findings):
        raise typer.Exit(1)


def _here(folder: Path) -> list[pb.Finding]:
    return [
        pb.Finding(
            check=each.check,
            verdict=pb.Verdict.Value(f"VERDICT_{each.verdict.upper()}"),
            found=each.found,
            mend=each.mend,
        )
        for each in check_folder(folder)
    ]


def _there(endpoint: str | None, response: pb.DiagnoseInstallationResponse) -> list[pb.Finding]:
    """What the gateway says, and what is said of the gateway."""
    if endpoint is None:
        return [
            _gateway(_BAD, "No installation was named, and none runs here.", "Start one, or say --endpoint.")
        ]
    try:
        with connect(endpoint) as client:
            asked_s = time.time()
            answer = client.admin.DiagnoseInstallation(pb.DiagnoseInstallationRequest())
            took_s = time.time() - asked_s
    except CliError as error:
        mend = "The message says what to do; `doctor` needs a token of the role admin where tokens are asked for."
        return [_gateway(_BAD, error.message, mend)]
    response.version = answer.version
    response.time.CopyFrom(answer.time)
    skew_s = asked_s + took_s - answer.time.ToNanoseconds() / 1e9
    return [_version(endpoint, answer.version), _clock(max(abs(skew_s) - took_s, 0.0)), *answer.findings]


def _version(endpoint: str, there: str) -> pb.Finding:
    here, host = code_version(), urlsplit(f"//{endpoint.rpartition('//')[2]}").netloc
    found = f"The gateway at {host} answers, Clearstack {there}; this command line is {here}."
    if there == here:
        return _gateway(_OK, found)
    return _gateway(
        _WARN, found, "Take the same version on both sides; docs/operations/upgrade.md says in which order."
    )


def _clock(skew_s: float) -> pb.Finding:
    found = f"This machine's clock and the gateway's differ by {skew_s:.0f} s."
    if skew_s < _SKEW_S:
        return pb.Finding(check="clock", verdict=_OK, found=found)
    mend = "Set both by NTP: links and tokens are good for a time only."
    return pb.Finding(check="clock", verdict=_WARN, found=found, mend=mend)


def _gateway(verdict: "pb.Verdict.ValueType", found: str, mend: str = "") -> pb.Finding:
    return pb.Finding(check="gateway", verdict=verdict, found=found, mend=mend)


def _table(findings: Sequence[pb.Finding]) -> RenderableType:
    return table(
        "",
        "what",
        "found",
        "to do",
        rows=((Text(*_SHOWN[each.verdict]), each.check, each.found, each.mend) for each in findings),
    )
