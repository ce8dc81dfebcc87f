"""Clearstack's own services as processes of this machine."""

import importlib.metadata
import json
import os
import re
import sys

from clearstack_common.permissions import GATEWAY

from clearstack_embedded.folder import write_private
from clearstack_embedded.ports import HOST
from clearstack_embedded.settings import BUCKET
from clearstack_embedded.spec import ProcessSpec
from clearstack_embedded.web import web
from clearstack_embedded.wiring import Wiring

_NUMBER = re.compile(r"-\d+$")  # trainer-2 is a trainer
# A service imports scientific libraries first; on a cold disk that takes its time.
# Threads that wait for each other sleep instead of spinning. On a machine that does other things too, spinning makes
# training several times slower (2 cores, load 6: 6 patches/s against 39).
_PATIENT_THREADS = {"OMP_WAIT_POLICY": "passive"}
_START_TIMEOUT_S = 120.0
_METRICS_ADDRESS = "CLEARSTACK_METRICS_ADDRESS"


def services(wiring: Wiring) -> list[ProcessSpec]:
    """The gateway, the trainers, the mask extractor, the inference workers, and the page if it is wanted."""
    trainers = _numbered("trainer", wiring.config.num_trainers)
    inference = _numbered("inference", wiring.config.num_inference_workers)
    modules = {GATEWAY: "clearstack_gateway"}
    modules |= dict.fromkeys(trainers, "clearstack_trainer")
    modules |= {"mask-extractor": "clearstack_mask_extractor"}
    modules |= dict.fromkeys(inference, "clearstack_inference")
    specs = [
        # -P: a file of the user's folder that is called like a module must not be imported.
        service(wiring, name, (sys.executable, "-P", "-m", module), _address(wiring, name))
        for name, module in modules.items()
    ]
    if wiring.page:
        specs.append(web(wiring))
    _tell_prometheus(wiring, specs)
    return specs


def _tell_prometheus(wiring: Wiring, specs: list[ProcessSpec]) -> None:
    pages = {spec.name: spec.environment.get(_METRICS_ADDRESS) for spec in specs}
    targets = [
        {"targets": [page], "labels": {"clearstack_process": name}} for name, page in pages.items() if page
    ]
    write_private(wiring.folder.metrics, json.dumps(targets, indent=2) + "\n")


def _numbered(name: str, count: int) -> list[str]:
    return [name, *(f"{name}-{number}" for number in range(2, count + 1))]


def service(wiring: Wiring, name: str, command: tuple[str, ...], address: str) -> ProcessSpec:
    """A process that is configured as Clearstack's services are and answers gRPC health on `address`."""
    scratch = wiring.folder.scratch(name)
    scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
    return ProcessSpec(
        name=name,
        command=command,
        environment={
            **_PATIENT_THREADS,
            **os.environ,
            **_settings(wiring, name, address),
            **(_exposure(wiring) if name == GATEWAY else {}),
            **wiring.mark,
        },
        probe="grpc",
        address=address,
        log=wiring.folder.log(name),
        version=importlib.metadata.version("clearstack"),
        start_timeout_s=_START_TIMEOUT_S,
    )


def _address(wiring: Wiring, name: str) -> str:
    return wiring.gateway_health if name == GATEWAY else f"{HOST}:{wiring.ports.take(name)}"


def _settings(wiring: Wiring, name: str, address: str) -> dict[str, str]:
    account = wiring.credentials.of(_NUMBER.sub("", name))
    settings = {
        "NATS_URL": wiring.nats_url,
        "NATS_CA": str(wiring.broker_certificate.authority),
        "NATS_NKEY_SEED": account.nkey_seed,
        "S3_ENDPOINT": wiring.s3_address,
        "S3_ACCESS_KEY": account.s3_access_key,
        "S3_SECRET_KEY": account.s3_secret_key,
        "S3_SECURE": "false",
        "S3_BUCKET": BUCKET,
        "GRPC_ADDRESS": address,
        # Set in any case: the caller's own would be the same for all.
        "METRICS_ADDRESS": f"{HOST}:{wiring.ports.take(f'metrics.{name}')}" if wiring.config.metrics else "",
        "SCRATCH": str(wiring.folder.scratch(name)),
        "LOG_FORMAT": "json",
        "LOG_LEVEL": wiring.config.log_level,
        "INSTANCE": name,
    }
    unbuffered = {"PYTHONUNBUFFERED": "1"}  # so that a traceback is in the log before a kill
    return {f"CLEARSTACK_{key}": value for key, value in settings.items()} | unbuffered


def _exposure(wiring: Wiring) -> dict[str, str]:
    chosen = wiring.config.exposure
    files = {
        "TLS_CERT": chosen.tls_cert,
        "TLS_KEY": chosen.tls_key,
        "TLS_CLIENT_CA": chosen.tls_client_ca,
        "TOKENS_FILE": chosen.tokens,
    }
    settings = {key: str(path.absolute()) for key, path in files.items() if path is not None}
    settings |= {"GRPC_ADDRESS": wiring.gateway_address, "INSECURE": chosen.insecure}
    if wiring.gateway_health != wiring.gateway_address:
        settings["HEALTH_ADDRESS"] = wiring.gateway_health
    return {f"CLEARSTACK_{key}": value for key, value in settings.items()}
