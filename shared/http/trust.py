"""Whom we believe when we ask others over TLS."""

import ssl
from functools import lru_cache

import httpx


@lru_cache
def trusted() -> ssl.SSLContext:
    """Return the public certificate authorities, read once a process. For clients of HTTP/1.1: each says in it what it speaks."""
    return httpx.create_ssl_context(trust_env=False)
