"""A column of the reader's own: load a small file, or take the template. What is read is a choice like any other."""

from __future__ import annotations

import io
from html import escape

import panel as pn
import panel_material_ui as pmui
from panel.viewable import Viewable

from app.catalog import Catalog
from app.state import State
from app.views.layout import words
from diffmp_core.columns.user_column import LARGEST, read_user_column, template, to_text
from diffmp_core.errors import DiffmpError
from diffmp_core.stores import stack_channels
from diffmp_core.variables import INPUTS

ABOUT = (
    "CSV or netCDF, at most 1 MB: T and qv by height or pressure, Ps, SHF, LHF, SOLIN. Its numbers travel in the "
    "address and in scenario files."
)
FILE = "column.csv"


class OwnColumn:
    """Upload and template, seen while the reader's own column is the target."""

    def __init__(self, state: State, catalog: Catalog) -> None:
        self.state, self.catalog = state, catalog
        self.upload = pmui.FileInput(
            label="Load a column",
            accept=".csv,.nc,text/csv,application/x-netcdf",
            max_file_size=LARGEST,
            chunk_size=LARGEST,
            size="small",
            variant="outlined",
            margin=2,
        )
        self.upload.param.watch(lambda event: self.load(event.new), "value")
        self.save = pmui.FileDownload(
            label="Template", callback=self._template, filename=FILE, size="small", variant="outlined", margin=2
        )
        self.said = pn.pane.HTML("", margin=0)
        self.notice = pmui.Alert(self.said, severity="warning", visible=False, sizing_mode="stretch_width")

    def panel(self) -> Viewable:
        """The buttons, hidden while another target is chosen."""
        seen = self.state.param.target.rx() == "own"
        return pn.Column(
            pn.Row(self.upload, self.save, margin=0),
            words(ABOUT, "caption"),
            self.notice,
            visible=seen,
            sizing_mode="stretch_width",
            margin=0,
        )

    def load(self, content: bytes | None) -> None:
        """Take the column of a file, or say in one sentence why not."""
        if not content:
            return
        cells = self.catalog.grid(self.state.experiment)
        try:
            inputs = read_user_column(content, height=cells.height, pressure=cells.pressure)
        except DiffmpError as error:
            self.said.object = escape(str(error))
            self.notice.visible = True
            return
        self.notice.visible = False
        self.state.param.update(own=to_text(inputs), target="own")

    def _template(self) -> io.BytesIO:
        """The selected column as a file to be changed."""
        state = self.state
        columns = self.catalog.columns(state.experiment).isel(time=[state.time], cell=[state.cell])
        text = template(stack_channels(columns, INPUTS)[0], height=self.catalog.grid(state.experiment).height)
        return io.BytesIO(text.encode())
