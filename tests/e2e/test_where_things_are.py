"""Where a finished training's files lie in the object store."""

from clearstack.v1.model_service_pb2 import GetModelRequest
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
    """A TIFF for each stage among the results; weights, configuration and mask in the session's models."""  # spec: F1 D6 E1
    name = api.train(
        *(rows, configs.two_stages(epochs=1)),
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

    model = api.models.GetModel(GetModelRequest(name=done.model)).model
    assert [stage.number for stage in model.stages] == [1, 2]
    until(lambda: not jobs(installation, name), 10, "the queue holds nothing of it")
    until(
        lambda: (
            not [key for key in keys(installation, f"models/ovules/{run_id(name)}/") if "checkpoint" in key]
        ),
        10,
        "its checkpoints are removed",
    )


def test_another_session_has_folders_of_its_own(
    api: Api, installation: RunningInstallation, white: Stack
) -> None:
    """Without a name the session is `default`; nothing of a training lies elsewhere."""  # spec: F1
    done = api.until_complete(api.train(white, configs.n2v(epochs=1)).name)
    assert done.session == "default"
    assert keys(installation, f"models/default/{run_id(done.name)}/")
    assert keys(installation, f"results/{run_id(done.name)}/")
    everywhere = [key for key in keys(installation, "") if run_id(done.name) in key]
    strays = [key for key in everywhere if not key.startswith(("models/default/", "results/"))]
    assert not strays
