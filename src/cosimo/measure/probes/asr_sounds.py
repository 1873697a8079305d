r"""How English words sound, from their letters, and how far one sounds from another.

    sounds: rules read a word from left to right; at each place the first rule that fits gives its sounds
    cost(a, b) = sum over articulatory features |f_a - f_b|,      divided by its mean over all pairs of sounds
    distance = smallest sum of costs that turns one word's sounds into the other's; a sound more or less costs 1

So 1 is what it costs, on average, to put one sound in the place of another; a voiced for an unvoiced one costs a
seventh of that. Rules get about six of seven sounds right; where a pronouncing dictionary is at hand, use that.

Symbols: sounds are written in ARPAbet without stress, f -> a row of `FEATURES`, +1, -1, or 0 where it does not apply.
Pitfalls: letters compared instead of sounds; all substitutions given the same cost.
Reference: Hayes, Introductory phonology, 2009 (features of this kind); Allen and Becker, Learning alternations from
surface forms with sublexical phonology, 2015 (edit distance over features)
"""

import re
from collections.abc import Sequence
from functools import cache

import numpy as np

from cosimo.errors import DataError
from cosimo.types import Floats, Rows

FEATURES = """
   syl con son cnt rel nas lat voi lab cor ant dis str dor hi lo fr bk rd tns
P   -   +   -   -   -   -   -   -   +   -   0   0   0   -  0  0  0  0  -  0
B   -   +   -   -   -   -   -   +   +   -   0   0   0   -  0  0  0  0  -  0
T   -   +   -   -   -   -   -   -   -   +   +   -   -   -  0  0  0  0  -  0
D   -   +   -   -   -   -   -   +   -   +   +   -   -   -  0  0  0  0  -  0
K   -   +   -   -   -   -   -   -   -   -   0   0   0   +  +  -  0  0  -  0
G   -   +   -   -   -   -   -   +   -   -   0   0   0   +  +  -  0  0  -  0
CH  -   +   -   -   +   -   -   -   -   +   -   +   +   -  0  0  0  0  -  0
JH  -   +   -   -   +   -   -   +   -   +   -   +   +   -  0  0  0  0  -  0
F   -   +   -   +   +   -   -   -   +   -   0   0   0   -  0  0  0  0  -  0
V   -   +   -   +   +   -   -   +   +   -   0   0   0   -  0  0  0  0  -  0
TH  -   +   -   +   +   -   -   -   -   +   +   +   -   -  0  0  0  0  -  0
DH  -   +   -   +   +   -   -   +   -   +   +   +   -   -  0  0  0  0  -  0
S   -   +   -   +   +   -   -   -   -   +   +   -   +   -  0  0  0  0  -  0
Z   -   +   -   +   +   -   -   +   -   +   +   -   +   -  0  0  0  0  -  0
SH  -   +   -   +   +   -   -   -   -   +   -   +   +   -  0  0  0  0  -  0
ZH  -   +   -   +   +   -   -   +   -   +   -   +   +   -  0  0  0  0  -  0
HH  -   -   -   +   +   -   -   -   -   -   0   0   0   -  0  0  0  0  -  0
M   -   +   +   -   0   +   -   +   +   -   0   0   0   -  0  0  0  0  -  0
N   -   +   +   -   0   +   -   +   -   +   +   -   -   -  0  0  0  0  -  0
NG  -   +   +   -   0   +   -   +   -   -   0   0   0   +  +  -  0  0  -  0
L   -   +   +   +   0   -   +   +   -   +   +   -   -   -  0  0  0  0  -  0
R   -   -   +   +   0   -   -   +   -   +   -   +   -   -  0  0  0  0  -  0
W   -   -   +   +   0   -   -   +   +   -   0   0   0   +  +  -  -  +  +  +
Y   -   -   +   +   0   -   -   +   -   -   0   0   0   +  +  -  +  -  -  +
IY  +   -   +   +   0   -   -   +   -   -   0   0   0   +  +  -  +  -  -  +
IH  +   -   +   +   0   -   -   +   -   -   0   0   0   +  +  -  +  -  -  -
EY  +   -   +   +   0   -   -   +   -   -   0   0   0   +  -  -  +  -  -  +
EH  +   -   +   +   0   -   -   +   -   -   0   0   0   +  -  -  +  -  -  -
AE  +   -   +   +   0   -   -   +   -   -   0   0   0   +  -  +  +  -  -  -
AA  +   -   +   +   0   -   -   +   -   -   0   0   0   +  -  +  -  +  -  +
AO  +   -   +   +   0   -   -   +   +   -   0   0   0   +  -  -  -  +  +  -
OW  +   -   +   +   0   -   -   +   +   -   0   0   0   +  -  -  -  +  +  +
UH  +   -   +   +   0   -   -   +   +   -   0   0   0   +  +  -  -  +  +  -
UW  +   -   +   +   0   -   -   +   +   -   0   0   0   +  +  -  -  +  +  +
AH  +   -   +   +   0   -   -   +   -   -   0   0   0   +  -  -  -  -  -  -
ER  +   -   +   +   0   -   -   +   -   +   -   +   -   +  -  -  -  -  -  +
"""
"""Articulatory features of the sounds of English, one row a sound."""

