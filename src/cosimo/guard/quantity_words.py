"""Word lists of the opposites guard: English numbers, units, months and weekdays."""

from cosimo.guard.wording import words

ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"

TENS = words("twenty thirty forty fifty sixty seventy eighty ninety")

NUMBER_WORDS = (
    {word: i for i, word in enumerate(f"{ONES} seventeen eighteen nineteen".split())}
    | {word: 10 * i for i, word in enumerate(TENS, start=2)}
    | {"dozen": 12}
)

ORDINALS = words("first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth")

SCALES = {"hundred": 1e2, "k": 1e3, "thousand": 1e3, "million": 1e6, "bn": 1e9, "billion": 1e9, "trillion": 1e12}

PRONOUN_ONE = frozenset(
    words("no any every each some the this that which another other only of day who thing half third quarter")
)
"""Words before or behind "one" that show it counts nothing."""

UNITS = """
length 1: m metre metres meter meters
length 0.001: mm millimetre millimetres millimeter millimeters
length 0.01: cm centimetre centimetres centimeter centimeters
length 1000: km kms kilometre kilometres kilometer kilometers
length 0.0254: inch inches
length 0.3048: ft foot feet
length 0.9144: yard yards
length 1609.344: mile miles
weight 1: g gram grams
weight 0.001: mg milligram milligrams
weight 1000: kg kgs kilo kilos kilogram kilograms
weight 1000000: tonne tonnes
weight 28.3495: oz ounce ounces
weight 453.592: lb lbs
volume 1: l litre litres liter liters
volume 0.001: ml millilitre millilitres milliliter milliliters
volume 0.01: cl centilitre centilitres
volume 3.78541: gallon gallons
time 0.001: ms millisecond milliseconds
time 1: sec secs second seconds
time 60: min mins minute minutes
time 3600: h hr hrs hour hours
time 86400: day days
time 604800: week weeks
months 1: month months
months 12: year years yr yrs
months 120: decade decades
months 1200: century centuries
data 1: byte bytes
data 1e3: kb kilobyte kilobytes
data 1e6: mb megabyte megabytes
data 1e9: gb gigabyte gigabytes
data 1e12: tb terabyte terabytes
speed 1: km/h kmh kph
speed 1.609344: mph
share 1: % percent pct
temperature 1: °c celsius centigrade
temperature 0.555556 -17.777778: °f fahrenheit
money-usd 1: $ usd dollar dollars
money-usd 0.01: cent cents
money-eur 1: € eur euro euros
money-gbp 1: £ gbp
money-jpy 1: ¥ jpy yen
"""
"""Kind, size in the base unit, and perhaps where its zero lies: the words. No "pounds", a weight and a currency."""

MONTHS = words("january february march april may june july august september october november december")

WEEKDAYS = words("monday tuesday wednesday thursday friday saturday sunday")
