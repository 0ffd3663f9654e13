"""How do we tell ops what happened? One line per visit, in their words, and never a secret."""

import logging
import sys
from collections.abc import Iterable

import structlog

HIDDEN = "***"

_secrets: frozenset[str] = frozenset()


def hide(secrets: Iterable[str]) -> None:
    """Show none of ``secrets`` from now on, in no line and on no page."""
    global _secrets  # noqa: PLW0603 - of the whole process, as its log is
    _secrets = frozenset(secrets)


def hidden(text: str) -> str:
    """Return ``text`` without the secrets in it."""
    for secret in _secrets:
        if secret in text:
            text = text.replace(secret, HIDDEN)
    return text


def _without_secrets(
    _: object, __: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    return {name: _clean(value) for name, value in event.items()}


def _clean(value: object) -> object:
    if isinstance(value, str):
        return hidden(value)
    if isinstance(value, list | tuple):
        return [_clean(one) for one in value]
    return value


def set_up(*, level: str = "info", json: bool | None = None) -> None:
    """Log to standard error: for people on a terminal, JSON lines elsewhere unless told."""
    as_json = not sys.stderr.isatty() if json is None else json
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _without_secrets,
    ]
    final: structlog.types.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, final],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, force=True)
    # Their INFO lines print addresses with passwords in them.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
