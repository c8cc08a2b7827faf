"""Somebody is forgotten: what he has said of articles is blanked. Articles are the desk's words, and stay."""

from shared.contracts.erasing import RATING_ERASED
from shared.db import Pool
from shared.eventstore.eraser import Eraser
from shared.forgetting import OwnForgetting

RATED = "ledgerdesk.article_rating.rated"


def forgetting(pool: Pool, eraser: Eraser) -> OwnForgetting:
    """Return knowledge's part in forgetting somebody: his comments."""
    return OwnForgetting("knowledge", RATED, RATING_ERASED, pool, eraser)
