"""Measures the product beside a bare program that does the same job; no part of the product."""
