"""What use cases are made of: handlers, the unit of work, the event bus, the caller."""
