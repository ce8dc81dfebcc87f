"""The report of a denoising, made by the handler from stored files."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from clearstack.v1 import config_pb2
from clearstack.v1.event_pb2 import Event
from clearstack.v1.job_pb2 import Job, MakeReport, MeasureStack
from clearstack.v1.model_service_pb2 import ModelStage, StoredFile
from clearstack.v1.stack_service_pb2 import StackInfo
from clearstack_common import protojson
from clearstack_common.config import preset_config
from clearstack_common.settings import ServiceSettings
from clearstack_common.worker import JobContext
from clearstack_engine.analysis import CorrelationMeter, MaskExtractorConfig, extract_mask
from clearstack_mask_extractor.describe import describe
from clearstack_mask_extractor.inspect import inspect
from clearstack_mask_extractor.report import report
from clearstack_stacks.samples import make_sample
from fakes import FakeBus, FakeStore

TITLE = 'HeLa <488> & "day 2".tif'


class Bench:
    """A store with files, and handlers that are called on it."""

    def __init__(self, folder: Path) -> None:
        self.store = FakeStore()
        self.bus = FakeBus()
        self.folder = folder
        self.settings = ServiceSettings(scratch=folder / "scratch")

    async def stack(self, key: str, stack_ZYX: np.ndarray[Any, Any]) -> StoredFile:
        """Stores a TIFF."""
        path = self.folder / "file.tif"
        tifffile.imwrite(path, stack_ZYX, photometric="minisblack")
        return await self.store.put_file(key, path)

    def context(self, job: Job) -> JobContext:
        """What a handler gets."""
        work = self.folder / "work"
        work.mkdir(exist_ok=True)
        return JobContext(job, self.bus, self.store, self.settings, work)

    async def told(self, run: str) -> Event:
        """The only event of a run."""
        found = await self.bus.next_event(run, 0)
        assert found is not None
        return found[1]

    async def text(self, key: str) -> str:
        """A stored text."""
        return (await self.store.get_bytes(key)).decode()


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An empty one."""
    return Bench(tmp_path)