DIPHTHONGS = {"AY": ("AA", "IY"), "AW": ("AA", "UW"), "OY": ("AO", "IY")}
"""Sounds that lie halfway between their beginning and their end."""

WORDS = """
a AH | again AH G EH N | also AO L S OW | any EH N IY | are AA R | as AE Z | been B IH N | busy B IH Z IY | come K AH
M | could K UH D | country K AH N T R IY | countries K AH N T R IY Z | do D UW | does D AH Z | done D AH N | down D AW
N | eye AY | eyes AY Z | for F AO R | four F AO R | friend F R EH N D | from F R AH M | give G IH V | gone G AO N |
has HH AE Z | have HH AE V | he HH IY | heart HH AA R T | her HH ER | his HH IH Z | hour AW ER | house HH AW S | i AY
| idea AY D IY AH | into IH N T UW | is IH Z | of AH V | off AO F | one W AH N | only OW N L IY | or AO R | our AW ER
| over OW V ER | people P IY P AH L | police P AH L IY S | put P UH T | said S EH D | says S EH Z | she SH IY | should
SH UH D | some S AH M | something S AH M TH IH NG | sure SH UH R | the DH AH | to T UW | today T AH D EY | two T UW |
use Y UW Z | used Y UW Z D | was W AA Z | water W AO T ER | we W IY | were W ER | what W AH T | where W EH R | who HH
UW | whose HH UW Z | with W IH DH | without W IH TH AW T | woman W UH M AH N | women W IH M AH N | word W ER D | work
W ER K | world W ER L D | would W UH D | you Y UW | your Y AO R
"""
"""Frequent words that no rule gets right."""

