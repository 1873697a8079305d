"""What may be wrong with an encoder or a space, told by looking at it."""
