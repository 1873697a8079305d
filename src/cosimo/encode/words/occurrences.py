"""Where a word occurs in an English sentence, in whatever form.

In this order, the first token that is

    the word itself                  absence      "Absence makes the heart grow fonder ."
    a regular form of it             pay          "The crime pays ."
    an irregular form of it          strike       "The teacher struck the child ."

whatever its letters' case. Tokens are runs between blanks, rid of punctuation at either end. Forms are those of nouns
and verbs.

Pitfalls: the lemma searched for as letters, which finds "art" in "start"; another word that begins alike taken
for a form ("striker" for "strike").
"""

import re

TOKEN = re.compile(r"\S+")
PUNCTUATION = ".,;:!?\"'`()[]{}<>*_-…“”‘’«»"
VOWELS = "aeiou"

IRREGULAR = """
arise arose arisen; bear bore borne born; beat beaten; become became; begin began begun; bend bent; bind bound;
bite bit bitten; bleed bled; blow blew blown; break broke broken; breed bred; bring brought; build built; burn burnt;
buy bought; catch caught; choose chose chosen; cling clung; come came; creep crept; deal dealt; dig dug; dive dove;
do does did done; draw drew drawn; dream dreamt; drink drank drunk; drive drove driven; dwell dwelt; eat ate eaten;
fall fell fallen; feed fed; feel felt; fight fought; find found; flee fled; fling flung; fly flew flown;
forbid forbade forbidden; forget forgot forgotten; forgive forgave forgiven; forsake forsook forsaken;
freeze froze frozen; get got gotten; give gave given; go goes went gone; grind ground; grow grew grown; hang hung;
have has had 've; hear heard; hide hid hidden; hold held; keep kept; kneel knelt; know knew known; lay laid; lead led;
lean leant; leap leapt; learn learnt; leave left; lend lent; lie lay lain; light lit; lose lost; make made;
mean meant; meet met; mow mown; overcome overcame; pay paid; prove proven; ride rode ridden; ring rang rung;
rise rose risen; run ran; saw sawn; say said; see saw seen; seek sought; sell sold; send sent; sew sewn;
shake shook shaken; shave shaven; shear shorn; shine shone; shoot shot; show shown; shrink shrank shrunk; sing sang
sung; sink sank sunk; sit sat; slay slew slain; sleep slept; slide slid; sling slung; smell smelt; sow sown;
speak spoke spoken; speed sped; spell spelt; spend spent; spill spilt; spin spun; spit spat; spoil spoilt;
spring sprang sprung; stand stood; steal stole stolen; stick stuck; sting stung; stink stank stunk;
stride strode stridden; strike struck stricken; string strung; strive strove striven; swear swore sworn; sweep swept;
swell swollen; swim swam swum; swing swung; take took taken; teach taught; tear tore torn; tell told;
think thought; throw threw thrown; tread trod trodden; understand understood; undergo underwent undergone;
wake woke woken; wear wore worn; weave wove woven; weep wept; win won; wind wound; withdraw withdrew withdrawn;
write wrote written; wring wrung; be am is are was were been being 'm 's 're; will would; shall should; can could;
child children; foot feet; goose geese; man men; mouse mice; louse lice; ox oxen; tooth teeth; woman women;
die dice
"""
CLITICS = frozenset({"'m", "'s", "'re", "'ve"})
FORMS = {words.split()[0]: frozenset(words.split()[1:]) for words in IRREGULAR.split(";")}


def find_occurrence(word: str, text: str) -> tuple[int, int] | None:
    """Where the characters of the first occurrence of `word` in `text` start and stop; None where there is none.

    >>> find_occurrence("strike", "The striker struck .")
    (12, 18)
    >>> find_occurrence("art", "A new start .") is None
    True
    """
    tokens = list(tokens_of(text))
    lemma = word.lower()
    for forms in ({lemma}, regular_forms(lemma), FORMS.get(lemma, frozenset())):
        for start, stop in tokens:
            if text[start:stop].lower() in forms:
                return start, stop
    return None


def tokens_of(text: str) -> list[tuple[int, int]]:
    """Where the characters of each token start and stop, punctuation at its ends left out where more remains.

    >>> tokens_of('"He ran ," ...')
    [(1, 3), (4, 7), (8, 10), (11, 14)]
    """
    found = []
    for match in TOKEN.finditer(text):
        token, start = match[0], match.start()
        inside = token.strip(PUNCTUATION)
        if inside and token.lower() not in CLITICS:
            start += token.index(inside)
            token = inside
        found.append((start, start + len(token)))
    return found


def regular_forms(word: str) -> set[str]:
    """Plurals and conjugations of a lower-case word, with such as do not exist.

    >>> sorted(regular_forms("cry") & {"cries", "cried", "crying", "cruel"})
    ['cried', 'cries', 'crying']
    """
    forms = {word + ending for ending in ("s", "es", "'s", "d", "ed", "ing")}
    if word.endswith("y"):
        forms |= {word[:-1] + ending for ending in ("ies", "ied")}
    if word.endswith("e"):
        forms.add(word[:-2] + "ying" if word.endswith("ie") else word[:-1] + "ing")
    if word.endswith(("f", "fe")):
        forms.add(word.rstrip("e")[:-1] + "ves")
    if len(word) > 2 and word[-1] not in VOWELS:
        forms |= {word + word[-1] + ending for ending in ("ed", "ing", "es")}
    return forms