RULES = r"""
^(kn)=N ^(gn)=N ^(wr)=R ^(ps)=S ^(x)=Z (who)=HH.UW (wh)=W ^(mc)=M.AH.K (mb)s?$=M (gn)s?$=N (tch)=CH (sch)=S.K
(tious)$=SH.AH.S (cious)$=SH.AH.S (ssion)=SH.AH.N V(sion)=ZH.AH.N (sion)=SH.AH.N (tion)=SH.AH.N (cian)=SH.AH.N
(cial)=SH.AH.L (tial)=SH.AH.L (cient)=SH.AH.N.T (tient)=SH.AH.N.T V(sure)=ZH.ER (ssure)=SH.ER (ture)=CH.ER (ous)$=AH.S
(ously)$=AH.S.L.IY (ious)$=IY.AH.S (ment)=M.AH.N.T (ness)=N.AH.S V.*C(less)=L.AH.S V.*(ful)=F.AH.L (ance)$=AH.N.S
(ence)$=AH.N.S (ency)$=AH.N.S.IY (ancy)$=AH.N.S.IY CV?C+(ant)s?$=AH.N.T CV?C+(ent)s?$=AH.N.T V.*C(able)$=AH.B.AH.L
(ible)$=AH.B.AH.L (ably)$=AH.B.L.IY (ism)=IH.Z.AH.M V.*C(ity)$=AH.T.IY V.*C(ities)$=AH.T.IY.Z [ln](ion)s?$=Y.AH.N
(gion)=JH.AH.N (ssian)=SH.AH.N V.*C(age)s?$=IH.JH V.*C(ive)s?$=IH.V V.*C(al)s?$=AH.L V.*C(ally)$=AH.L.IY
V.*C(an)s?$=AH.N V.*C(on)s?$=AH.N V.*C(or)s?$=ER V.*C(ar)s?$=ER V.*C(ate)$=EY.T V.*C(ice)$=AH.S V.*C(ain)s?$=AH.N
V.*C(ey)s?$=IY V.*C(ward)=W.ER.D C(le)$=AH.L C(les)$=AH.L.Z C(led)$=AH.L.D V.*C(ier)$=IY.ER V.*(y)$=IY V.*(ies)$=IY.Z
V.*(ied)$=IY.D V.*C(us)$=AH.S
[td](ed)$=IH.D [pkfsxc](ed)$=T sh(ed)$=T ch(ed)$=T V.*(ed)$=D [szxc](es)$=IH.Z [sc]h(es)$=IH.Z g(es)$=IH.Z
V.*(ing)=IH.NG (e)s$= V.*(e)$= V.*(e)ly$= V.*(e)ment= ^C*(e)$=IY ^C*(y)$=AY ^C*(ie)[sd]?$=AY ^C*(oe)s?$=OW
^(th)(?:e|em|en|ey|ese|ere|eir|an|at|is|ose|us|ough)$=DH (th)er=DH (th)=TH (sh)=SH ^(ch)r=K (ch)[lmn]=K (ch)=CH (ph)=F
(ck)=K (cqu)=K.W (qu)=K.W (dg)=JH (ough)t=AO (augh)t=AO ^th(ough)=OW ^thr(ough)=UW (ough)$=AH.F (augh)=AE.F (igh)=AY
(eigh)=EY ^(gh)=G (gh)= (ng)$=NG (ng)s$=NG (ng)ing=NG e(ng)er$=N.JH (ng)er$=NG.G (ng)th=NG (n)g[aouglr]=NG (n)k=NG
(n)x=NG (n)q=NG
(cc)[eiy]=K.S (cc)=K (sc)[eiy]=S (c)[eiy]=S (c)=K ^(g)[ei][tvr]=G (gg)=G (gu)[eia]=G (g)[eiy]=JH (g)=G ^(ex)V=IH.G.Z
^(ex)c?=IH.K.S (xc)[ei]=K.S (x)=K.S (h)$= V(h)C= (h)=HH (j)=JH (bb)=B (b)=B (dd)=D (d)=D (ff)=F (f)=F (kk)=K (k)=K
[aeo](l)[kmf]= [o](ul)d=UH (ll)=L (l)=L (mm)=M (m)=M (nn)=N (n)=N (pp)=P (p)=P (rrh?)=R (rh?)=R (tt)=T (t)=T (vv)=V
(v)=V (ww?)[r]= (w)=W (zz?)=Z
(ss)=S ^C+[ae](s)e[sd]?$=S ou(s)e=S [ptkf](s)$=S th(s)$=S [iu](s)$=S [aeo](s)e$=Z [aeiou](s)[aeiou]=Z V(s)m=Z
^.*V.*[a-rt-z](s)$=Z (s)=S
(a)$=AH ^(a)b[ou]=AH ^(a)g[aor]=AH ^(a)[hw]=AH ^(a)l[io]=AH ^(a)me=AH ^(a)ro=AH ^(a)(.)\2=AH (augh)=AO (au)=AO (aw)=AO
(air)=EH.R (ai)=EY (ay)=EY (are)s?$=EH.R (ar)[aeiou]=EH.R w(ar)=AO.R (arr)=EH.R (ar)=AA.R w(a)[tsnl]=AA (a)ll=AO
(a)lk=AO (al)[mf]=AA (a)lt=AO (a)nge=EY (a)ste=EY (a)[bcdfgklmnpstvz]e[sdr]?$=EY (a)[bcdfgkmnpstvz]ing=EY (a)bl=EY
(a)th?er=AA (a)ti=EY (aa)=AA (ae)=IY (a)=AE (eau)=OW ^(ear)[nlt]=ER l(ear)n=ER p(ear)l=ER (ear)=IH.R (eer)=IH.R
(ee)=IY C(ea)d$=EH (ea)lth=EH (ea)th$=EH (ea)=IY (e)ing=IY (eir)=EH.R ^(ei)=AY c(ei)=IY (ei)=EY (eur?)=Y.UW
[rljdnt](ew)=UW (ew)=Y.UW (ey)=IY (ere)$=IH.R (err)=EH.R (er)V=ER (er)=ER (e)[bcdfgklmnpstvz]e[sd]?$=IY ^(e)[vq]=IY
^C*(e)[aiou]=IY ^(be)C[^t]=B.IH ^(de)C[aeiou]=D.IH ^(re)C[aeiou]=R.IH ^(pre)=P.R.IY (e)=EH (ior)=Y.ER (io)=IY.OW
(ia)=IY.AH (iu)=IY.AH (ier)=IH.R (ie)ld=IY (ie)f=IY (ie)v=IY (ie)=IY (ire)=AY.ER (irr)=IH.R (ir)[aeiou]=AY.R (ir)=ER
(i)nd$=AY (i)ld$=AY (i)gn=AY (i)que$=IY (i)[bcdfgklmnpstvz]e[sdr]?$=AY (i)[bcdfgkmnpstvz]ing=AY ^(i)V=AY ^C+(i)[ao]=AY
(i)$=IY (i)=IH (oar)=AO.R (oa)=OW (oo)k=UH [gwt](oo)d$=UH (oor)=AO.R (oo)=UW (our)=AO.R (oul)d=UH y(ou)ng=AH
(ou)[nstdc]=AW (ou)=AH ^(ow)=OW kn(ow)=OW gr(ow)=OW thr(ow)=OW sh(ow)=OW fl(ow)=OW bl(ow)=OW V.*(ow)=OW
^[lsgbrkf](ow)$=OW (ow)$=OW (ow)=AW (oi)=OY (oy)=OY (ore)s?$=AO.R w(or)=ER (orr?)=AO.R (o)ld=OW (o)ll$=OW (o)st$=OW
(o)lk=OW (o)ng=AO (o)th?er=AH (o)v[ei]=AH (o)ss=AO (o)ff=AO m(o)n[ek]=AH (o)[bcdfgklmnpstvz]e[sdr]?$=OW
(o)[bcdfgkmnpstvz]ing=OW (o)$=OW (o)[bdgtv][aio]=OW (o)[aeiu]=OW (o)=AA ^(un)=AH.N ^(uni)=Y.UW.N.IH ^(u)C[aeiou]=Y.UW
(ui)=UW (uy)=AY (ure)$=Y.UH.R (urr?)[aeiou]=UH.R (ur)=ER [rljs](u)[bcdfgklmnpstvz][aeiou]=UW
[cbfghkmpv](u)[bcdfgklmnpstvz][aeiou]=Y.UW (u)[bcdfgklmnpstvz][aeiou]=UW [rlj](ue)=UW (ue)=Y.UW (u)[aeo]=UW
p(u)[lst][hl]?=UH f(u)ll=UH b(u)ll=UH (u)$=UW (u)=AH ^(y)=Y (yr)=IH.R (y)[bcdfgklmnpstvz]e=AY (y)V=Y C(y)C=IH (y)=IY
"""
"""Rules of spelling: the letters in parentheses are read as the sounds; what stands around them must be there, too.

C is a consonant, V a vowel, the rest a regular expression. For a place in a word the first rule that fits counts.
"""

