"""Tasks on classes."""
