"""The page's server as a process of this machine. It faces browsers, so it is given no key of anything."""

import importlib.metadata
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from cryptography import x509

from clearstack_embedded.settings import BUCKET, Exposure
from clearstack_embedded.spec import ProcessSpec
from clearstack_embedded.wiring import Wiring

WEB = "web"
# What a program needs to run, and what a person may have set for the page and for the way from it to the gateway.
_KEPT = ("HOME", "PATH", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
_CHOSEN = ("CLEARSTACK_WEB_HOSTS", "CLEARSTACK_CLIENT_CERT", "CLEARSTACK_CLIENT_KEY")


def web(wiring: Wiring) -> ProcessSpec:
    """How the page's server is started."""
    settings = _settings(wiring) | _exposure(wiring.config.exposure, os.environ)
    kept = {name: os.environ[name] for name in (*_KEPT, *_CHOSEN) if name in os.environ}
    named = {f"CLEARSTACK_{key}": value for key, value in settings.items()}
    return ProcessSpec(
        name=WEB,
        command=(sys.executable, "-P", "-m", "clearstack_web"),
        environment={**kept, **named, "PYTHONUNBUFFERED": "1", **wiring.mark},
        probe="http",
        address=wiring.web_health,
        log=wiring.folder.log(WEB),
        version=importlib.metadata.version("clearstack"),
    )


def _settings(wiring: Wiring) -> dict[str, str]:
    settings = {
        "WEB_ADDRESS": wiring.web_address,
        "ENDPOINT": wiring.endpoint,
        "S3_ENDPOINT": wiring.s3_address,
        "S3_SECURE": "false",
        "S3_BUCKET": BUCKET,
        "LOG_FORMAT": "json",
        "LOG_LEVEL": wiring.config.log_level,
        "INSTANCE": WEB,
    }
    if wiring.web_health != wiring.web_address:
        settings["HEALTH_ADDRESS"] = wiring.web_health
    return settings


def _exposure(chosen: Exposure, environment: Mapping[str, str]) -> dict[str, str]:
    """The page is protected as the gateway is, and believes the gateway by its very certificate."""
    asks = chosen.tokens is not None or bool(environment.get("CLEARSTACK_OIDC_ISSUER"))
    settings = {"WEB_AUTH": "token" if asks else "none", "INSECURE": chosen.insecure}
    files = {"TLS_CERT": chosen.tls_cert, "TLS_KEY": chosen.tls_key, "TLS_CLIENT_CA": chosen.tls_client_ca}
    settings |= {key: str(path.absolute()) for key, path in files.items() if path is not None}
    if chosen.tls_cert is not None:
        settings |= {"CA": str(chosen.tls_cert.absolute()), "ENDPOINT_NAME": name_in(chosen.tls_cert)}
    return settings


def name_in(certificate: Path) -> str:
    """A name by which a server with this certificate (PEM) may be called; empty = none was found."""
    try:
        found = x509.load_pem_x509_certificate(certificate.read_bytes()).extensions
        names = found.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound):
        return ""
    known = [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]
    return known[0].replace("*", "clearstack", 1) if known else ""
