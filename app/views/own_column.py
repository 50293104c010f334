"""A column of the reader's own: load a small file, or take the template. What is read is a choice like any other."""

from __future__ import annotations

import functools
import io
from concurrent.futures import ThreadPoolExecutor
from html import escape

import panel as pn
from panel.viewable import Viewable

from diffmp_core.columns.user_column import UserColumn, template, to_text
from diffmp_core.columns.user_file import LARGEST, read_user_column
from diffmp_core.errors import DiffmpError
from diffmp_core.stores import stack_inputs

from ..data.catalog import Catalog
from ..state.state import State
from .answers import Asker
from .controls import download_button, upload_button
from .layout import words
from .notices import hidden_notice

ABOUT = (
    "CSV or netCDF, at most 1 MB, with the variables of the template, those on levels by height or pressure. Its "
    "numbers travel in the address and in scenario files."
)
READING = "Reading the file …"
FILE = "column.csv"
ACCEPTED = ".csv,.nc,text/csv,application/x-netcdf"


class OwnColumn:
    """Upload and template, seen while the reader's own column is the target."""

    def __init__(self, state: State, catalog: Catalog) -> None:
        self.state, self.catalog, self.asker = state, catalog, Asker()
        self.upload = upload_button("Load a column", self.load, accept=ACCEPTED, largest=LARGEST)
        self.save = download_button("Template", self._template, filename=FILE)
        self.about = words(ABOUT, "caption")
        self.said = pn.pane.HTML("", margin=0)
        self.notice = hidden_notice(self.said, "warning")

    def panel(self) -> Viewable:
        """The buttons, hidden while another target is chosen."""
        seen = self.state.param.target.rx() == "own"
        return pn.Column(
            pn.Row(self.upload, self.save, margin=0),
            self.about,
            self.notice,
            visible=seen,
            sizing_mode="stretch_width",
            margin=0,
        )

    def load(self, content: bytes) -> None:
        """Take the column of a file, or say in one sentence why not; it is read aside from the session."""
        experiment = self.state.experiment
        schema = self.catalog.schema(experiment)
        self.about.object, self.notice.visible = READING, False  # not the button: it would be made anew in the page
        self.asker.ask(
            lambda: _reader().submit(read_user_column, content, schema),
            lambda found, _: self._take(found, experiment),
            self._refuse,
        )

    def _take(self, found: UserColumn, experiment: str) -> None:
        """Show a column on the levels of an experiment, unless the reader has gone to another one."""
        self.about.object = ABOUT
        if experiment == self.state.experiment:
            schema = self.catalog.schema(experiment)
            self.state.param.update(own=to_text(found.inputs, schema, found.known), target="own")

    def _refuse(self, error: BaseException) -> None:
        self.about.object = ABOUT
        if not isinstance(error, DiffmpError):
            raise error
        self.said.object = escape(str(error))
        self.notice.visible = True

    def _template(self) -> io.BytesIO:
        """The selected column as a file to be changed."""
        state = self.state
        columns = self.catalog.columns(state.experiment).isel(time=[state.time], cell=[state.cell])
        text = template(stack_inputs(columns)[0], self.catalog.schema(state.experiment))
        return io.BytesIO(text.encode())


@functools.cache
def _reader() -> ThreadPoolExecutor:
    """One file at a time in this process: what a netCDF file may take in memory and time is bounded for each."""
    return ThreadPoolExecutor(1, thread_name_prefix="upload")
