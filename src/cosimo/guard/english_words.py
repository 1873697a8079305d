"""Word lists of the opposites guard: English negations and function words, and what tells names."""

from cosimo.guard.wording import words

NEGATIONS = frozenset(
    words(
        """
        not no never none nobody nothing nowhere neither nor without cannot unable impossible hardly barely scarcely
        isn't aren't wasn't weren't don't doesn't didn't haven't hasn't hadn't can't couldn't won't wouldn't shouldn't
        mustn't needn't mightn't shan't ain't
        isnt arent wasnt werent dont doesnt didnt havent hasnt hadnt cant couldnt wont wouldnt shouldnt mustnt aint
        fail fails failed failing
        """
    )
)

FAILING = frozenset(words("fail fails failed failing"))
"""What denies only where "to" follows."""

NOT_NEGATED = (
    "not only",
    "nothing but",
    "not surprisingly",
    "not just",
    "not merely",
    "no doubt",
    "no matter",
    "no more than",
    "no less than",
    "or not",
    "why not",
    "if not",
    "no later than",
)
"""Phrases with a negation that denies nothing."""

NEGATIVE = frozenset(
    words(
        """
        decline declined declines declining refuse refused refuses refusing deny denied denies unless except lack lacks
        lacking lacked miss missed misses missing lose lost loses losing failure failed fail fails failing incapable
        prevent prevents prevented stop stops stopped prohibit prohibited ban banned forbidden avoid avoided remove
        removed reject rejected rejects excluded exclude excluding inability rarely seldom
        """
    )
)
"""Words that deny without a negation: where one stands only in the other text, "not" is no difference."""

FUNCTION_WORDS = frozenset(
    words(
        """
        the a of to and is are was were be been being i you we they it its my your our their this that these those
        do does did have has had can could will would should may might must am at by from with as an into for
        what when where why which who how there here please so if then than or but s t
        """
    )
)
"""Words that carry no statement of their own: sharing one says nothing."""

GERMAN = frozenset(
    words(
        """
        der das dem den des ein eine einen einem einer eines und oder ist sind nicht kein keine mit von vom zu zum zur
        im auf aus bei nach für fuer ich wir sie er es du wie wo wann warum kann mein meine meinen meinem meiner sich
        wird wurde haben hat auch nur
        """
    )
)
"""German words: in German every noun begins with a capital."""

TITLES = frozenset(
    words(
        """
        mr mrs ms miss dr prof professor sir lady lord president senator sen rep gov governor mayor judge justice
        minister secretary chief officer general gen col capt captain sgt lt king queen prince princess pope
        inc corp co ltd llc company university department street st i god internet
        """
    )
)
"""Capitalised words that name nobody by themselves."""

ALIASES = """
us usa united states america american americans
uk united kingdom britain british
un united nations
eu european union
"""
"""Names a line of which may mean one thing."""
