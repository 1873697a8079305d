"""Numbers that say how well scores, rankings or clusters agree with the truth, each with its interval."""
