"""Data for tasks: read, described and made."""