CLASSES = {"V": "[aeiouy]", "C": "[bcdfghjklmnpqrstvwxz]"}

Rule = tuple[re.Pattern[str], re.Pattern[str], tuple[str, ...]]


def pronounce(word: str) -> tuple[str, ...] | None:
    """The sounds of an English word, by rules; None where it is not written in English letters.

    >>> pronounce("similar"), pronounce("knight's"), pronounce("42")
    (('S', 'IH', 'M', 'IH', 'L', 'ER'), ('N', 'AY', 'T', 'S'), None)
    """
    letters = re.sub("['\u2019]", "", word.lower())
    if not re.fullmatch("[a-z]+", letters):
        return None
    known = _words().get(letters)
    return known or _read(letters) or None


def sound_costs() -> tuple[dict[str, int], Floats]:
    """Rows of the sounds, and (sounds, sounds) what it costs to put one in the place of another; 1 on average.

    >>> rows, costs = sound_costs()
    >>> costs[rows["B"], [rows["P"], rows["IY"]]]
    array([0.14, 1.29])
    """
    return _costs()


def sound_rows(words: Sequence[Sequence[str]]) -> tuple[Rows, Rows]:
    """(n, l) rows of each word's sounds in `sound_costs`, filled up with 0, and (n,) how many each has.

    Raises
    ------
    DataError
        A sound that is not among the 39 of ARPAbet without stress.

    >>> sound_rows([["P", "B"], ["B"]])
    (array([[0, 1], [1, 0]]), array([2, 1]))
    """
    known, _ = _costs()
    strange = {sound for word in words for sound in word} - set(known)
    if strange:
        raise DataError(f"unknown sounds {sorted(strange)[:3]}; wanted ARPAbet without stress: {' '.join(known)}")
    lengths = np.array([len(word) for word in words], dtype=np.int64)
    rows = np.zeros((len(words), max(lengths, default=0)), dtype=np.int64)
    for row, word in zip(rows, words, strict=True):
        row[: len(word)] = [known[sound] for sound in word]
    return rows, lengths


