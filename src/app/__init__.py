"""Bulkhead: a modular monolith; `app.main:create_app` is the way in."""
