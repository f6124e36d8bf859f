"""A day of a shop, end to end, into a sandbox of Xero: the example, the proof and the first thing a new user sees."""


class DemoFailed(Exception):
    """The day could not be played to its end; the message says why, and where to look."""
