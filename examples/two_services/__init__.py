"""The modules of the product as two services, each with a database, joined by a broker.

Alembic alone prepares these databases: `app migrate` also subscribes everybody whom the product has
in one process, and nobody here would deliver to those who run elsewhere.
"""
