"""Space: the path from items to scores (encoder, refiner, similarity) as one object with a passport."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cosimo._arrays import as_vectors, same_dim
from cosimo.compare import resolve
from cosimo.contracts import Encoder, Refiner, Similarity
from cosimo.encode import Precomputed, load_encoder
from cosimo.encode.vector_file import encode_to_file
from cosimo.encode.wrappers.sides import Sides
from cosimo.errors import DataError
from cosimo.passport import Passport
from cosimo.refine import load_state, save_state, state_digest
from cosimo.types import PerItem, Role, Scores, Vectors

if TYPE_CHECKING:  # and imported by the methods: encoding and searching need none of it
    from cosimo.rules.rule import Judgements, Rule

Refiners = Refiner | Mapping[str, Refiner]
FORMAT = 1


class Space(Sides):
    """What turns items into vectors and vectors into scores, with a passport that binds the whole path.

    encoder
        Any `Encoder`: a fetched model, a distilled one, a wrapped Python callable, precomputed vectors.
    refiner
        A fitted refiner applied to every vector, or one for each side under `query` and `document`.
    similarity
        A name (`cosine`, `dot`, `euclidean`, `manhattan`) or a `Similarity`.
    decider
        A `Rule` for pairs that `judge` uses when it is given none; saved with the space.

    >>> from cosimo.encode import FunctionEncoder
    >>> space = Space(FunctionEncoder(lambda texts: [[len(t), -1.0] for t in texts]), similarity="dot")
    >>> space.similarity(["ab"], ["abc", ""])
    array([[7., 1.]], dtype=float32)
    """

    def __init__(
        self,
        encoder: Encoder,
        *,
        refiner: Refiners | None = None,
        similarity: str | Similarity = "cosine",
        decider: "Rule | None" = None,
    ) -> None:
        self.encoder = encoder
        self.refiner = refiner
        self.similarity_function = resolve(similarity)
        self.decider = decider
        save_state(refiner)  # what cannot be saved is refused now, not after the work

    @classmethod
    def load(
        cls,
        name_or_path: str | Path,
        *,
        precision: str | None = None,
        device: str | None = None,
        truncate_dim: int | None = None,
        encoder: Encoder | None = None,
    ) -> "Space":
        """A fetched model by name, a model folder, or a space saved by `save`. Never touches the network.

        precision, truncate_dim
            As in `load_encoder`; a saved space comes with its own.
        device
            Where a transformer runs: `cpu`, which None means as well, or `cuda`.
        encoder
            Stands in for the encoder of a saved space that no name leads back to, such as a Python callable.

        Raises
        ------
        MissingModel
            Nothing of that name is on this machine; the message names the command that fetches it.
        PassportMismatch
            The saved space was made with another encoder than the one found.
        """
        folder = Path(name_or_path)
        asked = {"precision": precision, "device": device, "truncate_dim": truncate_dim}
        settings: dict[str, Any] = {name: value for name, value in asked.items() if value is not None}
        if (folder / "passport.json").is_file():
            return cls._load_saved(folder, settings, encoder)
        return cls(encoder or load_encoder(str(name_or_path), **settings))

    @classmethod
    def _load_saved(cls, folder: Path, settings: dict[str, Any], encoder: Encoder | None) -> "Space":
        from safetensors.numpy import load_file

        saved = json.loads((folder / "passport.json").read_text(encoding="utf-8"))
        if saved.get("format") != FORMAT:
            raise DataError(f"{folder} has space format {saved.get('format')}; this version reads {FORMAT}")
        made_by = saved["passport"]["facts"]["encoder"]
        if encoder is None and made_by["kind"] == "precomputed":
            encoder = Precomputed(saved["encoder_dim"], name=saved["encoder"])
        arrays = load_file(folder / "refiner.safetensors") if saved["refiner"] is not None else {}
        own = {name: made_by[name] for name in ("precision", "truncate_dim") if made_by.get(name) is not None}
        space = cls(
            encoder or load_encoder(saved["encoder"], **(own | settings)),
            refiner=load_state(saved["refiner"], arrays),
            similarity=saved["similarity"],
        )
        Passport.from_json(saved["passport"]).require(space.passport, f"the space in {folder}")
        if (folder / "decider.json").is_file():
            from cosimo.rules.rule import Rule

            space.decider = Rule.load(folder / "decider.json")
        return space

    def save(self, path: str | Path) -> None:
        """Write `passport.json` into the directory `path`, with `refiner.safetensors` and `decider.json` if any."""
        from safetensors.numpy import save_file

        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        state, arrays = save_state(self.refiner)
        saved = {
            "format": FORMAT,
            "encoder": self.encoder.passport.name,
            "encoder_dim": self.encoder.dim,
            "similarity": self.similarity_function.scale,
            "refiner": state,
            "passport": self.passport.to_json(),
        }
        if state is not None:
            save_file(arrays, folder / "refiner.safetensors")
        if self.decider is not None:
            self.decider.save(folder / "decider.json")
        (folder / "passport.json").write_text(json.dumps(saved, indent=2), encoding="utf-8")

    @cached_property
    def passport(self) -> Passport:
        """Everything scores in this space depend on."""
        made_by = self.encoder.passport
        facts = {
            "encoder": {"kind": made_by.kind, **made_by.facts},
            "refiner": state_digest(self.refiner),
            "similarity": self.similarity_function.scale,
        }
        return Passport("space", made_by.name, self.dim, facts, made_by.content, self._probe)

    @cached_property
    def dim(self) -> int:
        """Dimensions of the vectors, after refinement."""
        if self.refiner is None:
            return self.encoder.dim
        return len(self._refine(np.eye(1, self.encoder.dim, dtype=np.float32), "document")[0])

    def encode(
        self,
        items: Sequence[Any] | Iterator[Any],
        *,
        role: Role | None = None,
        given: Sequence[Any] | None = None,
        batch_size: int | None = None,
        out: str | Path | None = None,
        progress: bool = False,
    ) -> Vectors:
        """(n, d) refined vectors of n items, in the order given.

        role
            `query` or `document`: picks the prompt and the refiner's side.
        given
            One condition an item, for encoders that take one.
        out
            A `.npy` file for more vectors than fit into memory: written in blocks, given back as a read-only map. After
            an interruption the same call goes on where the file ends, and gives the same bytes.
        """
        if out is not None:

            def encode(block: list[Any], conditions: list[Any] | None) -> Vectors:
                return self.encode(block, role=role, given=conditions, batch_size=batch_size)

            return encode_to_file(
                Path(out), items, encode, passport=self.passport, role=role, given=given, progress=progress
            )
        listed = list(items) if isinstance(items, Iterator) else items
        X = self.encoder.encode(listed, role=role, given=given, batch_size=batch_size, progress=progress)
        return self._refine(X, role)

    def similarity(self, a: Any, b: Any, *, given: Sequence[Any] | None = None) -> Scores:
        """(n, m) scores of every item of `a` against every item of `b`; arrays count as vectors of this space.

        given
            One condition for each item of `a`; the items of `b` are the unconditioned gallery.
        """
        A, B = self._vectors(a, given), self._vectors(b, None)
        same_dim(A, B)
        return self.similarity_function(A, B)

    def similarity_pairwise(self, a: Any, b: Any, *, given: Sequence[Any] | None = None) -> PerItem:
        """(n,) scores of item i of `a` against item i of `b`.

        given
            One condition a pair, under which both items are seen.
        """
        A, B = self._vectors(a, given), self._vectors(b, given)
        if len(A) != len(B):
            raise DataError(f"pairs need two sides of equal length, got {len(A)} and {len(B)}")
        return self.similarity_function.pairs(A, B)

    def calibrate(
        self,
        labels: Any,
        *,
        precision: float | None = None,
        recall: float | None = None,
        false_accept: float | None = None,
        confidence: float = 0.95,
        guard: bool = True,
        look: int | None = None,
    ) -> "Rule":
        """A rule for pairs of items, with its guarantee.

        Every new attempt, refused or not, is counted in a ledger in the data directory, and each has
        less of the allowed failure probability to spend than the one before.

        labels
            `Labels` that say how the pairs were drawn; their columns are `a`, `b` and `label` if they name no others.
        precision, recall
            Least share of matches among accepted pairs, and of accepted pairs among matches; one of them, or both.
        false_accept
            Instead: largest share of accepted pairs among those that do not match.
        guard
            Whether a pair that says opposite things is asked about, whatever its score.
        look
            Which attempt this is, where the ledger cannot know.

        Raises
        ------
        NotEnoughLabels
            The labels cannot carry the promise; the message says what could.
        Refused
            Nobody said how the labels were drawn, or they were used before to choose something.
        """
        from cosimo.rules.labels import as_labels
        from cosimo.rules.of_pairs import rule_for_pairs
        from cosimo.rules.promise import Promise

        promise = Promise(precision, recall, false_accept, confidence)
        return rule_for_pairs(self, promise, as_labels(labels), guard=guard, look=look)

    def judge(self, a: Any, b: Any, *, decider: "Rule | None" = None, by: Sequence[str] | None = None) -> "Judgements":
        """What a rule says of item i of `a` and item i of `b`: score, probability, decision, and why a pair is asked.

        decider
            A rule for pairs; the space's own when None.
        by
            The group of each pair, for a rule that makes a promise a group.

        Raises
        ------
        ScaleMismatch, GuaranteeVoid
            The rule is not one for pairs of this space.
        """
        from cosimo.rules.of_pairs import judge_pairs

        rule = decider or self.decider
        if rule is None:
            raise DataError("judge wants a rule: decider=space.calibrate(...), or a space that has one")
        return judge_pairs(self, rule, a, b, by)

    def _vectors(self, items: Any, given: Sequence[Any] | None) -> Vectors:
        if isinstance(items, np.ndarray) and items.dtype.kind in "fiu":
            return as_vectors(items, name="vectors", dim=self.dim)
        return self.encode(items, given=given)

    def _probe(self) -> Vectors | None:
        probe = self.encoder.passport.probe
        if probe is None or self.refiner is None:
            return probe
        half = len(probe) // 2
        return np.concatenate([self._refine(probe[:half], "query"), self._refine(probe[half:], "document")])

    def _refine(self, X: Vectors, role: Role | None) -> Vectors:
        if self.refiner is None:
            return X
        if isinstance(self.refiner, Mapping):
            return self.refiner[role or "document"].transform(X)
        return self.refiner.transform(X)

    def __repr__(self) -> str:
        name = self.encoder.passport.name
        return f"Space({name!r}, dim={self.dim}, similarity={self.similarity_function.scale!r})"


def with_cache(space: Space) -> Space:
    """The path of a space with the user's cache of vectors before its encoder, where that helps."""
    from cosimo.encode.wrappers.cache import cached  # loading a space needs no database

    return Space(cached(space.encoder), refiner=space.refiner, similarity=space.similarity_function)
