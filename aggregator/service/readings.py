"""What stands at this moment, for Prometheus?"""

from collections.abc import Iterator
from datetime import timedelta

from aggregator.service.gauges import Reading
from aggregator.service.run import Service
from aggregator.service.survey import Survey
from aggregator.sources.quiet import State


def of_feeds(survey: Survey) -> Iterator[Reading]:
    """Yield what stands of the feeds, and how much is stored."""
    states = survey.states()
    yield Reading(
        name="feeds",
        help="Feeds by how they do",
        label="state",
        values=tuple((str(state), float(states[state])) for state in State),
    )
    scores = [seen.report.politeness for seen in survey.feeds]
    points = [score.points for score in scores if score.visits]
    if points:
        yield _plain("politeness_min", "The worst politeness score, of 100", min(points))
    yield _plain("items_stored", "Items in the database", survey.items)
    yield _plain("stories_open", "Stories with a report of the last day", survey.stories)
    due = [seen.report.next for seen in survey.feeds if seen.report.next]
    overdue = max((survey.at - at for at in due), default=timedelta())
    late = max(overdue.total_seconds(), 0.0)
    yield _plain("overdue_seconds", "How long the longest overdue feed has waited", late)
    good = [seen.state.succeeded_at for seen in survey.feeds if seen.state]
    last = max((at for at in good if at), default=None)
    if last is not None:
        age = (survey.at - last).total_seconds()
        yield _plain("last_good_visit_age_seconds", "Since a feed was read last", max(age, 0.0))


def of_service(service: Service) -> Iterator[Reading]:
    """Yield what stands of the service itself."""
    vitals = service.vitals
    health = vitals.health()
    yield _plain("healthy", "1 when /healthz is green", float(health.ok))
    yield _plain("faults", "What ails the service", len(health.because))
    faults = len(vitals.edit.faults) if vitals.edit else 0
    yield _plain("settings_faults", "Mistakes of the last edit; what was good holds", faults)
    yield Reading(
        name="settings_edits",
        help="Edits since the start",
        label="outcome",
        values=tuple((name, float(vitals.edits[name])) for name in ("taken over", "refused")),
    )
    answers = service.front.answers.items()
    yield Reading(
        name="answers",
        help="Answers since the start, by status",
        label="status",
        values=tuple((str(status), float(count)) for status, count in sorted(answers)),
    )
    yield _plain("visits_under_way", "Visits under way", len(service.rounds.flying()))


def _plain(name: str, told: str, value: float) -> Reading:
    return Reading(name=name, help=told, values=(("", float(value)),))
