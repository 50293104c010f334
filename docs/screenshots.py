"""The pictures of the dashboard in docs/screenshots/, made from the shipped demo, and docs/gallery.md that shows them.

    python -m docs.screenshots [NAME ...]

Each picture is an address of the page, the buttons pressed there, what is brought into sight, and a caption. It is
taken when the page says that it is ready and its figures have been still for a while.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from PIL import Image
from playwright.sync_api import Page

from benchmarks.dashboard_window import Server, chromium_window, serve

FOLDER = Path(__file__).parent / "screenshots"
GALLERY = Path(__file__).parent / "gallery.md"
SHADES = 256
LARGEST = 250_000
"""Bytes of one picture at most."""
STILL = "([quiet]) => Bokeh.documents[0].is_idle && performance.now() - lastDrawn > quiet"
STILL_MS = 1500
"""Figures have been drawn when nothing was drawn for this long: an answer of the model takes less."""
PATIENCE_MS = 240_000
"""A busy machine may take so long over a first answer of the model."""
TOUR_TAKEN = "window.localStorage.setItem('diffmp-tour-seen', '1')"
BRING = "(part, block) => { part.style.scrollMarginTop = '90px'; part.scrollIntoView({block}); }"
DEEP = {"target": "composite", "region": "tropics", "regime": "deep convection"}
WIDE, NARROW = (1400, 900), (800, 1000)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture.

    Attributes:
        address: choices of the page (app/state/choices.py).
        caption: what is seen, in a sentence or two.
        ready: words on the page that stand there when what is asked for does.
        press: buttons to press then, each with words that stand there when it has acted.
        sight: words that are brought into sight, at the ``block`` of the window; '' leaves the page at its top.
    """

    address: Mapping[str, object]
    caption: str
    ready: str
    press: Sequence[tuple[str, str]] = ()
    sight: str = ""
    block: str = "center"
    size: tuple[int, int] = field(default=WIDE)


PICTURES: Mapping[str, Picture] = {
    "overview": Picture(
        address={},
        caption="Overview: what the page shows, the scores of every emulator and reference, what was trained on what.",
        ready="What was trained on what",
    ),
    "maps-error": Picture(
        address={"tab": "Maps", "metric": "mse"},
        caption="Maps: mean squared error of subgrid heating, its zonal mean beside it and every level below "
        "(Figure 8 of the paper). Crosses mark cells whose truth lies outside the ensemble; a click "
        "selects a column for every tab.",
        ready="Global mean",
    ),
    "maps-difference": Picture(
        address={
            "tab": "Maps",
            "metric": "mse",
            "variable": "qi",
            "level": 17,
            "significant": 0,
            "compare": "difference",
            "pinned_emulator": "CVAE-MP",
        },
        caption="Maps: where DIFF-MP errs less about cloud ice than the CVAE, and where more (Figure 8 of the paper). "
        "A switch leaves blank what is not significant at a false discovery rate of 10 %.",
        ready="difference",
    ),
    "maps-coverage": Picture(
        address={"tab": "Maps", "metric": "coverage", "variable": "tend_qv_sgs", "projection": "Orthographic"},
        caption="Maps: which cells the ensemble covers (Figure 9 of the paper), on a globe that turns, in a window of "
        "800 pixels.",
        ready="Global mean",
        sight="Global mean",
        size=NARROW,
    ),
    "distributions": Picture(
        address={"tab": "Distributions", "variable": "qc"},
        caption="Distributions: how often each value of cloud water occurs at each height, in the truth and in the "
        "emulators (Figure 10 of the paper), and below where they differ by more than counting noise.",
        ready="How to read this",
    ),
    "profiles": Picture(
        address={"tab": "Profiles"},
        press=(("next ›", "Rank 1 of"),),
        caption="Profiles: 32 members drawn live for a column of deep convection, beside the truth "
        "(Figure 11 of the paper), and the ranks of the truth over all columns.",
        ready="truth inside on",
    ),
    "profiles-pinned": Picture(
        address={
            "tab": "Profiles",
            "compare": "side by side",
            "pinned_emulator": "DIFF-MP paper",
            "drawing": "fan",
            "dark": 1,
        },
        press=(("next ›", "Rank 1 of"),),
        caption="Profiles: the same column with the recipe of the paper pinned beside it, both as fans on the same "
        "axes.",
        ready="truth inside on",
        sight="Pinned:",
    ),
    "profiles-every": Picture(
        address={"tab": "Profiles", "drawing": "fan", "every": 1},
        press=(("next ›", "Rank 1 of"),),
        caption="Profiles: the same column answered by every emulator of the experiment, on the same axes as the truth "
        "(Figure 11 of the paper).",
        ready="truth inside on",
        sight="Every emulator",
        block="start",
    ),
    "sensitivity": Picture(
        address={"tab": "Sensitivity", "scale_SHF": 0.3, "scale_LHF": 0.3, **DEEP},
        caption="Sensitivity: the answer to surface fluxes cut by 70 %, mean over 40 columns of deep convection "
        "(Figure 13 of the paper), with two standard errors. Every slider answers while it moves.",
        ready="members, seed",
    ),
    "sweep": Picture(
        address={"tab": "Sensitivity", "sweep": "fluxes", **DEEP},
        caption="Sensitivity: four column integrals over a whole slider, here both surface fluxes from none to twice.",
        ready="members, seed",
        press=(("Sweep", "points, 40 columns"),),
        sight="Every point has the same random numbers",
        block="start",
    ),
    "studies": Picture(
        address={"tab": "Studies", "study": "models"},
        caption="Studies: emulators and references side by side, by score and output (Figure 7 of the paper).",
        ready="How to read this",
    ),
    "presenting": Picture(
        address={"tab": "Maps", "metric": "spread", "dark": 1},
        caption="Presenting: full screen, large type, and everything still answers to a click.",
        ready="Global mean",
        press=(
            ("Scenes and files", "None yet."),
            ("Add what is shown as a scene", "Note for the"),
            ("Present", "Leave"),
        ),
    ),
}


