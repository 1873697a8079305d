"""Remedies: they learn, are chosen and are measured on items that share none, and only what helps is advised."""

from dataclasses import replace
from zlib import crc32

import numpy as np
import pytest

from assembly.toys import DIM
from cosimo import Space
from cosimo.compare import Cosine, Dot
from cosimo.doctor.findings import Finding, grade, grade_any, ranked, shown, with_trial
from cosimo.doctor.job import Job, Parts, deal
from cosimo.doctor.looking import look
from cosimo.doctor.remedies import remedies
from cosimo.doctor.subject import subject_of
from cosimo.doctor.trials import try_all
from cosimo.encode import FunctionEncoder
from cosimo.errors import DataError, ShapeError
from cosimo.measure import Trial, examine
from cosimo.statistics import compare_paired, rate_interval
from cosimo.types import Estimate
from doctor.healthy import TEXTS, space, spread

RNG = np.random.default_rng(0)
QUICK = ("noise_robustness", "frequency_bias", "length_bias", "int8_sensitivity", "dimension_sensitivity")


def dealt(pairs=None, *, items=TEXTS, target=None, seed=0):
    seen = look(subject_of(target or space(), items, size=2000, seed=seed), skip=QUICK, seed=seed)
    return deal(seen, pairs, seed=seed)


def job(n=60, *, noise=0.3, change=None, similarity=None, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 16))
    Q = X + noise * rng.normal(size=X.shape)
    if change is not None:
        X, Q = change(X), change(Q)
    return Job(Q, X, np.eye(n, dtype=bool), similarity or Cosine(), np.arange(n))


def loud():
    """A coordinate that has nothing to do with the item, and says something else on either side."""
    rng = np.random.default_rng(7)

    def change(X):
        X = X.copy()
        X[:, 3] = 12 + 4 * rng.normal(size=len(X))
        return X

    return change


def parts(**how):
    return Parts(*(job(seed=seed, **how) for seed in range(3)), "questions of a test")


