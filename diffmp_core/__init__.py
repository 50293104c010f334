"""DIFF-MP: stochastic parameterization of moist physics with a conditional diffusion model.

Data flow one way, and imports point the same way:
raw data (:mod:`diffmp_core.crm`) -> columns (:mod:`diffmp_core.columns`) -> emulator
(:mod:`diffmp_core.models`, :mod:`diffmp_core.training`) -> ensemble (:mod:`diffmp_core.sampling`)
-> scores (:mod:`diffmp_core.scores`) -> views (the folder ``app``, installed as ``diffmp_app``).
"""

__version__ = "0.2.0"
