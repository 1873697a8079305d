"""The opposites guard: what two short texts contradict each other in."""
