"""The page that an exhibit is drawn on."""

import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg

from app.exhibits.paper import draw_page

LONG = "Idealised superparameterised columns, 120 km; " * 8


@pytest.mark.parametrize("width", [6.5, 10.0])
def test_long_words_stay_on_the_page(width: float):
    data = xr.Dataset(attrs={"title": LONG, "subtitle": LONG, "attribution": LONG + "32 members, preset default"})
    figure = draw_page(lambda *_: None, data, (width, 7.0))
    renderer = FigureCanvasAgg(figure).get_renderer()
    ends = [text.get_window_extent(renderer).x1 / figure.bbox.x1 for text in figure.texts]
    assert len(ends) == 3
    assert max(ends) < 1
    assert min(ends) > 0.8
