"""Scheduled work: jobs run at their times, each in one process at a time."""
