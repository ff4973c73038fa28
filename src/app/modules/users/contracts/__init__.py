"""What other modules may know of `users`; nothing yet."""
