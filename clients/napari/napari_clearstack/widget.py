"""The dock widget: where, how, go, and how far it is."""

import os
from typing import TYPE_CHECKING

from clearstack_client import Phase, Progress
from numpy.typing import NDArray
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_clearstack.layers import input_of, result_layer
from napari_clearstack.work import Wish, Work

if TYPE_CHECKING:
    import napari

_METHODS = {
    "measure it": "auto",
    "N2V: random noise": "n2v",
    "autoStructN2V: lines and patterns": "autostructn2v",
}
_PRESETS = {"fast: minutes": "fast", "balanced: as published": "balanced", "high quality": "high-quality"}
_PARTS = 1000


class DenoiseWidget(QWidget):  # type: ignore[misc]
    """Denoises the active image layer of a viewer."""

    def __init__(self, napari_viewer: "napari.Viewer") -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._work: Work | None = None
        self.endpoint = QLineEdit(os.environ.get("CLEARSTACK_ENDPOINT", "127.0.0.1:7443"))
        self.endpoint.setToolTip("What `clearstack up` prints; https:// in front for TLS.")
        self.token = QLineEdit(os.environ.get("CLEARSTACK_TOKEN", ""), echoMode=QLineEdit.EchoMode.Password)
        self.token.setPlaceholderText("for another machine only")
        self.method, self.preset = QComboBox(), QComboBox()
        self.method.addItems(list(_METHODS))
        self.preset.addItems(list(_PRESETS))
        self.auto_approve = QCheckBox("Use the mask as found", checked=True)
        self.auto_approve.setToolTip("autoStructN2V only: otherwise it waits until you approve the mask.")
        self.go, self.stop = QPushButton("Denoise the current layer"), QPushButton("Cancel")
        self.approve, self.skip = QPushButton("Approve the mask"), QPushButton("Skip stage 2")
        self.bar, self.said = QProgressBar(maximum=_PARTS), QLabel(wordWrap=True)
        self._arrange()
        self.go.clicked.connect(self._begin)
        self._show_running(is_running=False)

    def _arrange(self) -> None:
        form = QFormLayout()
        for text, field in (
            ("Address", self.endpoint),
            ("Token", self.token),
            ("Method", self.method),
            ("Preset", self.preset),
            ("", self.auto_approve),
        ):
            form.addRow(text, field)
        review = QHBoxLayout()
        review.addWidget(self.approve)
        review.addWidget(self.skip)
        column = QVBoxLayout(self)
        column.addLayout(form)
        for each in (self.go, self.stop, self.bar, self.said):
            column.addWidget(each)
        column.addLayout(review)
        column.addStretch()

    def _begin(self) -> None:
        source = self._viewer.layers.selection.active
        try:
            sent = input_of(source)
        except ValueError as error:
            self.said.setText(str(error))
            return
        wish = Wish(
            endpoint=self.endpoint.text().strip(),
            token=self.token.text().strip(),
            method=_METHODS[self.method.currentText()],
            preset=_PRESETS[self.preset.currentText()],
            auto_approve=self.auto_approve.isChecked(),
        )
        self._work = work = Work(wish, sent)

        def add(data: NDArray[object], run: str) -> None:
            self._viewer.add_layer(result_layer(source, data, run))
            self._end("Done.")

        work.progressed.connect(self._show)
        work.done.connect(add)
        work.failed.connect(lambda text: self._end(text or "Cancelled."))
        for button, action in (
            (self.stop, work.cancel),
            (self.approve, work.approve),
            (self.skip, work.skip),
        ):
            button.clicked.connect(action)
        self._show_running(is_running=True)
        work.start()

    def _show(self, progress: Progress) -> None:
        is_review = progress.phase is Phase.AWAITING_REVIEW
        for button in (self.approve, self.skip):
            button.setVisible(is_review)
        self.said.setText(_review_hint(progress) if is_review else progress.text)
        fraction = progress.fraction
        self.bar.setMaximum(0 if fraction is None else _PARTS)  # 0 = busy, nobody knows how long
        self.bar.setValue(round((fraction or 0.0) * _PARTS))

    def _end(self, text: str) -> None:
        for button in (self.stop, self.approve, self.skip):
            button.clicked.disconnect()
        self._work = None
        self._show_running(is_running=False)
        self.said.setText(text)

    def _show_running(self, *, is_running: bool) -> None:
        self.go.setEnabled(not is_running)
        for each in (self.stop, self.bar):
            each.setVisible(is_running)
        for each in (self.approve, self.skip):
            each.setVisible(False)
        self.said.setText("")


def _review_hint(progress: Progress) -> str:
    if progress.text != progress.phase:
        return progress.text
    short = progress.run.rpartition("/")[2]
    return f"The mask waits for your review: see it with `clearstack mask show {short}`, or on the page."
