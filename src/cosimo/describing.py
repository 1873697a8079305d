"""What a collection is, in plain values for people and programs."""

from typing import TYPE_CHECKING, Any

from cosimo.search.indexing import index_state

if TYPE_CHECKING:
    from cosimo.collection import Collection
    from cosimo.search.view import VectorView


def describe(collection: "Collection", view: "VectorView") -> dict[str, Any]:
    """Facts by name, in an order to be read in."""
    return {
        "path": str(collection.path),
        "items": len(collection),
        "generation": collection.generation,
        "space": collection.passport.name,
        "dim": collection.passport.dim,
        "similarity": view.similarity.scale,
        "fields": {name: kind.__name__ for name, kind in collection.fields.items()},
        "chunk": None if collection.chunk is None else str(collection.chunk),
        "index": index_state(view),
        "rules": {name: rule.guarantee.state for name, rule in collection.rules().items()},
        "passport": collection.passport.digest,
    }
