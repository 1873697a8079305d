"""Models by name: where they lie, how they get there, and how they are loaded."""
