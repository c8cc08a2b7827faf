"""Reporting, wired."""

from services.reporting import api
from services.reporting.completeness import Completeness
from services.reporting.views import ReportView
from shared.service import Kernel, Service, common_parts, projection_of

VIEWS = (ReportView(),)


async def build(kernel: Kernel) -> Service:
    """Return the service."""
    parts = await common_parts(kernel, "reporting")
    projection = projection_of(kernel, "reporting", parts.pool, VIEWS)
    return Service(
        name="reporting", kernel=kernel, pool=parts.pool, directory=parts.directory, authenticator=parts.authenticator,
        projection=projection,
        components=api.ReportingApp(parts.pool, Completeness(projection.name, kernel.feed)),
    )  # fmt: skip
