"""Rules for tests: two cuts, or one learnt from labels made up, with whatever the guarantee is to be tied to."""

from dataclasses import replace

import numpy as np

from cosimo.decide import PrecisionThreshold
from cosimo.decide.fitting.decisions import decide
from cosimo.guarantee import Guarantee
from cosimo.rules.rule import Rule


class TwoCuts:
    """Accepts from `accept` on, rejects below `reject`, and takes the score for the probability."""

    guarantee = None

    def __init__(self, accept, reject=-np.inf, needs=()):
        self.accept, self.reject, self.needs = accept, reject, frozenset(needs)

    def predict(self, scores, *, context=None, veto=None):
        return decide(scores, accept=self.accept, reject=self.reject, veto=veto)

    def probability(self, scores, *, context=None):
        return np.clip(scores, 0, 1)


def rule_of(space, accept, reject=-np.inf, *, needs=(), **changed):
    """A rule for pairs of this space; `binds` are what its guarantee is tied to beside the space."""
    guarantee = Guarantee("precision", 0.9, 0.05, "confident", "pair", 400, 220, 9, "exact binomial")
    return rule_from(TwoCuts(accept, reject, needs), guarantee, space, **changed)


def rule_from(decider, guarantee, space, *, scale="cosine", unit="pair", guard=None, binds=()):
    bound = {"space": space.passport.key, **dict(binds)}
    return Rule(decider, scale, unit, replace(guarantee, binds=bound), guard)


def saved_rule(path, space, **changed):
    """The file of a rule that accepts from 0.95 on and asks below."""
    scores = np.concatenate([np.linspace(0.95, 1, 300), np.full(300, 0.2)]).astype(np.float32)
    decider = PrecisionThreshold(0.9).fit(scores, np.repeat([1, 0], 300), context={"scale": "cosine"})
    rule_from(decider, decider.guarantee, space, **changed).save(path)
    return path
