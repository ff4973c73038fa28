"""Adapters of `auth`: tables, repositories, hashing, keys, tokens."""
