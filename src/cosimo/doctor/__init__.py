"""The doctor: what may be wrong with a space, how much it matters, and what mends it, tried before it is advised."""
