"""Structured logs on standard error, and the metrics every process has."""

import logging
import sys
import warnings

import structlog
from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Histogram(
    "ledgerdesk_http_request_seconds", "Time to answer", ["service", "method", "route", "status"],
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)  # fmt: skip
APPENDED = Counter("ledgerdesk_events_appended_total", "Events appended to a store by this process", ["owner"])
REJECTED = Counter("ledgerdesk_rejected_tickets_total", "Tickets that a rule has refused at the door", ["rule"])
PARKED = Gauge(
    "ledgerdesk_parked_events",
    "Events set aside because a view could not fold them, or the service not react to them",
    ["service"],
)
UNKNOWN = Gauge(
    "ledgerdesk_unknown_records", "Records of types this program does not know, skipped since ever", ["service"]
)
GAPS = Gauge("ledgerdesk_gaps", "Streams of which a view misses an event", ["service"])
RELAY_POSITION = Gauge("ledgerdesk_relay_position", "Last position handed to Kafka", ["owner"])
STORE_POSITION = Gauge("ledgerdesk_store_position", "Last position of the store", ["owner"])


def configure_logging(level: str = "info", *, stream: str = "json") -> None:
    """Write logs as one JSON object per line (or readable text on a terminal). Nothing personal is ever logged."""
    number = getattr(logging, level.upper(), logging.INFO)
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if stream == "json" else structlog.dev.ConsoleRenderer()
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
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(
        level=max(number, logging.WARNING), stream=sys.stderr, format="%(levelname)s %(name)s %(message)s"
    )
    logging.getLogger("aiokafka").setLevel(
        logging.CRITICAL
    )  # it logs every reconnect as an error; we log what it means
    warnings.simplefilter("default")
