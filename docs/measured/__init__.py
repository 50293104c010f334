"""The figures and tables of docs/simulator.md, measured from runs of the shipped code: ``make figures``."""
