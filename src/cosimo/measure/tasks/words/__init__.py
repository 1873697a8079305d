"""Tasks on words."""
