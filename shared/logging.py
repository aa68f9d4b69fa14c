"""Structured logs. Every line of one input's handling carries its case and what caused it."""

from __future__ import annotations

import logging
import sys

import structlog


def configure(level: str = "info", *, as_json: bool = False) -> None:
    """Set up logging for the process: lines for reading, or JSON for machines, on standard error."""
    number = logging.getLevelNamesMapping()[level.upper()]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=28)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    others = max(number, logging.WARNING)
    logging.basicConfig(level=others, stream=sys.stderr, format="%(name)s: %(message)s")
    logging.getLogger("faststream.kafka").setLevel(others)  # it would tell of every batch


bound = structlog.contextvars.bound_contextvars
"""`with bound(case_id=…, causation_id=…):` marks every log line within."""
