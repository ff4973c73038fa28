"""Building blocks of a domain: aggregates, events, errors, ids. No framework is imported here."""
