"""The menu below a figure with which it leaves: as a picture, as data, as Python. Nothing is made before the click."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from html import escape

import panel as pn
import panel_material_ui as pmui
import param
import xarray as xr
from panel.custom import JSComponent
from panel.viewable import Viewable

from diffmp_core.errors import DiffmpError

from ..data.catalog import Catalog
from ..exhibits import Exhibit
from ..exhibits.formats import FORMATS, File, export
from .answers import Asker
from .notices import hidden_notice


class Download(JSComponent):
    """Hands a file to the browser whenever there is a new one."""

    file = param.Dict(default={}, doc="name, mime and content (bytes); number tells one from the one before")

    _esm = """
    export function render({model}) {
      const give = () => {
        if (!model.file.name) return;
        const link = document.createElement("a");
        link.href = URL.createObjectURL(new Blob([model.file.content], {type: model.file.mime}));
        link.download = model.file.name;
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 10000);
      };
      model.on("file", give);
      give();
    }
    """


class ExportMenu:
    """A button that opens a menu of formats, and a line for what went wrong."""

    def __init__(
        self,
        what: str,
        exhibit: Callable[[], Exhibit],
        catalog: Catalog,
        gathered: Callable[[], xr.Dataset | None] = lambda: None,
    ) -> None:
        """``exhibit`` gives what the page shows at the moment of the click, ``gathered`` the data that it is drawn of.

        Without these the exhibit gathers them.
        """
        self.exhibit, self.catalog, self.gathered = exhibit, catalog, gathered
        self.asker, self.numbers = Asker(), itertools.count()
        self.button = pmui.MenuButton(
            label=f"Export {what}",
            items=[{"label": chosen.label} for chosen in FORMATS.values()],
            size="small",
            variant="text",
            margin=(2, 0),
        )
        self.button.on_click(lambda item: self.make(list(FORMATS)[self.button.items.index(item)]))
        self.words = pn.pane.HTML("", margin=0)
        self.problem = hidden_notice(self.words)
        self.download = Download(visible=False, width=0, height=0, margin=0)
        self.row = pn.Column(self.button, sizing_mode="stretch_width", margin=0)

    def make(self, name: str) -> None:
        """Make the file aside from the session, and hand it over."""
        self._place(self.download)
        self.button.loading, self.problem.visible = True, False
        try:
            exhibit, gathered = self.exhibit(), self.gathered()
        except DiffmpError as error:
            self._refuse(error)
            return
        self.asker.ask(
            lambda: _maker().submit(export, exhibit, self.catalog, name, gathered),
            lambda file, _: self._give(file),
            self._refuse,
        )

    def _give(self, file: File) -> None:
        self.button.loading = False
        number = next(self.numbers)
        self.download.file = {"name": file.name, "mime": file.mime, "content": file.content, "number": number}

    def _refuse(self, error: BaseException) -> None:
        self.button.loading = False
        if not isinstance(error, DiffmpError):
            raise error
        self.words.object = escape(str(error))
        self._place(self.problem)
        self.problem.visible = True

    def _place(self, part: Viewable) -> None:
        """Put a part on the page that is seldom needed."""
        if part not in self.row:
            self.row.append(part)


def export_menu(
    what: str,
    exhibit: Callable[[], Exhibit],
    catalog: Catalog,
    gathered: Callable[[], xr.Dataset | None] = lambda: None,
) -> Viewable:
    """The menu of one figure, as :class:`ExportMenu`; ``what`` it is, in a word or two."""
    return ExportMenu(what, exhibit, catalog, gathered).row


@functools.cache
def _maker() -> ThreadPoolExecutor:
    """One file at a time in this process: matplotlib is not made for more, and figures should not wait for exports."""
    return ThreadPoolExecutor(1, thread_name_prefix="export")
