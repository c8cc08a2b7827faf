"""Colours of a desk: the tones that are made of one, so that words on them and in them can be read (WCAG 2.2 AA). Pure."""

from collections.abc import Callable

Rgb = tuple[float, float, float]
"""Red, green, blue; 0 to 1, as a screen takes them (sRGB)."""

WHITE: Rgb = (1.0, 1.0, 1.0)
BLACK: Rgb = (0.0, 0.0, 0.0)
READABLE = 4.6
"""Contrast of words: WCAG AA wants 4.5; a screen rounds."""
VISIBLE = 3.1
"""Of what is no text, such as a ring around what has the focus: WCAG AA wants 3."""
LIGHT_PAGE, DARK_PAGE = "#fbfbfc", "#23242a"
"""The darkest of the light scheme's backgrounds that words stand on, nearly; the lightest of the dark one's. See 00-tokens.css."""
STEPS = 100


def parsed(text: str) -> Rgb:
    """Return the colour that `#rrggbb` says."""
    return (int(text[1:3], 16) / 255, int(text[3:5], 16) / 255, int(text[5:7], 16) / 255)


def written(colour: Rgb) -> str:
    """Return a colour as `#rrggbb`."""
    return "#" + "".join(f"{round(part * 255):02x}" for part in colour)


def luminance(colour: Rgb) -> float:
    """Return the relative luminance, as WCAG defines it."""
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour)  # noqa: PLR2004 -- the definition's own numbers
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Rgb, other: Rgb) -> float:
    """Return the contrast of two colours: 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def mixed(one: Rgb, other: Rgb, share: float) -> Rgb:
    """Return `one` with this share of `other` in it."""
    red, green, blue = (a + (b - a) * share for a, b in zip(one, other, strict=True))
    return (red, green, blue)


def _until(colour: Rgb, towards: Rgb, good: Callable[[Rgb], bool]) -> str:
    """Return the first tone, on the way from a colour to black or white, that is good; as it is written, which is what is shown."""
    for step in range(STEPS + 1):
        tone = written(mixed(colour, towards, step / STEPS))
        if good(parsed(tone)):
            return tone
    return written(towards)


def tones(accent: str) -> dict[str, dict[str, str]]:
    """Return the colours of the light and the dark scheme that one accent stands for, by the names of the style sheet's tokens.

    The hue is kept; a colour that is too light for white words on it is made darker, one too dark for words on a dark page lighter.
    """
    colour, light, dark = parsed(accent), parsed(LIGHT_PAGE), parsed(DARK_PAGE)
    filled = _until(colour, BLACK, lambda one: min(contrast(one, WHITE), contrast(one, light)) >= READABLE)
    said = _until(colour, WHITE, lambda one: contrast(one, dark) >= READABLE)
    return {
        "light": {
            "primary": filled, "primary-foreground": "#ffffff", "link": filled,
            "ring": _until(colour, BLACK, lambda one: contrast(one, light) >= VISIBLE),
            "chosen": written(mixed(parsed(LIGHT_PAGE), parsed(filled), 0.07)), "chosen-line": filled,
        },
        "dark": {
            "primary": filled, "primary-foreground": "#ffffff", "link": said,
            "ring": _until(colour, WHITE, lambda one: contrast(one, dark) >= VISIBLE),
            "chosen": written(mixed(parsed("#17181c"), parsed(said), 0.12)), "chosen-line": said,
        },
    }  # fmt: skip


def style_sheet(accent: str) -> str:
    """Return the style sheet that puts an accent's tones in the place of the usual ones."""
    parts = []
    for selector, names in ((":root", "light"), (".dark", "dark")):
        said = "; ".join(f"--{name}: {value}" for name, value in tones(accent)[names].items())
        parts.append(f"{selector} {{ {said}; }}")
    return "\n".join(parts) + "\n"
