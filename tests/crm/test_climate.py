import numpy as np
import pytest
import xarray as xr

from diffmp_core.crm.simulate import simulate


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_it_rains_most_over_equatorial_seas_and_not_too_much_anywhere(tmp_path):
    raw = (
        xr.open_zarr(simulate(tmp_path / "run.zarr", grid="G1", hours=48, workers=1)).load().isel(time=slice(24, None))
    )
    rain = 86400.0 * raw.precipitation.mean("time")  # mm/day
    mean = float((rain * raw.area).sum() / raw.area.sum())
    assert 0.8 < mean < 5.0
    equatorial = (np.abs(raw.lat) < 12) & (raw.land_fraction == 0)
    assert float(rain.where(equatorial).mean()) > 2 * float(rain.where(np.abs(raw.lat) > 20).mean())
    assert float(raw.w_max.max()) > 5.0  # m/s, deep convection
    assert float(raw.w_max.max()) < 40.0
    fog = raw.qc.isel(level=0).mean("time")
    assert float(fog.max()) < 3e-4  # kg/kg
