"""Reporting by HTTP: the catalogue and each report (`reports`); `common` is what its routes work with."""

from services.reporting.api.common import ReportingApp, ReportingDep

__all__ = ["ReportingApp", "ReportingDep"]
