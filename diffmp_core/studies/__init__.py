"""Studies: the comparisons of the paper's Sections 3 and 4, each made by one command and kept in one store.

A study is a list of cases; a case is an emulator, how it is sampled, and its place on the study's axes.
"""
