"""Figures that the claims of cosine-arbitrariness compare."""

from functools import cache

import numpy as np

import data
from cosimo.measure import gauge_sensitivity, linear_autoencoder, similarity_variants
from measure.test_cosine_arbitrariness import trained


def simulated(seed, *, users=4000, items=500, clusters=5):
    """Which items users chose (users, items), and the items' clusters; popularity by power laws, as in the paper."""
    rng = np.random.default_rng(seed)
    cluster = rng.integers(clusters, size=items)
    exponent = rng.uniform(0.25, 1.5, size=clusters)
    popularity = np.zeros(items)
    for c in range(clusters):
        members = np.flatnonzero(cluster == c)
        popularity[members] = np.arange(1, len(members) + 1) ** -exponent[c]
    X = np.zeros((users, items))
    for row in X:
        liking = rng.permutation(np.arange(1, clusters + 1) ** -0.5)
        chances = popularity * liking[cluster]
        row[rng.choice(items, size=int(rng.integers(5, 40)), replace=False, p=chances / chances.sum())] = 1
    return X, cluster


def ag_news(seed, *, docs=1000, terms=1500):
    """Terms by documents, tf-idf, and the documents' topics: documents are what is compared."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    table = data.parquet("ag_news", "ag_news")
    table = table[table.split == "train"].sample(docs, random_state=seed)
    words = TfidfVectorizer(max_features=terms, stop_words="english", sublinear_tf=True)
    return words.fit_transform(table.title + ". " + table.text).toarray().T, table.label.to_numpy()


def gap(B, cluster):
    """(p,) mean cosine of each item to its own cluster less that to all others."""
    S, same = similarity_variants(B)["cosine"], cluster[:, None] == cluster
    own = same & ~np.eye(len(same), dtype=bool)
    return (S * own).sum(axis=1) / own.sum(axis=1) - (S * ~same).sum(axis=1) / (~same).sum(axis=1)


def shared(B, other, *, k=10):
    """(p,) share of the k neighbours by cosine that two sides of the same items have in common."""

    def nearest(V):
        S = similarity_variants(V)["cosine"]
        np.fill_diagonal(S, -np.inf)
        return np.argsort(-S, axis=1, kind="stable")[:, :k]

    return (nearest(B)[:, :, None] == nearest(other)[:, None]).any(axis=2).mean(axis=1)


def of_data(X, cluster, *, k, seed):
    """Every system on one matrix."""
    sigma = np.linalg.svd(np.linalg.qr(X)[1] if len(X) > X.shape[1] else X, compute_uv=False)
    penalty = {1: sigma[k] ** 2, 2: sigma[k]}  # the first direction that is left out says how strong
    A, B = linear_autoencoder(X, k, penalty=penalty[1])
    random = gauge_sensitivity(A, B, scales=10, seed=seed)
    root = gauge_sensitivity(A, B, scales=sigma[:k] ** -0.5)
    found = {
        "objective 1, random D": random.metrics["cosine"].per_item,
        "objective 1, D of sigma": root.metrics["cosine"].per_item,
        "objective 1, random D, backprojected": random.metrics["backprojected"].per_item,
        "objective 1, gap": gap(B, cluster),
        "objective 1, gap, D of sigma": gap(B * sigma[:k] ** 0.5, cluster),
    }
    for objective in (1, 2):
        how = {"penalty": penalty[objective], "objective": objective, "steps": 300}
        starts = [trained(X, k, **how, seed=10 * seed + start)[1] for start in (0, 1)]
        found[f"objective {objective}, another start"] = shared(*starts)
    weak, strong = (linear_autoencoder(X, k, penalty=p, objective=2)[1] for p in (0.1 * sigma[k - 1], sigma[k // 5]))
    return found | {"objective 2, another penalty": shared(weak, strong)}


@cache
def run(seed):
    """The figures of every system on data that the seed draws."""
    found = {"0.5": 0.5, "0.9": 0.9, "0.99": 0.99, "0.999": 0.999}
    for source, draw in (("simulated", simulated), ("ag news", ag_news)):
        found |= {f"{source}, {name}": values for name, values in of_data(*draw(seed), k=50, seed=seed).items()}
    return found
