"""Everything between labels and a stored rule."""
