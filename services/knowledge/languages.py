"""The languages whose words PostgreSQL knows how to stem; of any other, words are searched as they are typed."""

_CONFIGS = {
    "ar": "arabic", "ca": "catalan", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish",
    "eu": "basque", "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian",
    "id": "indonesian", "it": "italian", "lt": "lithuanian", "ne": "nepali", "nl": "dutch", "no": "norwegian", "pt": "portuguese",
    "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
AS_TYPED = "simple"
DEFAULT = "en"


def config_of(language: str) -> str:
    """Return the text-search configuration of a language."""
    return _CONFIGS.get(language, AS_TYPED)
