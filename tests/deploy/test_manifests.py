"""deploy/k8s: valid, and as strict as it says."""

import re
from pathlib import Path
from typing import Any

import pytest
from clearstack_common import subjects
from clearstack_common.health import LIVENESS, READINESS
from clearstack_common.settings import ServiceSettings
from clearstack_gateway.settings import GatewaySettings
from clearstack_inference.settings import InferenceSettings
from clearstack_web.settings import WebSettings
from deploy.conftest import Object, named

SERVICES = {"gateway", "trainer", "mask-extractor", "inference"}
_NAME = "app.kubernetes.io/name"


def test_every_object_is_valid_in_three_minors(built: dict[str, Any]) -> None:
    """Strictly: a field that is not in the schema is an error."""
    assert built["problems"] == []
    assert all(len(objects) > 25 for objects in built["overlays"].values())


def test_no_pod_has_rights_that_it_does_not_need(pods: dict[str, Object]) -> None:
    """Not root, nothing to write but volumes, no capability, no token of the API: `restricted`."""
    assert set(pods) >= SERVICES
    for name, template in pods.items():
        spec = template["spec"]
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] >= 10_000, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), name
        assert all("hostPath" not in volume for volume in spec["volumes"]), name
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name


def test_every_container_is_limited_probed_and_of_one_version(pods: dict[str, Object]) -> None:
    """Requests and limits of processor and memory, three probes, an image with a tag that stays."""
    for name, template in pods.items():
        for container in template["spec"]["containers"]:
            for part in ("requests", "limits"):
                assert {"cpu", "memory"} <= container["resources"][part].keys(), name
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys(), name
            image, _, tag = container["image"].rpartition(":")
            assert image, name
            assert tag not in {"", "latest"}, name
            assert all("sizeLimit" in v["emptyDir"] for v in template["spec"]["volumes"] if "emptyDir" in v)


def test_probes_ask_for_what_the_health_server_knows(pods: dict[str, Object]) -> None:
    """By gRPC, on a port of the container; a broker that is away restarts nobody."""
    for name in SERVICES:
        [container] = pods[name]["spec"]["containers"]
        ports = {port["containerPort"] for port in container["ports"]}
        wanted = {"startupProbe": LIVENESS, "readinessProbe": READINESS, "livenessProbe": LIVENESS}
        for probe, service in wanted.items():
            assert container[probe]["grpc"]["service"] == service
            assert container[probe]["grpc"]["port"] in ports


def _environment(objects: list[Object], template: Object) -> dict[str, str]:
    """What a service finds, but for its secrets."""
    [container] = template["spec"]["containers"]
    maps = [each["configMapRef"]["name"] for each in container["envFrom"] if "configMapRef" in each]
    return {key: value for name in maps for key, value in named(objects, "ConfigMap", name)["data"].items()}


