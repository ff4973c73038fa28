"""One package per bounded context. They know each other by `contracts` only."""
