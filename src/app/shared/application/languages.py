"""The languages that people are written to in."""

from __future__ import annotations


class Languages(frozenset[str]):
    """Those that words were written in, each by its tag (RFC 5646)."""

    def nearest(self, tag: str) -> str | None:
        """Of these, the one of this tag, or the one that it is a variety of (RFC 4647 §3.4)."""
        known = {one.lower(): one for one in self}
        sought = tag.lower()
        while sought and sought not in known:
            sought = sought.rpartition("-")[0]
        return known.get(sought)
