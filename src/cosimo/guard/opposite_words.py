"""Word lists of the opposites guard: English opposites, written for it.

A line names words of which no two on different sides of a slash can be said of the same thing; words on one side need
not mean quite the same. A change in any list is another guard: its `version` follows them.
"""

from cosimo.guard.wording import words

VERBS = """
abandon / keep kept
accelerate / decelerate brake
accept approve allow permit grant authorise authorize / reject decline refuse deny forbid forbade forbidden prohibit ban
activate enable reactivate / deactivate disable
add insert / remove delete subtract erase
admit confirm affirm / deny
advance / retreat
agree / disagree object
appear emerge / vanish
arrive land / leave left depart
ascend / descend
assemble / dismantle
attach fasten / detach
attack / defend
attract / repel
begin began begun start commence / end finish stop cease halt quit terminate conclude
blame criticise criticize condemn / praise forgive forgave forgiven
block freeze froze frozen / unblock unfreeze
borrow / lend lent
break broke broken / fix repair mend
build built construct / destroy demolish
buy bought purchase / sell sold
cancel / keep kept
capture arrest detain imprison / release
catch caught / throw threw thrown
charge / refund
close shut / open reopen
collect gather / scatter distribute
combine merge join unite / split separate divide
compress / decompress
convict / acquit
cool chill / warm heat
credit / debit
cry cried weep wept / laugh
deposit / withdraw withdrew withdrawn
die / live survive
discourage / encourage
download / upload
earn / spend spent
empty / fill
encode encrypt / decode decrypt
enter / exit leave left
exclude omit / include
expand / contract shrink shrank
export / import
fail / succeed pass
fall fell fallen decrease drop decline reduce plunge tumble sink sank dip slump shrink shrank lower / rise rose risen \
increase raise grow grew grown climb soar surge jump
find found / lose lost
fire dismiss / hire employ
follow / lead led
forget forgot forgotten / remember recall
frown / smile
give gave given / receive
hate dislike / love like
help assist / hinder
hide hid hidden conceal / show shown reveal
hinder prevent / cause
improve / worsen deteriorate
inflate / deflate
inhale / exhale
insert / eject
kill / rescue
lengthen / shorten
lift / lower
lock / unlock
lose lost / win won
lose lost / gain
marry / divorce
maximise maximize / minimise minimize
melt thaw / freeze froze frozen
multiply / divide
overestimate / underestimate
pause / resume continue
protect / harm endanger
pull / push
punish / reward
repel / attract
retain keep kept / discard
save / spend spent waste
send sent / receive
sit sat / stand stood
sleep slept / wake woke
slow / accelerate
split / join
stay remain / leave left
strengthen / weaken
support back / oppose
teach taught / learn learnt
tighten / loosen
upgrade promote / downgrade demote
whisper / shout yell
widen / narrow
"""

ADJECTIVES = """
absent / present
abundant / scarce
active / inactive idle
alive living / dead
ancient / modern
approximate / exact
asleep sleeping / awake
automatic / manual
bad worse worst awful terrible / good better best great excellent
beautiful pretty / ugly
big large huge enormous / small tiny little
bitter sour / sweet
black / white
boring dull / interesting exciting
brave / cowardly
bright light / dark
broad wide / narrow
calm / nervous agitated
cheap inexpensive / expensive costly
clean / dirty filthy
close near nearby / far distant
cold cool freezing / hot warm
compulsory mandatory required / optional
cruel / kind
current / former
dangerous / safe
deep / shallow
difficult hard / easy simple
different / same identical
domestic / foreign
dry / wet
eastern / western
empty / full
external / internal
fake / real genuine
false / true
fast quick rapid / slow
fat / thin skinny
female / male
final / initial
foolish stupid / wise clever smart
former / latter
generous / stingy
guilty / innocent
happy glad cheerful / sad unhappy
hard / soft
healthy / ill sick
heavy / light
high / low
horizontal / vertical
incoming / outgoing
inferior / superior
inner / outer
junior / senior
lazy / hardworking
left / right
liquid / solid
long / short
loose / tight
loud noisy / quiet silent
major / minor
married / single divorced
maximum / minimum
natural / artificial
negative / positive
new / old
next following / previous
northern / southern
old elderly / young
online / offline
open / closed
optimistic / pessimistic
past / future
permanent / temporary
physical / virtual
polite / rude
poor / rich wealthy
private / public
rare / common frequent
raw / cooked
right correct / wrong incorrect
rough / smooth
rural / urban
sharp / blunt
short / tall
sober / drunk
straight / bent curved
strong / weak
thick / thin
upper / lower
vacant / occupied
wild / tame
"""

NOUNS = """
absence / presence
aunt / uncle
arrival / departure
beginning start / end ending
birth / death
borrower / lender
boy / girl
brother / sister
buyer / seller
ceiling / floor
day / night
dawn / dusk
daughter / son
defeat loss / victory win
deposit / withdrawal
east / west
employee / employer
entrance / exit
failure / success
father dad / mother mom mum
front / back
friend ally / enemy foe opponent
gain profit / loss
guest / host
hero / villain
husband / wife wives
increase rise / decrease fall drop decline reduction
input / output
king / queen
landlord / tenant
left / right
loser / winner
majority / minority
man men / woman women
morning / afternoon / evening
north / south
peace / war
sender / recipient receiver
spring / summer / autumn / winter
strength / weakness
student pupil / teacher
top / bottom
truth / lie falsehood
"""

FIXED = """
above / below beneath underneath
after / before
against / for
backward backwards / forward forwards
clockwise / anticlockwise counterclockwise
down / up
early / late
earlier / later
downstairs / upstairs
downward downwards / upward upwards
few / many
fewer less / more
first / last
he him / she
indoors indoor / outdoors outdoor
inside / outside
inward inwards / outward outwards
last / next
least / most
left / right
off / on
often frequently usually / rarely seldom occasionally
over / under
plus / minus
since / until
today / tomorrow / yesterday
yes / no
"""

PLACED = """
from / to
in / out
into / out
"""
"""Words so common that they count only where the word before or behind them is the same: "log in", "log out"."""

SURE_PREFIXES = ("un", "non", "dis")
PREFIXES = (*SURE_PREFIXES, "in", "im", "il", "ir")
"""What turns a word into its opposite; the last four also begin many words that have none."""

NO_OPPOSITES = words("unless discover display discount discard dispatch disease dismiss dispos dissol invalua inflamma")
"""Beginnings of words that only look as if they had such a prefix."""

DERIVED_ENDINGS = words("able ible al ant ent ance ence ancy ency ate ect ete ite ive ous ity ly lar ved ure act")
"""Endings of words that take in-, im-, il- or ir- to mean the opposite."""
