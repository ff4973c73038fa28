"""The modules of the product as two services, each with a database, joined by a broker."""
