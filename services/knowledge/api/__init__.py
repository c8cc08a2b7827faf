"""The knowledge base by HTTP: reading and finding (`read`), writing (`write`), files (`files`), what people think (`rating`), tickets (`tickets`)."""

from services.knowledge.api import files, rating, read, tickets, write
from services.knowledge.api.common import KnowledgeApp, KnowledgeDep

ROUTERS = (read.router, write.router, files.router, rating.router, tickets.router)

__all__ = ["ROUTERS", "KnowledgeApp", "KnowledgeDep"]
