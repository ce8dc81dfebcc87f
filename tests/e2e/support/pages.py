"""Reading the pages that services show to Prometheus."""

import json
import urllib.request

from e2e.support.installation import RunningInstallation
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample


def page(installation: RunningInstallation, process: str) -> list[Sample]:
    """The page of one process, at the address that `metrics.json` gives."""
    pages = json.loads((installation.data / "metrics.json").read_text())
    [target] = [page["targets"][0] for page in pages if page["labels"]["clearstack_process"] == process]
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
        f"http://{target}/metrics"
    ) as found:
        families = text_string_to_metric_families(found.read().decode())
        return [sample for family in families for sample in family.samples]


def value(page: list[Sample], name: str, labels: dict[str, str]) -> float:
    """The value of a figure; 0 if the page does not have it."""
    return sum(each.value for each in page if each.name == name and each.labels == labels)


def jobs_done(installation: RunningInstallation) -> dict[str, int]:
    """How many jobs of each verb the workers have done since they were started."""
    samples = [
        each for name in ("trainer", "inference", "mask-extractor") for each in page(installation, name)
    ]
    return {
        each.labels["verb"]: round(each.value)
        for each in samples
        if each.name == "clearstack_job_seconds_count" and each.labels["outcome"] == "done"
    }
