"""Emulators: networks, schedules, samplers, and the folder that holds a trained one."""