async def work_for(bench: Bench, *, stage: int = 1, perfect: bool = True) -> MakeReport:
    """The report that is wanted of a result for the sample with noise along rows."""
    sample = make_sample("rows", num_slices=3, side_px=192)
    half_ZYX = (sample.noisy_ZYX // 2 + sample.truth_ZYX // 2).astype(np.uint16)
    method = config_pb2.METHOD_AUTOSTRUCTN2V if stage == 2 else config_pb2.METHOD_N2V
    history = [
        {"epoch": n, "train_loss": 1 / n, "val_loss": 1.1 / n, "stopped_early": n == 3} for n in (1, 2, 3)
    ]
    stages = [
        ModelStage(
            number=number,
            files=[
                await bench.store.put_bytes(
                    f"models/m/stage{number}/config.json", json.dumps({"history": history}).encode()
                )
            ],
        )
        for number in range(1, stage + 1)
    ]
    work = MakeReport(
        stack=await bench.stack("stacks/s.tif", sample.noisy_ZYX),
        result=await bench.stack("results/r.tif", sample.truth_ZYX if perfect else half_ZYX),
        stack_info=StackInfo(slice_count=3, height=128, width=128, dtype="uint16", pixel_size_um=0.1),
        stack_name="stacks/s",
        stack_display_name=TITLE,
        method=method,
        mode=config_pb2.MODE_2D,
        preset=config_pb2.PRESET_FAST,
        stage=stage,
        stages=stages,
        config=preset_config(method, config_pb2.PRESET_FAST),
        model="models/m",
        training="trainings/m",
        device="cpu (bfloat16)",
        is_training_stack=True,
        object_prefix="results/m/report/d",
    )
    if stage == 2:
        work.earlier_result.CopyFrom(
            await bench.stack("results/1.tif", half_ZYX if perfect else sample.truth_ZYX)
        )
        mask = describe(extract_mask_of(sample.noisy_ZYX, sample.truth_ZYX), 1)
        work.mask_files.append(await bench.store.put_bytes("models/m/mask/mask.json", protojson.encode(mask)))
    return work


def extract_mask_of(noisy_ZYX: np.ndarray[Any, Any], clean_ZYX: np.ndarray[Any, Any]) -> Any:
    """The mask of noise that is known."""
    meter = CorrelationMeter()
    for noisy_YX, clean_YX in zip(noisy_ZYX, clean_ZYX, strict=True):
        meter.add(noisy_YX.astype(np.float32), clean_YX.astype(np.float32))
    return extract_mask(meter.result(), MaskExtractorConfig())


async def made(bench: Bench, work: MakeReport) -> tuple[dict[str, Any], str]:
    """The report's JSON and page."""
    await report(bench.context(Job(id="d.report", run="denoisings/d", report=work)))
    files = {file.file_name: file for file in (await bench.told("denoisings/d")).report_made.files}
    facts = json.loads(await bench.text(files["report.json"].object_key))
    return facts, await bench.text(files["report.html"].object_key)


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [value or "" for name, value in attrs if name in {"src", "href", "srcset", "data"}]
        if tag not in {"img", "meta", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


async def test_the_page_needs_nothing_else(bench: Bench) -> None:
    """One well-formed page: no script, nothing fetched, and a file's name stays text."""  # spec: F3
    _, html = await made(bench, await work_for(bench, stage=2))
    page = _Links()
    page.feed(html)
    assert page.open == []
    assert all(link.startswith("data:image/png;base64,") for link in page.fetched)
    assert "script" not in page.tags
    assert "HeLa &lt;488&gt; &amp; &quot;day 2&quot;.tif" in html


async def test_a_report_has_all_that_was_promised(bench: Bench) -> None:
    """Slices, losses of both stages, the mask, correlations before and after, estimates, verdict, provenance."""  # spec: F3
    facts, html = await made(bench, await work_for(bench, stage=2))
    for heading in (
        "Input, result, and what was removed",
        "Stage 2 beside stage 1",
        "The noise, and what was removed of it",
        "Stage 1</h3>",
        "Stage 2</h3>",
        "Mask",
        "Parameters",
        "Provenance",
    ):
        assert heading in html
    assert html.count("<figure>") == 3 * 4 + 4 + 2
    assert facts["verdict"]["kind"] == "good"
    assert facts["result"]["noise_removed_percent"] > 60
    assert facts["result"]["signal_lost_percent"] == 0
    assert facts["correlation"]["noise_along_rows"][1] > 0.5
    assert facts["correlation"]["residual_along_rows"][1] > 0.5
    assert [len(stage["epochs"]) for stage in facts["losses"]] == [3, 3]
    assert facts["mask"]["summary"]["pattern"] == "MASK_PATTERN_HORIZONTAL"
    assert facts["provenance"]["stack_sha256"]
    assert facts["parameters"]["preset"] == "fast"


async def test_the_event_carries_the_verdict(bench: Bench) -> None:
    """Whoever lists denoisings can say how it went without fetching the report."""  # spec: F3
    await made(bench, await work_for(bench, perfect=False))
    verdict = (await bench.told("denoisings/d")).report_made.verdict
    assert verdict.startswith("Structure remains: try autoStructN2V. ")


async def test_stage_two_worse_than_stage_one(bench: Bench) -> None:
    """Said in the page's first line, with the way back."""  # spec: G
    facts, html = await made(bench, await work_for(bench, stage=2, perfect=False))
    assert facts["verdict"]["kind"] == "worse-than-stage-1"
    assert "stage 2 is worse than stage 1" in html
    assert "stage 1 is kept" in html


async def test_a_model_of_which_little_is_known(bench: Bench) -> None:
    """An imported model has no losses, no preset and no training: the page says what it can."""  # spec: F3
    work = await work_for(bench)
    for name in ("stages", "preset", "config", "training", "device"):
        work.ClearField(name)
    facts, html = await made(bench, work)
    assert facts["losses"] == []
    assert "how it was trained is not known" in html


async def test_inspect_measures_once(bench: Bench) -> None:
    """The answer is kept under the key that was asked for; asked again, nothing is measured."""  # spec: A7
    stack = await bench.stack("stacks/s.tif", make_sample("rows", num_slices=2, side_px=128).noisy_ZYX)
    job = Job(
        id="s.inspect.1", run="stacks/s", inspect=MeasureStack(stack=stack, object_key="stacks/s/i.json")
    )
    await inspect(bench.context(job))
    first = await bench.text("stacks/s/i.json")
    assert json.loads(first)["recommendation"]["method"] == "METHOD_AUTOSTRUCTN2V"
    await bench.store.delete(["stacks/s.tif"])  # it would be needed to measure
    job.id = "s.inspect.2"
    await inspect(bench.context(job))
    assert await bench.text("stacks/s/i.json") == first
    assert (await bench.told("stacks/s")).stack_inspected.object_key == "stacks/s/i.json"
