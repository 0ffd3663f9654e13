"""What does a reader see when an entry is opened?"""

from datetime import UTC
from html import escape

from aggregator.model.editions import Also, EditionEntry

MAX_ALSO = 12  # reports named under an entry; a great story has hundreds
MAX_CONTENT = 200_000  # characters; beyond, the summary and the link have to do


def body_of(entry: EditionEntry) -> str:
    """Return the safe HTML body of a cleaned ``entry``: its text, then who else reports it.

    ``content_html`` is trusted to be sanitised; all else is plain text and is escaped here.
    Empty when there is nothing to say.
    """
    return _told(entry) + also_list(entry.also)


def teaser_of(entry: EditionEntry) -> str:
    """Return the plain summary, or nothing when the body says no more than the summary."""
    return entry.summary if entry.also or _has_content(entry) else ""


def also_list(also: tuple[Also, ...]) -> str:
    """Return a short HTML list of the others who report it, each with its headline and time."""
    if not also:
        return ""
    lines = "".join(f"<li>{_report(report)}</li>" for report in also[:MAX_ALSO])
    rest = len(also) - MAX_ALSO
    more = f"<li>and {rest} more</li>" if rest > 0 else ""
    others = f" {len(also)} others" if len(also) > 1 else ""
    return f"<p>Also reported by{others}</p><ul>{lines}{more}</ul>"


def _has_content(entry: EditionEntry) -> bool:
    return 0 < len(entry.content_html) <= MAX_CONTENT


def _told(entry: EditionEntry) -> str:
    if _has_content(entry):
        return entry.content_html
    return f"<p>{escape(entry.summary, quote=False)}</p>" if entry.summary else ""


def _report(report: Also) -> str:
    headline = escape(report.title, quote=False)
    if report.link:
        headline = f'<a href="{escape(report.link)}">{headline}</a>'
    same = " (same text)" if report.copy else ""
    at = report.published.astimezone(UTC)
    when = f'<time datetime="{at:%Y-%m-%dT%H:%M:%SZ}">{at:%Y-%m-%d %H:%M} UTC</time>'
    return f"{escape(report.source, quote=False)}: {headline}{same}, {when}"
