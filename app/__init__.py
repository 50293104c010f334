"""The dashboard: scores and live samples of an emulator become views; no score is computed here, nothing uses torch."""
