"""`ledgerdesk rebuild`: a view is made anew from the stores, beside the one that is read, and takes its place at once."""

from ledgerdesk.rebuild.plan import Plan, UnknownViewError, plan_of
from ledgerdesk.rebuild.run import RebuildError, Rebuilt, rebuild

__all__ = ["Plan", "RebuildError", "Rebuilt", "UnknownViewError", "plan_of", "rebuild"]