def test_the_settings_are_those_of_the_services(
    objects: list[Object], pods: dict[str, Object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real classes load the rendered ConfigMaps; every variable is one of theirs, and the API is protected."""
    classes: dict[str, type[ServiceSettings]] = {"gateway": GatewaySettings, "inference": InferenceSettings}
    for name in SERVICES:
        environment = _environment(objects, pods[name])
        kind = classes.get(name, ServiceSettings)
        known = {f"CLEARSTACK_{field.upper()}" for field in kind.model_fields}
        assert environment.keys() <= known, name
        with monkeypatch.context() as patch:
            for key, value in environment.items():
                patch.setenv(key, value)
            settings = kind()
        assert settings.nats_url.startswith("tls://")
        assert settings.stop_grace_s < pods[name]["spec"]["terminationGracePeriodSeconds"]
        ports = {port["containerPort"] for port in pods[name]["spec"]["containers"][0]["ports"]}
        assert int(settings.grpc_address.rpartition(":")[2]) in ports
        assert int(settings.metrics_address.rpartition(":")[2]) in ports
        if isinstance(settings, GatewaySettings):
            assert settings.problem() == ""
            assert settings.has_tls
            assert settings.has_access_control


def test_the_page_has_settings_of_its_own_and_no_keys(
    built: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It faces browsers: TLS, tokens, and no secret among its variables."""
    objects = built["overlays"]["facility"]
    template = named(objects, "Deployment", "web")["spec"]["template"]
    [container] = template["spec"]["containers"]
    assert all("secretRef" not in each for each in container["envFrom"])
    for key, value in _environment(objects, template).items():
        monkeypatch.setenv(key, value)
    settings = WebSettings()
    assert settings.problem() == ""
    assert settings.web_auth == "token"
    assert settings.endpoint.startswith("https://")


def test_what_is_read_is_mounted(objects: list[Object], pods: dict[str, Object]) -> None:
    """Each path among the settings is below a mount of the container."""
    for name in SERVICES:
        [container] = pods[name]["spec"]["containers"]
        mounts = [Path(mount["mountPath"]) for mount in container["volumeMounts"]]
        paths = [Path(value) for value in _environment(objects, pods[name]).values() if value.startswith("/")]
        assert paths
        assert all(any(path.is_relative_to(mount) for mount in mounts) for path in paths)


def test_only_the_named_edges_are_open(objects: list[Object]) -> None:
    """Everything is denied first; no policy lets in or out whoever wants."""
    policies = {each["metadata"]["name"]: each["spec"] for each in objects if each["kind"] == "NetworkPolicy"}
    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    for name, spec in policies.items():
        rules = [*spec.get("ingress", []), *spec.get("egress", [])]
        assert all(rule.get("from") or rule.get("to") for rule in rules), name
        assert all(rule["ports"] for rule in rules), name
        peers = [peer for rule in rules for peer in rule.get("from", rule.get("to"))]
        assert all(any(peer.values()) for peer in peers), name
    for target in ("broker", "store"):
        [expression] = policies[f"services-to-{target}"]["podSelector"]["matchExpressions"]
        assert set(expression["values"]) - {"web"} == SERVICES
        assert target == "store" or "web" not in expression["values"]
    reached = {
        spec["podSelector"]["matchLabels"][_NAME]
        for spec in policies.values()
        if "Ingress" in spec["policyTypes"] and "matchLabels" in spec["podSelector"]
    }
    assert reached <= {"gateway", "nats", "object-store", "web"}, "no worker is called by anybody"


def test_no_secret_is_in_the_manifests(objects: list[Object]) -> None:
    """They are referred to by name alone."""
    assert all(each["kind"] != "Secret" for each in objects)
    assert not re.search(r"SU[A-Z2-7]{40,}|BEGIN [A-Z ]*PRIVATE KEY", repr(objects))


def test_a_budget_never_holds_up_a_drain(objects: list[Object], pods: dict[str, Object]) -> None:
    """One gateway of several may always go; a single one is not protected."""
    budget = named(objects, "PodDisruptionBudget", "gateway")["spec"]
    replicas = named(objects, "Deployment", "gateway")["spec"]["replicas"]
    assert budget.get("minAvailable", replicas - budget.get("maxUnavailable", 0)) < replicas
    assert "topologySpreadConstraints" in pods["gateway"]["spec"]


def test_scaling_looks_at_consumers_that_there_are(built: dict[str, Any]) -> None:
    """KEDA takes a missing consumer for endless work."""
    scaled = [each for each in built["overlays"]["facility"] if each["kind"] == "ScaledObject"]
    assert {each["spec"]["scaleTargetRef"]["name"] for each in scaled} == {"trainer", "inference"}
    known = {subjects.consumer_of(verb) for verb in subjects.verbs()}
    for each in scaled:
        [trigger] = each["spec"]["triggers"]
        assert trigger["metadata"]["stream"] == subjects.JOBS_STREAM
        assert trigger["metadata"]["consumer"] in known
        deployment = named(built["overlays"]["facility"], "Deployment", each["metadata"]["name"])
        assert "replicas" not in deployment["spec"], "KEDA says how many"


def test_kueue_hands_out_what_wants_a_gpu(built: dict[str, Any]) -> None:
    """The two that compute are queued, and no other."""
    queued = {
        each["metadata"]["name"]
        for each in built["overlays"]["kueue"]
        if each["metadata"].get("labels", {}).get("kueue.x-k8s.io/queue-name") == "clearstack"
    }
    assert queued == {"trainer", "inference"}
