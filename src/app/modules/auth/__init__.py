"""Accounts, sessions and tokens: who somebody is and how that is proven."""
