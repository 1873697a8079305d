"""Tasks on rankings."""
