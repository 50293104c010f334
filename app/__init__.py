"""The dashboard: scores and live samples of an emulator become views. Nothing here computes a score or touches torch."""
