from cosimo.compare.names import resolve as resolve
from cosimo.compare.tokens.maxsim import MaxSim as MaxSim
from cosimo.compare.vectors.cosine import Cosine as Cosine
from cosimo.compare.vectors.dot import Dot as Dot
from cosimo.compare.vectors.euclidean import Euclidean as Euclidean
from cosimo.compare.vectors.hamming import Hamming as Hamming
from cosimo.compare.vectors.manhattan import Manhattan as Manhattan
