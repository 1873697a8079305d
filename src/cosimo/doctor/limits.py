"""From where on a number is a finding: one visible table, `(minor, serious)` for each.

Chosen on sentences and documents of TREC, SUBJ, STS-B, MRPC and Lee with minilm, static and wordllama, so that these
spaces as they are raise nothing that is not so; docs/doctor.md shows how other texts fare.
"""

from typing import TypeAlias

Limits: TypeAlias = tuple[float, float]

LEAST = 50
"""Vectors below which nothing is said of how a space is shaped."""

ZERO = 0.01
"""Share of vectors that are zero, of which any is a finding, from which it is serious."""
LENGTHS: Limits = (0.02, 0.2)
"""Standard deviation of lengths over their mean, where length counts."""
COMMON: Limits = (0.5, 0.7)
"""Mean cosine of random pairs."""
NOTABLE = 0.2
"""Mean cosine from which taking the mean off is tried, and is a finding where it helps."""
DOMINATING: Limits = (0.15, 0.3)
"""What one dimension adds to the mean cosine."""
STEADY, STEADY_ADDS = 0.15, 0.02
"""Standard deviation over mean of a dimension of directions, below which it hardly changes; and what it adds then."""
RANK: Limits = (0.15, 0.05)
"""Effective rank over the dimensions, or over the vectors where these are fewer."""
HUB: Limits = (0.22, 0.5)
"""Share of all lists of nearest neighbours that hold the commonest item."""
COPIES: Limits = (0.01, 0.1)
"""Share of items that say the same as an earlier one."""
BITS: Limits = (5.0, 3.0)
"""Bits that a value holds."""
CUT: Limits = (0.01, 0.25)
"""Share of texts that lose their end."""
LENGTH_BIAS: Limits = (0.3, 0.6)
"""Partial rank correlation of scores with lengths."""
FREQUENCY: Limits = (0.5, 0.75)
"""Rank correlation with how common a word is."""
LOST: Limits = (0.8, 0.5)
"""Share of texts with a fault that find themselves again."""
FAR = 0.6
"""Mean cosine of a text with itself in another case, or with other white space, below which that is a finding."""
STRAY = 0.05
"""The same of vectors that are not what the encoder makes, not for their role, or depend on their batch."""
INT8: Limits = (0.9, 0.75)
"""Share of neighbours that stay when vectors are stored in 8 bits."""
