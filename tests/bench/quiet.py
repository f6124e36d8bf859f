"""Logging as a worker in production has it: nothing below a warning, and what there is goes to standard error."""

import logging
import sys

import structlog


def quiet() -> None:
    """For the start of a process of the bench."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
