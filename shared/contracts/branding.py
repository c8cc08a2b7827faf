"""Payloads of how the desk looks to people: name, colours, images, links."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from shared.contracts.fields import Body, Line, Strict

BrandMedia = Literal["image/png", "image/jpeg", "image/webp", "image/svg+xml"]
"""What a logo may be."""


class BrandImage(Strict):
    """An image of the desk, kept by its content. `side`: of an icon, which is square, in pixels."""

    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, Field(ge=1)]
    media_type: BrandMedia
    side: Annotated[int, Field(ge=1)] | None = None


class BrandLink(Strict):
    """A link in the footers: imprint, privacy."""

    label: Annotated[Line, StringConstraints(max_length=60)]
    url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s<>\"'\\]{1,1000}$")]


class Branding(Strict):
    """How the desk shows itself.

    Attributes:
        key: `desk`: there is one.
        icon: For the home screen: a square PNG.
        accent: The colour that its tones are made of: `#rrggbb`.
        support: Words on the sign-in page.
    """

    key: Literal["desk"] = "desk"
    name: Annotated[Line, StringConstraints(max_length=60)]
    logo: BrandImage | None = None
    icon: BrandImage | None = None
    accent: Annotated[str, StringConstraints(pattern=r"^#[0-9a-f]{6}$")] | None = None
    support: Annotated[Body, StringConstraints(max_length=2000)] | None = None
    links: Annotated[list[BrandLink], Field(max_length=6)] = []
    version: int


class BrandingConfigured(Strict):
    """How the desk looks was changed."""

    new: Branding
    old: Branding | None = None
