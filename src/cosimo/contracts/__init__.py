"""The contracts every part of cosimo keeps. Protocols only: nothing heavy is imported here.

A method has one obvious contract; one that fits none is a question to the design, not a flag on another's function.
Shapes: `X (n, d)` vectors, `Q (n, d)` queries, `K (m, d)` keys, `S (n, m)` scores, `R (n, m)` target relation,
`W (n, m)` weights, `y (n,)` labels. `E` stands for any embedding: vectors, tokens, Gaussians, codes or raw items.
"""

from cosimo.contracts.learning import LLM as LLM
from cosimo.contracts.learning import Objective as Objective
from cosimo.contracts.learning import Penalty as Penalty
from cosimo.contracts.learning import Sampler as Sampler
from cosimo.contracts.looking import Diagnostic as Diagnostic
from cosimo.contracts.looking import Explainer as Explainer
from cosimo.contracts.looking import ItemMetric as ItemMetric
from cosimo.contracts.looking import MetricTags as MetricTags
from cosimo.contracts.looking import SetMetric as SetMetric
from cosimo.contracts.looking import Task as Task
from cosimo.contracts.path import Decider as Decider
from cosimo.contracts.path import Encoder as Encoder
from cosimo.contracts.path import Refiner as Refiner
from cosimo.contracts.path import Similarity as Similarity
from cosimo.contracts.path import SimilarityTags as SimilarityTags
from cosimo.contracts.searching import AddOutcome as AddOutcome
from cosimo.contracts.searching import Extent as Extent
from cosimo.contracts.searching import Index as Index
from cosimo.contracts.searching import Search as Search
from cosimo.contracts.searching import Searcher as Searcher
from cosimo.contracts.searching import Stage as Stage
from cosimo.contracts.searching import Store as Store
