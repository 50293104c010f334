"""Figures: pure functions from arrays to Bokeh models, each with an update that changes only the data sources."""
