"""What other modules may know of `auth`: its events and its synchronous contracts."""
