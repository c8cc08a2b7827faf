"""What reporting's routes work with."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends

from services.reporting.completeness import Completeness
from shared.db import Pool
from shared.service import component


@dataclass(slots=True)
class ReportingApp:
    """What reporting's routes work with."""

    pool: Pool
    completeness: Completeness


ReportingDep = Annotated[ReportingApp, Depends(component("reporting"))]
