"""Weights -> ensembles: batches over a column store, and answers while someone drags a slider."""
