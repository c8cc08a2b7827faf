"""Provable history: signed roots over all streams, an audit against them, and exports that verify by themselves.

`merkle`, `records`, `leaves` and `document` are pure; docs/provable-history.md describes the formats.
"""