def sound_distances(word: Rows, others: Rows, lengths: Rows) -> Floats:
    """(n,) distance from one word to n others.

    word
        (k,) rows of its sounds.
    others, lengths
        (n, l) and (n,), as `sound_rows` gives them.

    >>> others, lengths = sound_rows([["B", "IH", "T"], ["P", "IH", "T"], ["B", "IH", "T", "S"]])
    >>> sound_distances(others[0, :3], others, lengths)
    array([0.  , 0.14, 1.  ])
    """
    _, costs = _costs()
    # table[j]: distance from the sounds read so far to the first j of each other word
    table = np.repeat(np.arange(others.shape[1] + 1.0)[:, None], len(others), axis=1)
    for i, row in enumerate(word, start=1):
        before, table = table, np.empty_like(table)
        table[0] = i
        for j in range(1, len(table)):
            replaced = before[j - 1] + costs[row, others[:, j - 1]]
            table[j] = np.minimum(replaced, 1 + np.minimum(before[j], table[j - 1]))
    distances: Floats = table[lengths, np.arange(len(others))]
    return distances


@cache
def _costs() -> tuple[dict[str, int], Floats]:
    value = {"+": 1.0, "-": -1.0, "0": 0.0}
    table = dict(line.split(maxsplit=1) for line in FEATURES.strip().splitlines()[1:])
    features = {sound: np.array([value[mark] for mark in marks.split()]) for sound, marks in table.items()}
    features |= {sound: (features[start] + features[end]) / 2 for sound, (start, end) in DIPHTHONGS.items()}
    F = np.stack(list(features.values()))
    apart = np.abs(F[:, None] - F).sum(axis=2)
    return {sound: i for i, sound in enumerate(features)}, apart / apart[np.triu_indices(len(F), 1)].mean()


@cache
def _words() -> dict[str, tuple[str, ...]]:
    entries = (entry.split() for entry in WORDS.split("|"))
    return {word: tuple(sounds) for word, *sounds in entries}


@cache
def _rules() -> dict[str, list[Rule]]:
    """Rules by the letter they start with."""
    found: dict[str, list[Rule]] = {}
    for text in RULES.split():
        where, _, sounds = text.rpartition("=")
        left, _, rest = where.partition("(")
        for name, letters in CLASSES.items():
            left, rest = left.replace(name, letters), rest.replace(name, letters)
        rule = (re.compile(f"(?:{left})$"), re.compile(f"({rest}"), tuple(filter(None, sounds.split("."))))
        found.setdefault(rest[0], []).append(rule)
    return found


def _read(word: str) -> tuple[str, ...]:
    """What the rules make of a word."""
    sounds: list[str] = []
    place = 0
    while place < len(word):
        for before, letters, told in _rules()[word[place]]:
            match = letters.match(word, place)
            if match and before.search(word[:place]):
                sounds += told
                place += len(match[1])
                break
        else:
            place += 1
    return tuple(sounds)
