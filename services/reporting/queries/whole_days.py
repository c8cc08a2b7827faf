"""Questions about whole days of all tickets: they are answered from the sums by day (`services.reporting.days`)."""

from datetime import UTC, time

from services.reporting.queries.report import Question, Where


def of_whole_days(question: Question) -> bool:
    """Whether a question is about whole UTC days of all tickets: then the sums answer it."""
    bounds = [bound for bound in (question.start, question.end) if bound is not None]
    midnights = all(bound.astimezone(UTC).time() == time(0) for bound in bounds)
    return midnights and not question.filters and set(question.group_by) <= {"day"}


def days_of(question: Question, clock: str) -> Where:
    """Return the conditions on `day_sum` that a question of whole days comes to."""
    where = Where()
    where.conditions.append(f"clock = {where.argument(clock)}")
    for bound, operator in ((question.start, ">="), (question.end, "<")):
        if bound is not None:
            where.conditions.append(f"day {operator} {where.argument(bound.astimezone(UTC).date())}")
    return where
