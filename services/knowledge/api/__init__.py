"""The knowledge base by HTTP, a module for each thing that is done with articles; `common` is what they share."""

from services.knowledge.api import comparing, files, previewing, rating, read, tickets, write
from services.knowledge.api.common import KnowledgeApp, KnowledgeDep

ROUTERS = (read.router, comparing.router, write.router, previewing.router, files.router, rating.router, tickets.router)

__all__ = ["ROUTERS", "KnowledgeApp", "KnowledgeDep"]