class TestDealing:
    def test_no_item_is_in_two_parts(self):
        items = [*TEXTS, *(text.upper() for text in TEXTS[:60])]
        found = dealt(items=items)
        said = [{text.lower() for text in part.texts} for part in (found.learn, found.choose, found.measure)]
        assert sum(map(len, said)) == len(TEXTS)
        assert not said[0] & said[1] | said[1] & said[2] | said[0] & said[2]

    def test_a_question_is_a_run_of_the_words_of_its_item(self):
        found = dealt().measure
        for asked, right in zip(found.asked, found.right, strict=True):
            (at,) = np.flatnonzero(right)
            words = found.texts[at].split()
            assert f" {asked} " in f" {' '.join(words)} "
            assert len(asked.split()) == min(6, len(words) // 3)

    def test_copies_of_the_item_are_as_right(self):
        found = dealt(items=[*TEXTS, *TEXTS]).measure
        assert (found.right.sum(axis=1) == 2).all()

    def test_too_few_questions(self):
        assert dealt(items=TEXTS[:40]) is None
        assert dealt(items=["three short words"] * 100) is None

    def test_vectors_alone_have_no_questions(self):
        assert deal(look(subject_of(spread(TEXTS), None, size=2000, seed=0)), None, seed=0) is None

    def test_pairs_of_the_user(self):
        asked = [" ".join(text.split()[:3]) for text in TEXTS[:120]]
        found = dealt((asked, TEXTS[:120]))
        assert len(found.measure.Q) == len(found.choose.Q) == 40
        assert (found.measure.right.sum(axis=1) == 1).all()
        answers = [set(np.flatnonzero(part.right.any(axis=0))) for part in (found.choose, found.measure)]
        told = [
            {part.texts[i] for i in held} for part, held in zip((found.choose, found.measure), answers, strict=True)
        ]
        assert not told[0] & told[1]
        assert not found.measure.own
        assert len(found.measure.texts) == len(set(found.measure.texts))

    def test_questions_with_one_answer_stay_together(self):
        asked = [f"{a} {b}" for text in TEXTS[:100] for a, b in [text.split()[:2], text.split()[2:4]]]
        answers = [text for text in TEXTS[:100] for _ in range(2)]
        found = dealt((asked, answers))
        trial = try_all(["directions"], found)["directions"]
        assert trial.comparison is None or trial.comparison.interval.unit == "cluster"

    def test_vectors_as_pairs(self):
        X = spread(TEXTS)
        Q = X + 0.05 * RNG.normal(size=X.shape)
        seen = look(subject_of(X, None, size=2000, seed=0), skip=QUICK)
        found = deal(seen, (Q, X), seed=0)
        assert len(found.measure.Q) == 80

    @pytest.mark.parametrize(
        ("pairs", "error"),
        [
            ((["a"], ["b", "c"]), ShapeError),
            ([("a", "b")], ShapeError),
            (([1], [2]), DataError),
            ((np.ones((2, 3)),) * 2, ShapeError),
        ],
    )
    def test_pairs_that_are_none(self, pairs, error):
        with pytest.raises(error):
            dealt(pairs)

    def test_texts_need_an_encoder(self):
        with pytest.raises(DataError, match="encoder"):
            examine(spread(TEXTS), pairs=(TEXTS[:30], TEXTS[:30]))


class TestRemedies:
    def ranks(self, kind, name, learn, measure):
        (remedy,) = [one for one in remedies(kind, learn) if one.name == name]
        return remedy.ranks(learn, measure)

    def test_centre_takes_off_the_mean_of_the_learned_part(self):
        def shifted(X):
            return X + 9.0

        learn, measure = job(change=shifted, seed=1), job(change=shifted, seed=2)
        mean = learn.X.mean(axis=0)
        expected = measure.ranks(Cosine()(measure.Q - mean, measure.X - mean))
        np.testing.assert_allclose(self.ranks("directions", "centre", learn, measure), expected)

    def test_a_loud_dimension_is_dropped(self):
        learn, measure = job(change=loud(), seed=1), job(change=loud(), seed=2)
        kept = np.arange(16) != 3
        expected = measure.ranks(Cosine()(measure.Q[:, kept], measure.X[:, kept]))
        np.testing.assert_allclose(self.ranks("directions", "drop dimensions that stand out", learn, measure), expected)
        assert expected.mean() > measure.before.mean()

    def test_the_loudest_axis_is_the_first_of_a_pca(self):
        from sklearn.decomposition import PCA

        learn, measure = job(seed=1), job(seed=2)
        axis = PCA(1).fit(learn.X).components_[0]
        mean = learn.X.mean(axis=0)
        Q, X = (Y - mean - np.outer((Y - mean) @ axis, axis) for Y in (measure.Q, measure.X))
        expected = measure.ranks(Cosine()(Q, X))
        np.testing.assert_allclose(self.ranks("directions", "drop the loudest axis", learn, measure), expected)

    def test_hubs_are_discounted_by_their_nearest(self):
        learn, measure = job(seed=1), job(seed=2)
        S, near = Cosine()(measure.Q, measure.X), Cosine()(measure.X, learn.X)
        r = [np.sort(row)[-10:].mean() for row in near]
        expected = measure.ranks(2 * S - np.array(r))
        np.testing.assert_allclose(self.ranks("directions", "discount hubs", learn, measure), expected)

    def test_whitening_is_left_out_where_questions_repeat_their_answers(self):
        own = Job(*(getattr(job(400), name) for name in ("Q", "X", "right", "similarity", "said")), own=True)
        users = Job(own.Q, own.X, own.right, own.similarity, own.said, own=False)
        wide = Job(RNG.normal(size=(9, 80)), RNG.normal(size=(400, 80)), own.right[:9], Cosine(), own.said, own=False)
        assert not [one for one in remedies("directions", own) if "whiten" in one.name]
        assert not [one for one in remedies("directions", users) if "whiten" in one.name]  # 16 dimensions
        assert [one.name for one in remedies("directions", wide)][-1] == "whiten to 64"

    def test_normalise_is_cosine(self):
        learn = job(similarity=Dot())
        X = learn.X * np.exp(RNG.normal(size=(60, 1)))
        long = Job(learn.Q, X, learn.right, Dot(), learn.said)
        np.testing.assert_allclose(
            self.ranks("lengths", "normalise", learn, long), long.ranks(Cosine()(long.Q, long.X))
        )

    def test_each_text_once(self):
        found = dealt(items=[*TEXTS, *TEXTS])
        ranks = self.ranks("copies", "each text once", found.learn, found.measure)
        once = Job(found.measure.Q, found.measure.X, found.measure.right, found.measure.similarity, found.measure.said)
        first = np.unique(found.measure.said, return_index=True)[1]
        S = once.similarity(once.Q, once.X[first])
        np.testing.assert_allclose(ranks, Job(once.Q, once.X[first], once.right[:, first], Cosine(), first).ranks(S))

    def test_passages_are_found_by_the_best_of_them(self):
        found = dealt()
        (remedy,) = remedies("passages", found.learn)
        assert remedy.name == "passages of 200/40 tokens"
        np.testing.assert_allclose(remedy.ranks(found.learn, found.measure), found.measure.before)  # all are short


class TestChoosing:
    def test_the_best_of_the_second_part_is_measured_on_the_third(self):
        made = parts(change=loud())
        trial = try_all(["directions"], made)["directions"]
        gains = dict(trial.tried)
        assert trial.chosen == max(gains, key=gains.get)
        (chosen,) = [one for one in remedies("directions", made.learn) if one.name == trial.chosen]
        after = chosen.ranks(made.learn, made.measure)
        np.testing.assert_allclose(trial.after.per_item, after)
        expected = compare_paired(after, made.measure.before, unit="question")
        assert trial.comparison.difference == pytest.approx(expected.difference)
        assert trial.comparison.interval.low == pytest.approx(expected.interval.low)

    def test_several_kinds_share_what_may_go_wrong(self):
        made = parts(change=lambda X: X * np.exp(X[:, :1]) + 1.0, similarity=Dot(), noise=0.6)
        both = try_all(["directions", "lengths"], made)
        assert {trial.comparison.interval.level for trial in both.values()} == {0.975}

    def test_without_a_gain_nothing_is_advised(self):
        trial = try_all(["lengths"], parts())["lengths"]  # by cosine already
        assert trial.chosen is None
        assert not trial.helps
        assert "no gain" in trial.outcome
        finding = Finding("f", "minor", "seen", Estimate(1.0), fix="Normalise.", otherwise="Look again.")
        assert finding.advice == "Normalise."
        assert with_trial(finding, trial).advice.startswith("Tried normalise: no gain.")
        assert with_trial(finding, trial).advice.endswith("Look again.")
        assert "Normalise." not in with_trial(finding, trial).advice

    def test_chance_is_rarely_taken_for_a_gain(self):
        helped = 0
        for seed in range(40):
            rng = np.random.default_rng(seed)
            made = [
                Job(rng.normal(size=(80, 8)), rng.normal(size=(80, 8)), np.eye(80, dtype=bool), Cosine(), np.arange(80))
                for _ in range(3)
            ]
            helped += try_all(["directions"], Parts(*made, "chance"))["directions"].helps
        assert helped <= 5  # 1 in 40 is allowed; more than 5 come by chance once in 2,000 times


def estimate(low, high):
    return Estimate((low + high) / 2, replace(rate_interval(5, 10), low=low, high=high))


@pytest.mark.parametrize(
    ("found", "limits", "severity"),
    [
        (estimate(0.6, 0.8), (0.2, 0.5), "serious"),
        (estimate(0.3, 0.8), (0.2, 0.5), "minor"),
        (estimate(0.1, 0.8), (0.2, 0.5), "unclear"),
        (estimate(0.1, 0.4), (0.2, 0.5), "fine"),
        (estimate(0.1, 0.3), (0.8, 0.5), "serious"),
        (estimate(0.3, 0.7), (0.8, 0.5), "minor"),
        (estimate(0.4, 0.9), (0.8, 0.5), "unclear"),
        (estimate(0.6, 0.9), (0.8, 0.5), "fine"),
        (estimate(-0.9, -0.7), (-0.3, -0.6), "serious"),
        (Estimate(float("nan")), (0.2, 0.5), "unclear"),
        (Estimate(0.3), (0.2, 0.5), "minor"),
    ],
)
def test_grades(found, limits, severity):
    assert grade(found, *limits) == severity


def test_where_there_should_be_none_any_is_told():
    assert [grade_any(Estimate(k / 100, rate_interval(k, 100)), 0.05) for k in (0, 1, 30)] == [
        "fine",
        "minor",
        "serious",
    ]


def trial(gain):
    before, after = np.full(40, 0.5), 0.5 + gain + np.linspace(-0.01, 0.01, 40)
    comparison = compare_paired(after, before, unit="question")
    return Trial((("a", gain),), "a", "Do a.", Estimate(0.5), Estimate(0.5 + gain), comparison, "q")


def test_the_worst_come_first_and_of_those_what_can_be_mended_most():
    found = [
        Finding("none", "fine", "", Estimate(0.0)),
        Finding("unclear", "unclear", "", Estimate(0.0)),
        Finding("minor", "minor", "", Estimate(0.0), trial=trial(0.3)),
        Finding("bad", "serious", "", Estimate(0.0)),
        Finding("mended", "serious", "", Estimate(0.0), trial=trial(0.1)),
        Finding("mended more", "serious", "", Estimate(0.0), trial=trial(0.2)),
        Finding("made worse", "serious", "", Estimate(0.0), trial=trial(-0.2)),
    ]
    order = ["mended more", "mended", "bad", "made worse", "minor", "unclear", "none"]
    assert [finding.name for finding in ranked(found)] == order


def test_what_is_tried_though_fine_is_told_only_where_it_helps():
    fine = Finding("level", "fine", "", Estimate(0.3), tentative=True)
    assert with_trial(fine, trial(0.2)).severity == "minor"
    assert with_trial(fine, trial(0.2)).advice.startswith("Do a. Tried a: reciprocal rank 0.500 to 0.700")
    assert with_trial(fine, trial(-0.2)) is fine
    assert with_trial(Finding("other", "fine", "", Estimate(0.3)), trial(0.2)).trial is None


def test_numbers_are_shown_with_their_intervals():
    assert shown(Estimate(float("nan"))) == "not measured"
    assert shown(Estimate(-0.25)) == "-0.25"
    assert shown(Estimate(0.5, rate_interval(50, 100))) == "0.5 (95 %: 0.404 to 0.596)"


def test_a_mended_space_is_found_through_examine():
    def noisy(texts):
        loudness = np.array([crc32(text.encode()) % 1000 / 500 for text in texts])[:, None]
        return spread(texts) + np.eye(1, DIM)[0] * (1 + loudness)  # a direction that says nothing

    found = examine(Space(FunctionEncoder(noisy, dim=DIM)), items=TEXTS)
    finding = found["common direction"]
    assert finding.matters
    assert finding.trial.helps
    assert finding.trial.comparison.interval.low > 0
    assert finding.advice.startswith("Give the space the refiner")
    mended = Space(FunctionEncoder(noisy, dim=DIM), refiner=finding.trial.refiner)
    assert examine(mended, items=TEXTS)["common direction"].severity == "fine"
    assert found.to_json()["findings"]
    assert "<figure>" in found.to_html()
