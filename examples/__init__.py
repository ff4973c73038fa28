"""Compositions other than the product's own, each of them tested."""
