"""Physics of a column as pure functions: subgrid tendencies, buoyancy, column integrals, regimes, changes by hand."""
