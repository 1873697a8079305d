from cosimo.apply.jobs.duplicates import Duplicates as Duplicates
from cosimo.apply.jobs.duplicates import find_duplicates as find_duplicates
from cosimo.apply.jobs.matching import Matches as Matches
from cosimo.apply.jobs.matching import match as match
from cosimo.apply.jobs.pairs import Pairs as Pairs
from cosimo.apply.jobs.texts import Texts as Texts
