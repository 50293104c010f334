"""The dashboard: scores and live samples of an emulator become views; no score is computed here, nothing uses torch.

Options of the page follow from what is registered, so plugins are loaded before any of its modules.
"""

from diffmp_core.plugins import load_plugins

load_plugins()
