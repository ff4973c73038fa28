"""What other modules may know of `users`: its events."""
