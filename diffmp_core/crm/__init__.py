"""Idealised superparameterised columns: a periodic 2-D cloud-resolving model in each cell of an icosahedral grid."""
