"""How a call fails, as types; `wire` turns each into the bytes that Xero answers.

SandboxError      the sandbox itself cannot go on (a busy port, a corrupt state file)
Refusal           a call that Xero refuses as a whole
  Malformed       400, ErrorNumber 14: the data cannot be read
  BadQuery        400, ErrorNumber 16: `where` or `order` cannot be parsed
  Invalid         400, ErrorNumber 10 with a message of its own and no elements
  NotFound        404, text/html
  NotImplemented_ 501
"""


class SandboxError(Exception):
    """The sandbox cannot go on; `str()` is one sentence with a remedy, made for people."""


class Refusal(Exception):
    """A call that is refused as a whole."""


class Malformed(Refusal):
    """The posted data cannot be read."""

    @classmethod
    def value(cls, value: object, kind: str, path: str) -> "Malformed":
        """The text that Xero's JSON reader gives for a value of the wrong kind."""
        shown = f'"{value}"' if isinstance(value, str) else str(value)
        return cls(f"Error converting value {shown[:80]} to type '{kind}'. Path '{path}'.")


class BadQuery(Refusal):
    """`where` or `order` cannot be parsed."""


class Invalid(Refusal):
    """A validation failure of the request itself, not of one element."""


class NotFound(Refusal):
    """There is no such resource."""


class NotImplemented_(Refusal):
    """The resource exists; this method does not."""