def take(page: Page, server: Server, picture: Picture) -> bytes:
    """The picture as PNG, of few colours where it would be larger than ``LARGEST`` otherwise."""
    page.set_viewport_size({"width": picture.size[0], "height": picture.size[1]})
    page.goto(server.address(**picture.address))
    _wait(page, picture.ready)
    words = picture.ready
    for button, words in picture.press:
        page.get_by_role("button", name=button).and_(page.get_by_text(button, exact=True)).last.click()
        _wait(page, words)
    if picture.sight:
        page.get_by_text(picture.sight).locator("visible=true").first.evaluate(BRING, picture.block)
    page.mouse.move(2, picture.size[1] - 2)
    _wait(page, words)
    taken = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    for picture_of in (taken, taken.quantize(SHADES, kmeans=2, dither=Image.Dither.NONE)):
        shown = io.BytesIO()
        picture_of.save(shown, "PNG", optimize=True)
        if shown.tell() <= LARGEST:
            return shown.getvalue()
    raise SystemExit(f"expected at most {LARGEST:,} bytes, found {shown.tell():,} of {picture.caption!r}")


def _wait(page: Page, words: str) -> None:
    """Return when the page shows these words, nothing is on its way, and all has been drawn."""
    page.get_by_text(words).locator("visible=true").first.wait_for()
    page.get_by_text("Drawing …").locator("visible=true").wait_for(state="detached")
    page.wait_for_function(STILL, arg=[STILL_MS])


def gallery() -> str:
    """The page that shows all pictures, with their addresses."""
    parts = ["# Pictures of the dashboard", "Made by `make screenshots` from the shipped demo; below each its address."]
    for name, picture in PICTURES.items():
        query = f"?{urlencode(picture.address)}" if picture.address else "/"
        pressed = "".join(f", then *{button}*" for button, _ in picture.press)
        parts += [
            f"![{picture.caption.partition(':')[0]}](screenshots/{name}.png)",
            picture.caption,
            f"`{query}`{pressed}",
        ]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Make the pictures named, all if none is, and the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*PICTURES, []], help="pictures; all if none is named")
    names = parser.parse_args().names or list(PICTURES)
    FOLDER.mkdir(exist_ok=True)
    with serve() as server, chromium_window() as page:
        page.set_default_timeout(PATIENCE_MS)
        page.add_init_script(TOUR_TAKEN)
        for name in names:
            content = take(page, server, PICTURES[name])
            (FOLDER / f"{name}.png").write_bytes(content)
            print(f"{name}: {len(content):,} bytes")
    GALLERY.write_text(gallery(), encoding="utf-8")


if __name__ == "__main__":
    main()
