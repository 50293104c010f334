"""Columns -> weights: configuration, data in memory, learning rate, checkpoint, loop."""
