from cosimo.compare.cosine import Cosine as Cosine
from cosimo.compare.dot import Dot as Dot
from cosimo.compare.euclidean import Euclidean as Euclidean
from cosimo.compare.hamming import Hamming as Hamming
from cosimo.compare.manhattan import Manhattan as Manhattan
from cosimo.compare.maxsim import MaxSim as MaxSim
from cosimo.compare.names import resolve as resolve
