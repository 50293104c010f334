"""The exception that a user may cause, and that the command line and the page turn into a sentence."""


class DiffmpError(Exception):
    """Input, option or environment that the user can mend.

    The message is one clear sentence: what was expected, what was found, where, and what to do,
    e.g. ``expected variable 'qv' in K.nc, found ['T', 'Ps']; rename it or pass --source``.
    """


class DivergedError(DiffmpError):
    """Samples that are not finite: an emulator that was hardly trained, or too few steps for its schedule."""
