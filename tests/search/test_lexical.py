import numpy as np
import pytest

from cosimo.errors import DataError
from cosimo.search import Lexical
from cosimo.types import Hits, Query

EXAMPLES = [Lexical()]


def test_answers_are_those_of_the_text_search():
    asked = []
    answer = Hits(np.array([[3, 1]]), np.array([[2.5, -0.5]]), "bm25")

    def search(query):
        asked.append(query)
        return answer

    query = Query(("rice",), X=np.ones((1, 2)), k=2, where="year > 2000", min_score=-1.0)
    assert Lexical()(query, search) is answer
    assert [(q.by, q.items, q.k, q.where, q.min_score) for q in asked] == [("text", ("rice",), 2, "year > 2000", -1.0)]


def test_vectors_alone_are_refused():
    with pytest.raises(DataError, match="text of the queries"):
        Lexical()(Query(None, X=np.ones((1, 2))), lambda query: Hits.empty(1, "bm25"))
