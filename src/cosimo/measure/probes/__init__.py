"""What an encoder does with items, told by giving it some."""
