"""What a decider answers when it says no. Pure: the HTTP layer turns it into a problem document."""

from collections.abc import Mapping


class Refusal(Exception):  # noqa: N818 -- a decider's answer, not a failure
    """A decider says no.

    Attributes:
        detail: What is not possible and what would be.
        status: 409: not in this state; 422: `field` is not acceptable; 403: not by this person; 404: unknown.
        field: The field that is refused, if it is one.
        fields: Each field that is refused to what is wrong with it.
    """

    def __init__(
        self, detail: str, *, status: int = 409, field: str | None = None, fields: Mapping[str, str] | None = None
    ) -> None:
        self.detail = detail
        self.status = status
        self.fields = dict(fields) if fields else {field: detail} if field else {}
        self.field = next(iter(self.fields), None)
        super().__init__(detail)
