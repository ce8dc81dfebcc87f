"""Where a finished training's files lie in the object store, and what they say of it."""

import json
import urllib.request
from collections.abc import Sequence
from typing import Any

from clearstack.v1 import config_pb2
from clearstack.v1.config_pb2 import TrainingConfig
from clearstack.v1.model_service_pb2 import GetModelRequest, ModelFileLink
from clearstack.v1.stack_service_pb2 import Stack
from clearstack_common.subjects import run_id
from e2e.support import configs
from e2e.support.api import AUTOSTRUCTN2V, Api
from e2e.support.backends import jobs, keys
from e2e.support.installation import RunningInstallation
from e2e.support.waiting import until


def test_results_and_models_are_in_their_folders(
    api: Api, installation: RunningInstallation, rows: Stack
) -> None:
    """A TIFF for each stage among the results; weights, configuration and mask in the session's models."""  # spec: C5 C11 C12 C13 D6 E1 F1
    config = _unusual()
    name = api.train(
        *(rows, config),
        method=AUTOSTRUCTN2V,
        session="ovules",
        auto_approve=True,
    ).name
    done = api.until_complete(name)
    results = keys(installation, f"results/{run_id(name)}/")
    assert sum(key.endswith(".tif") for key in results) == 2, results

    stored = keys(installation, f"models/ovules/{run_id(name)}/")
    for stage in ("stage1", "stage2"):
        files = {key.rpartition("/")[2] for key in stored if key.startswith(f"{stage}/")}
        assert files >= {"weights.pth", "weights.safetensors", "config.json", "model.json"}, stored
    masks = {key.rpartition("/")[2] for key in stored if key.startswith("mask/")}
    assert masks >= {"mask.npy", "mask.json"}, stored

    found = api.models.GetModel(GetModelRequest(name=done.model))
    assert [stage.number for stage in found.model.stages] == [1, 2]
    _assert_trained_as_wanted(found.links, config)
    until(lambda: not jobs(installation, name), 10, "the queue holds nothing of it")
    until(
        lambda: (
            not [key for key in keys(installation, f"models/ovules/{run_id(name)}/") if "checkpoint" in key]
        ),
        10,
        "its checkpoints are removed",
    )


def _unusual() -> TrainingConfig:
    """Where there is a choice, not the default."""
    config = configs.two_stages(epochs=1, resize_convolution=False)
    config.stage1.masking_strategy = config_pb2.MASKING_STRATEGY_MEDIAN
    config.stage2.masking_strategy = config_pb2.MASKING_STRATEGY_ZEROS
    config.stage1.upsampling_mode = config_pb2.UPSAMPLING_MODE_NEAREST
    config.stage2.upsampling_mode = config_pb2.UPSAMPLING_MODE_BICUBIC
    return config


def _assert_trained_as_wanted(links: Sequence[ModelFileLink], config: TrainingConfig) -> None:
    """The choices went through; stage 2 was turned and flipped only as its mask allows."""
    first, second = (_fetched(links, f"stage{number}/config.json")["stage"] for number in (1, 2))
    assert [each["masking_strategy"] for each in (first, second)] == ["median", "zeros"]
    assert [each["upsampling"] for each in (first, second)] == ["nearest", "bicubic"]
    assert [each["augmentation"] for each in (first, second)] == [False, True]
    assert (first["resize_convolution"], first["learning_rate"]) == (False, config.stage1.learning_rate)
    turns = {each["num_turns"] for each in _fetched(links, "stage2/model.json")["symmetries"]}
    assert turns <= {0, 2}, "a row that is turned by 90 degrees is a column"


def _fetched(links: Sequence[ModelFileLink], path: str) -> Any:
    [url] = [link.url for link in links if link.path == path]
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - the link is the store's own
        return json.load(answer)


def test_another_session_has_folders_of_its_own(
    api: Api, installation: RunningInstallation, white: Stack
) -> None:
    """Without a name the session is `default`; nothing of a training lies elsewhere."""  # spec: F1
    done = api.until_complete(api.train(white, configs.n2v(epochs=1)).name)
    assert done.session == "default"
    assert keys(installation, f"models/default/{run_id(done.name)}/")
    assert keys(installation, f"results/{run_id(done.name)}/")
    everywhere = [key for key in keys(installation, "") if run_id(done.name) in key]
    homes = ("models/default/", "results/", "records/")
    strays = [key for key in everywhere if not key.startswith(homes)]
    assert not strays
