"""What every tab is: built when first shown, redrawn only while it can be seen."""

from __future__ import annotations

from typing import ClassVar, Protocol

from panel.viewable import Viewable

from ..data.catalog import Catalog
from ..state.state import State


class View(Protocol):
    """One tab. The page calls :meth:`panel` once, on the first visit, and :meth:`refresh` after that.

    ``depends`` names the parameters of the state that change what the tab shows. While another tab is
    visible their changes are collected, and :meth:`refresh` gets them all at once on the next visit.
    """

    depends: ClassVar[tuple[str, ...]]

    def __init__(self, state: State, catalog: Catalog) -> None: ...

    def panel(self) -> Viewable:
        """Build the tab for the present state."""
        ...

    def refresh(self, changed: frozenset[str]) -> None:
        """Bring what is drawn up to the present state after these parameters changed."""
        ...
