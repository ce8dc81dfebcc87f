"""The page in a real browser: the guide's paths from a dropped file to the result, and what goes wrong on the way."""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import tifffile
from clearstack.v1 import training_pb2
from clearstack.v1.mask_service_pb2 import GetMaskRequest
from e2e.support import tiffs
from e2e.support.api import Api
from e2e.support.events import epochs
from e2e.support.figures import measure
from e2e.support.installation import RunningInstallation
from e2e.support.visitor import DESK, TABLET, TINY, Visitor, chromium
from e2e.support.waiting import until
from playwright.sync_api import Browser, Route

_STAGES = ("Stage 1", "Stage 2")
_LONG = {**TINY, "Epochs": "5000"}
_STATIC = Path(__file__).parents[2] / "apps/web/clearstack_web/static"
_LARGEST_BYTES = 500_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all tests."""
    with chromium() as launched:
        yield launched


@pytest.fixture
def visitor(browser: Browser, victim: RunningInstallation) -> Iterator[Visitor]:
    """At the start of the page."""
    context = browser.new_context(viewport=DESK, color_scheme="dark")
    visitor = Visitor(context.new_page(), victim)
    visitor.go()
    yield visitor
    context.close()


def _id(visitor: Visitor) -> str:
    return visitor.place.partition("?")[0]


def _start(visitor: Visitor, path: Path, method: str, values: dict[str, str]) -> str:
    """From the dropped file to the running training; returns its name."""
    visitor.drop(path)
    visitor.reads("Recommended:")
    visitor.page.locator("label", has_text=method).first.click()
    visitor.page.get_by_text("2D", exact=True).click()
    visitor.is_sound(f"data {method}")
    visitor.link("Next: configure").click()
    visitor.page.get_by_label("Seed").wait_for()
    visitor.reads("Patch size")
    visitor.is_sound(f"configure {method}")
    with visitor.on_a_tablet():
        visitor.is_sound(f"configure {method} on a tablet")
    visitor.configure(values, _STAGES if method == "autoStructN2V" else ("",))
    visitor.button("Start denoising").click()
    visitor.button("Cancel training").wait_for()
    visitor.picture(f"training {method}")
    return _id(visitor)


def _sees_pictures(visitor: Visitor, name: str) -> None:
    visitor.link("Open in viewer").first.click()
    visitor.page.locator(".pane canvas").first.wait_for()
    until(lambda: visitor.brightness() > 1, 20, "the viewer shows the stack")
    visitor.reads("Around the middle of the view")
    visitor.is_sound(f"viewer of {name}")


def test_the_quick_path_of_n2v(visitor: Visitor, tiff: Callable[..., Path], tmp_path: Path) -> None:
    """Dropped, configured, trained, seen, downloaded; the model denoises more, leaves as a file and comes back."""  # spec: A1 B6 D3 E4 E7 F2
    name = _start(visitor, tiff("white noise.tif"), "Noise2Void", TINY)
    visitor.link("Open in viewer").wait_for()
    visitor.is_sound("training complete")
    with visitor.on_a_tablet():
        visitor.is_sound("training complete on a tablet")
    with visitor.page.expect_download() as download:
        visitor.button("Denoised TIFF").click()
    assert tifffile.imread(download.value.path()).shape == (6, tiffs.SIDE_PX, tiffs.SIDE_PX)
    _sees_pictures(visitor, "N2V")

    visitor.go(name)
    visitor.link("Process more data").click()
    visitor.page.locator("button.pick").first.click()
    visitor.button("Process data").click()
    visitor.link("Open in viewer").wait_for()
    visitor.is_sound("process more")
    with visitor.on_a_tablet():
        visitor.is_sound("process more on a tablet")
    with visitor.page.expect_download() as download:
        visitor.button("Model").click()
    archive = tmp_path / "model.zip"
    download.value.save_as(archive)

    visitor.go("?workflow=import")
    visitor.page.locator("input[type=file]").set_input_files(archive)
    visitor.is_sound("import")
    visitor.button("Import model").click()
    visitor.reads("Imported")
    assert _id(visitor) != name.replace("trainings", "models")


def test_the_quick_path_of_autostructn2v(
    visitor: Visitor, victim: RunningInstallation, tmp_path: Path
) -> None:
    """Left and come back to; the mask is edited with the keyboard, approved, and stage 2 is trained with it."""  # spec: A2 D2 D9 D10 D13
    tiffs.write_sample(tmp_path / "rows.tif", "rows", num_slices=6, side_px=64)
    name = _start(visitor, tmp_path / "rows.tif", "autoStructN2V", TINY)
    visitor.go("stacks")
    visitor.reads("rows.tif")
    visitor.go(name)
    grid = visitor.page.get_by_role("grid")
    grid.wait_for()
    visitor.is_sound("review")
    with visitor.on_a_tablet():
        visitor.is_sound("review on a tablet")
    _regenerate(visitor)
    centre = grid.get_by_role("button", name="centre, the predicted pixel")
    centre.focus()
    visitor.page.keyboard.press("ArrowDown")
    visitor.page.keyboard.press("ArrowDown")
    visitor.page.keyboard.press("Space")
    visitor.picture("review, edited")
    visitor.button("Approve with 1 edited pixel").click()
    visitor.link("Open in viewer").wait_for()
    [plane] = Api(victim.endpoint).masks.GetMask(GetMaskRequest(training=name)).mask.planes
    training = Api(victim.endpoint).training(name)
    width = training.mask.kernel_width
    at = (training.mask.kernel_height // 2 + 2) * width + width // 2
    assert plane.active[at]
    assert [stage.state for stage in training.stages] == [training_pb2.STAGE_STATE_COMPLETE] * 2
    visitor.page.reload()
    visitor.page.locator("summary", has_text="Stage 1").click()
    visitor.page.wait_for_load_state("networkidle")
    assert visitor.page.get_by_text("Best validation loss").first.is_visible(), "what was opened stays open"
    _sees_pictures(visitor, "autoStructN2V")
    visitor.page.get_by_text("Swipe", exact=True).click()
    visitor.page.get_by_role("slider", name="Divider").press("ArrowLeft")
    visitor.button("Profile").click()
    visitor.reads("px")
    visitor.is_sound("viewer with swipe and profile")
    with visitor.on_a_tablet():
        visitor.is_sound("viewer on a tablet")


def _regenerate(visitor: Visitor) -> None:
    """Fewer pixels, in seconds."""
    visitor.page.get_by_label("Max masked pixels").fill("5")
    visitor.button("Regenerate mask").click()
    visitor.page.locator("dt", has_text="Revision").locator("+ dd", has_text="2").wait_for()
    visitor.button("Approve & continue").wait_for()


def test_cancel_and_delete(visitor: Visitor, tiff: Callable[..., Path]) -> None:
    """A training is cancelled with a word of warning, found by its name, and deleted."""  # spec: D7
    name = _start(visitor, tiff("to be cancelled.tif"), "Noise2Void", _LONG)
    visitor.button("Cancel training").click()
    dialog = visitor.page.get_by_role("dialog")
    visitor.is_sound("cancel")
    dialog.get_by_role("button", name="Cancel training").click()
    visitor.reads("Configure it again")
    visitor.go("trainings")
    visitor.page.get_by_role("searchbox").fill("to be CANC")
    visitor.page.get_by_role("link", name="to be cancelled.tif").wait_for()
    until(lambda: visitor.page.locator("tbody tr").count() == 1, 10, "one training is found")
    visitor.button("Delete to be cancelled.tif").click()
    visitor.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    visitor.reads("Nothing here is called")
    visitor.go(name)
    visitor.page.get_by_role("main").get_by_text(name.partition("/")[2]).first.wait_for()


def test_a_restarted_gateway(
    visitor: Visitor, victim: RunningInstallation, tiff: Callable[..., Path]
) -> None:
    """The page says that the installation is away, and goes on by itself without losing an epoch."""  # spec: D2 D8
    name = _start(visitor, tiff("restart.tif"), "Noise2Void", {**TINY, "Epochs": "20"})
    visitor.reads("of 20")
    with victim.away("gateway"):
        visitor.reads("No installation answers behind this page")
    visitor.link("Open in viewer").wait_for()
    assert not visitor.page.get_by_text("No installation answers").count()
    assert epochs(Api(victim.endpoint).history(name), stage=1)[-1] <= 20  # early stopping may end it before
    visitor.complaints.clear()
    visitor.is_sound("after a restart")


def test_wrong_files(visitor: Visitor, tmp_path: Path, tiff: Callable[..., Path]) -> None:
    """What cannot be used is refused where it was dropped, with the reason; what is set wrongly, at its field."""  # spec: A5 B3 C16 E2
    tiffs.BAD["UNSUPPORTED_AXES"](tmp_path / "colour.tif")
    visitor.drop(tmp_path / "colour.tif")
    visitor.reads("This file cannot be used")
    visitor.is_sound("wrong file")
    visitor.button("Choose another file").click()
    visitor.drop(tiff("shallow.tif"))
    visitor.reads("Recommended:")
    visitor.page.get_by_text("2.5D", exact=True).first.click()
    visitor.reads("Insufficient Stack Depth for 2.5D")
    assert visitor.button("Next: configure").is_disabled()
    visitor.page.get_by_text("2D", exact=True).first.click()
    visitor.link("Next: configure").click()
    visitor.configure({"Epochs": "0", "Layers": "2"})
    visitor.reads("is 0; allowed: 1 to 10000")
    preset_value = visitor.page.get_by_label("Patch size", exact=True)
    until(lambda: preset_value.input_value() != "", 20, "the other fields stand as the preset has them")
    assert visitor.button("Start denoising").is_disabled()
    visitor.is_sound("wrong value")

    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "weights.pth").write_bytes(b"no weights")
    visitor.go("?workflow=import&method=n2v")
    visitor.page.locator("input[type=file]").set_input_files(
        [tmp_path / "config.json", tmp_path / "weights.pth"]
    )
    visitor.button("Import model").click()
    visitor.reads("This model cannot be used")
    visitor.is_sound("wrong model")


@pytest.mark.parametrize("typed", ["before", "after"])
def test_what_is_typed_outlives_an_answer(visitor: Visitor, tiff: Callable[..., Path], typed: str) -> None:
    """The gateway says what a preset comes to while a person is in a field: what is typed replaces what stood there."""
    visitor.drop(tiff("typed.tif"))
    visitor.reads("Recommended:")
    visitor.link("Next: configure").click()
    field = visitor.page.get_by_label("Epochs", exact=True)
    until(lambda: field.input_value() != "", 60, "the values of the first preset are shown")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    visitor.page.route("**/CreateTraining", hold)
    with visitor.page.expect_request("**/CreateTraining"):
        visitor.page.locator("label", has_text="Minutes on a CPU").click()
    field.select_text()
    if typed == "before":
        visitor.page.keyboard.insert_text("77")
    with visitor.page.expect_response("**/CreateTraining"):
        held[0].continue_()
    visitor.page.unroute("**/CreateTraining")
    visitor.page.wait_for_load_state("networkidle")
    if typed == "after":
        visitor.page.keyboard.insert_text("77")
    field.blur()
    visitor.page.wait_for_url("**stage1.epochs=77**")
    assert field.input_value() == "77"


def test_an_upload_goes_on_where_it_was_cut_off(visitor: Visitor, tmp_path: Path) -> None:
    """The second part is lost and the page loaded anew; what had arrived is not sent again."""
    stack = tiffs.write(tmp_path / "large.tif", tiffs.noise(num_slices=5, side_px=1500))
    offsets: list[int] = []

    def part(route: Route) -> None:
        offsets.append(int(urlsplit(route.request.url).path.rpartition("/")[2]))
        if offsets.count(max(offsets)) == 1 and len(offsets) > 1:
            route.abort()
        else:
            route.continue_()

    visitor.page.route(
        "**/store/**", lambda route: part(route) if route.request.method == "PUT" else route.continue_()
    )
    files = visitor.page.locator("input[type=file]")
    with visitor.page.expect_event("requestfailed", lambda request: request.method == "PUT"):
        files.set_input_files(stack)
    visitor.page.reload()
    files.set_input_files(stack)
    visitor.reads("5 slices of 1500")
    assert offsets.count(0) == 1
    assert offsets[-1] == max(offsets) > 0


def test_a_rule_is_made(visitor: Visitor) -> None:
    """A rule for new acquisitions, from the empty list to its end."""
    visitor.go("rules")
    visitor.button("Make the first one").click()
    visitor.is_sound("new rule")
    visitor.page.get_by_label("Name").fill("Night shift")
    visitor.page.get_by_label("New TIFFs under").fill("denoised/")
    visitor.page.get_by_label("Preset").select_option("Fast")
    visitor.button("Create rule").click()
    visitor.page.get_by_role("dialog").get_by_role("alert").wait_for()
    visitor.page.get_by_label("New TIFFs under").fill("night/")
    visitor.button("Create rule").click()
    row = visitor.page.get_by_role("row", name="Night shift")
    row.get_by_text("denoise with the model that fits, or train one").wait_for()
    row.get_by_role("button", name="Pause").click()
    row.get_by_text("paused").wait_for()
    row.get_by_role("button", name="Delete").click()
    visitor.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    visitor.reads("No rules yet")
    assert not visitor.complaints


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_every_list_is_sound(browser: Browser, victim: RunningInstallation, scheme: str) -> None:
    """Axe finds nothing serious on a tablet either, in both themes."""
    context = browser.new_context(viewport=TABLET, color_scheme=scheme)  # type: ignore[arg-type]
    visitor = Visitor(context.new_page(), victim)
    for place in ("", "trainings", "results", "stacks", "models", "rules"):
        visitor.go(place)
        visitor.page.get_by_role("heading", level=1).wait_for()
        visitor.page.wait_for_load_state("networkidle")
        visitor.is_sound(f"{place or 'start'} on a tablet, {scheme}")
    context.close()


def test_the_page_is_small_and_soon_there(visitor: Visitor) -> None:
    """What a browser fetches, compressed; how long the first view takes."""
    compressed = sum(path.stat().st_size for path in _STATIC.rglob("*.br"))
    fonts = sum(path.stat().st_size for path in _STATIC.rglob("*.woff2"))
    visitor.page.reload()
    visitor.page.get_by_role("heading", name="What do you want to denoise?").wait_for()
    ready = float(visitor.page.evaluate("performance.now()"))
    measure(f"page: {(compressed + fonts) / 1000:.0f} kB in all, usable after {ready:.0f} ms")
    assert 0 < compressed + fonts < _LARGEST_BYTES
