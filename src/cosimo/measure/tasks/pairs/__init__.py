"""Tasks on pairs."""
