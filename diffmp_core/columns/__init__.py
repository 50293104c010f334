"""RAW DATA -> COLUMNS: readers of data sets, choice of levels, split by time, normalisation, training domain.

Nothing here needs torch.
"""
