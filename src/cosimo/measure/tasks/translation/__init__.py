"""Tasks on sentences in two languages."""
