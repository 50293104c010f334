"""The page that an exhibit is drawn on."""

from itertools import pairwise

import pytest
import xarray as xr
from diffmp_app.exhibits.paper import draw_page
from matplotlib.backends.backend_agg import FigureCanvasAgg

LONG = "Idealised superparameterised columns, 120 km; " * 8


@pytest.mark.parametrize("said", [(), ("verdict", "cautions")])
@pytest.mark.parametrize("width", [6.5, 10.0])
def test_long_words_stay_on_the_page(width: float, said: tuple[str, ...]):
    words = dict.fromkeys(("title", "subtitle", *said), LONG)
    data = xr.Dataset(attrs=words | {"attribution": LONG + "32 members, preset default"})
    figure = draw_page(lambda *_: None, data, (width, 7.0))
    renderer = FigureCanvasAgg(figure).get_renderer()
    ends = [text.get_window_extent(renderer).x1 / figure.bbox.x1 for text in figure.texts]
    assert len(ends) == 3 + len(said)
    boxes = sorted((text.get_window_extent(renderer) for text in figure.texts), key=lambda box: box.y0)
    assert all(below.y1 <= above.y0 for below, above in pairwise(boxes))
    assert max(ends) < 1
    assert min(ends) > 0.8
