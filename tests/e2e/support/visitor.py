"""A person at the page, in Debian's Chromium: where to click, what to read, what must never show."""

import base64
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from e2e.support.installation import RunningInstallation
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, ViewportSize, sync_playwright

TINY = {"Patches per image": "4", "Features": "8", "Layers": "2", "Epochs": "2"}
DESK: ViewportSize = {"width": 1280, "height": 800}
TABLET: ViewportSize = {"width": 820, "height": 1180}
_PATIENCE_MS = 120_000
_DROP = """([name, data]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], name, { type: "image/tiff" }));
  document.querySelector(".zone").dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
}"""
_SEVERE = ("critical", "serious")


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; skips the test where there is none."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


class Visitor:
    """One tab at 1280 x 800 px.

    Args:
        page: The tab.
        installation: Whose page it shows.
    """

    def __init__(self, page: Page, installation: RunningInstallation) -> None:
        self.page = page
        self.complaints: list[str] = []
        self._installation = installation
        page.set_default_timeout(_PATIENCE_MS)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    @property
    def address(self) -> str:
        """Of the page; another one after a restart."""
        described = json.loads((self._installation.data / "installation.json").read_text())
        return str(described["page"])

    @property
    def place(self) -> str:
        """Which part of the page is shown, for example `trainings/abc`."""
        return self.page.url.partition("#/")[2]

    def go(self, place: str = "") -> None:
        """Opens a part of the page by its address."""
        self.page.goto(f"{self.address}/#/{place}")

    def drop(self, path: Path) -> None:
        """Lets a file fall onto the page."""
        self.page.locator(".zone").wait_for()
        self.page.evaluate(_DROP, [path.name, base64.b64encode(path.read_bytes()).decode()])

    def button(self, name: str) -> Locator:
        """A button by what it says."""
        return self.page.get_by_role("button", name=name)

    def link(self, name: str) -> Locator:
        """A link by what it says."""
        return self.page.get_by_role("link", name=name, exact=True)

    def reads(self, text: str) -> None:
        """Waits until it stands there."""
        self.page.get_by_text(text).first.wait_for()

    def configure(self, values: Mapping[str, str], columns: tuple[str, ...] = ("",)) -> None:
        """Takes the fast preset and changes parameters in every column."""
        self.page.locator("label", has_text="Minutes on a CPU").click()
        for name, value in values.items():
            for column in columns:
                field = self.page.get_by_label(f"{name}, {column}" if column else name, exact=True)
                field.fill(value)
                field.blur()

    def is_sound(self, state: str) -> None:
        """Axe finds nothing serious in this state of the page, and nothing was complained about."""
        self.picture(state)
        found = Axe().run(self.page).response["violations"]
        severe = [each for each in found if each["impact"] in _SEVERE]
        assert not severe, json.dumps([(each["id"], each["nodes"][0]["html"]) for each in severe], indent=1)
        assert not self.complaints, self.complaints

    @contextmanager
    def on_a_tablet(self) -> Iterator[None]:
        """The tab as large as an upright tablet, for the block; nothing may stand out to the side."""
        self.page.set_viewport_size(TABLET)
        yield
        wide = self.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= TABLET["width"], f"the page is {wide} px wide"
        self.page.set_viewport_size(DESK)

    def picture(self, name: str) -> None:
        """Keeps what is seen, if somebody wants it (CLEARSTACK_PICTURES=FOLDER)."""
        if folder := os.environ.get("CLEARSTACK_PICTURES"):
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)

    def sight(self) -> str:
        """The address and all that can be read, values of fields included; for failures."""
        values = self.page.locator("input:visible").evaluate_all(
            "fields => fields.map(f => `${f.ariaLabel ?? f.name}=${f.value}`)"
        )
        return "\n".join([self.page.url, self.page.locator("body").inner_text(), *values, *self.complaints])

    def brightness(self) -> float:
        """Mean of the first pane of the viewer, 0 to 255; 0 where nothing has been drawn."""
        script = (
            "canvas => { const d = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;"
            " let sum = 0; for (let i = 0; i < d.length; i += 4) sum += d[i]; return 4 * sum / d.length; }"
        )
        return float(self.page.locator(".pane canvas").first.evaluate(script))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)
