"""A durable, searchable set of items in one space."""
