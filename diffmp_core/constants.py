"""Physical constants, each once, with unit and source."""

GRAVITY = 9.80665
"""Standard acceleration of gravity [m s-2] (CGPM 1901)."""

SPECIFIC_HEAT_DRY_AIR = 1004.64
"""Specific heat of dry air at constant pressure [J kg-1 K-1] (E3SM/CAM physconst)."""

GAS_CONSTANT_DRY_AIR = 287.04
"""Gas constant of dry air [J kg-1 K-1] (E3SM/CAM physconst)."""

GAS_CONSTANT_VAPOUR = 461.5
"""Gas constant of water vapour [J kg-1 K-1] (E3SM/CAM physconst)."""

LATENT_HEAT_VAPORISATION = 2.501e6
"""Latent heat of vaporisation at 0 degC [J kg-1] (E3SM/CAM physconst)."""

LATENT_HEAT_FUSION = 3.337e5
"""Latent heat of fusion at 0 degC [J kg-1] (E3SM/CAM physconst)."""

LATENT_HEAT_SUBLIMATION = LATENT_HEAT_VAPORISATION + LATENT_HEAT_FUSION
"""Latent heat of sublimation at 0 degC [J kg-1]."""

FREEZING_POINT = 273.15
"""Freezing point of water at 1013.25 hPa, 0 degC [K]."""

VON_KARMAN = 0.4
"""Von Karman constant [1]."""

STEFAN_BOLTZMANN = 5.670374419e-8
"""Stefan-Boltzmann constant [W m-2 K-4] (CODATA 2018)."""

SOLAR_CONSTANT = 1361.0
"""Total solar irradiance at 1 au [W m-2] (Kopp and Lean 2011, doi:10.1029/2010GL045777)."""

EARTH_RADIUS = 6.371e6
"""Mean radius of the Earth [m]."""

SECONDS_PER_DAY = 86400.0
"""Length of a mean solar day [s]."""

WATER_DENSITY = 1000.0
"""Density of the liquid water that a depth of precipitation is meant of [kg m-3]."""

REFERENCE_PRESSURE = 1.0e5
"""Reference pressure of potential temperature and of hybrid levels [Pa]."""
