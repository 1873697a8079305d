from cosimo import compare as compare
from cosimo import encode as encode
from cosimo import interchange as interchange
from cosimo import measure as measure
from cosimo import refine as refine
from cosimo import search as search
from cosimo.adding import AddReport as AddReport
from cosimo.collection import Collection as Collection
from cosimo.errors import CosimoError as CosimoError
from cosimo.passport import Passport as Passport
from cosimo.search.indexing import IndexReport as IndexReport
from cosimo.space import Space as Space
from cosimo.types import Codes as Codes
from cosimo.types import Gaussians as Gaussians
from cosimo.types import Hit as Hit
from cosimo.types import Hits as Hits
from cosimo.types import Item as Item
from cosimo.types import Query as Query
from cosimo.types import Tokens as Tokens

__version__: str
