from cosimo.apply.duplicates import Duplicates as Duplicates
from cosimo.apply.duplicates import find_duplicates as find_duplicates
from cosimo.apply.matching import Matches as Matches
from cosimo.apply.matching import match as match
from cosimo.apply.pairs import Pairs as Pairs
from cosimo.apply.texts import Texts as Texts
