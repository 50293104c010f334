"""ENSEMBLES -> SCORES: how well the members of an emulator stand for the truth."""
