"""Idealised superparameterised columns: one periodic 2-D cloud-resolving model per cell of a global icosahedral grid."""
