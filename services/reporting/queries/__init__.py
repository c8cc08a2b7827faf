"""The seven reports, a file each: definition, columns and SQL beside each other."""

from services.reporting.queries import activities, agents, backlog, durations, moves, reopens, volumes
from services.reporting.queries.report import Counting, Question, Report, Rows

REPORTS: dict[str, Report] = {
    report.name: report
    for report in (
        volumes.REPORT, activities.REPORT, moves.REPORT, durations.REPORT, backlog.REPORT, agents.REPORT, reopens.REPORT,
    )
}  # fmt: skip

__all__ = ["REPORTS", "Counting", "Question", "Report", "Rows"]
