"""Knowledge's views: articles with all versions of their words, what people think of them, and the tickets they may be linked to."""

from services.knowledge.views.article import ArticleRow, ArticleView
from services.knowledge.views.rating import RatingRow, RatingView
from services.knowledge.views.ticket import TicketRow, TicketView

__all__ = ["ArticleRow", "ArticleView", "RatingRow", "RatingView", "TicketRow", "TicketView"]
