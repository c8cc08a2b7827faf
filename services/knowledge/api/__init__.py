"""The knowledge base by HTTP, a module for each thing that is done with articles; `common` is what they share."""

from services.knowledge.api.common import KnowledgeApp, KnowledgeDep

__all__ = ["KnowledgeApp", "KnowledgeDep"]
