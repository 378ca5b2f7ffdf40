import os
import os.path as path, sys
from . import sibling
from ..parent import a as b, c
from .all import *

counter: int = 0
declared: str
(attribute.of): int = 1
total = other = 0
first, *others, last = range(10)
[a, (b, c)] = 1, (2, 3)
total += 1; total **= 2; total //= 3; total @= 4
items = {1, 2, *others}
table = {"a": 1, **{"b": 2}}
lazily = (n for n in range(10) if n % 2 if n % 3 for m in range(n))
part = items[1:2, ::3, ..., None:]
walrus = (n := 10) + n
picked = 1 if total else 2

def f():
    global counter
    counter = 1
    return

if total:
    pass
elif other:
    "a text that does nothing"
else:
    ...

for n in range(3):
    if n:
        continue
    break
else:
    total = 1

while total:
    total -= 1
else:
    pass

try:
    raise ValueError("no") from None
except (ValueError, TypeError) as error:
    del error, total
except OSError:
    raise
else:
    assert total, "text"
finally:
    print(total, *items, sep="", **table)

try:
    pass
except* ValueError as group:
    total = 2

with open("a") as one, open("b") as (two, three), open("c"):
    pass
with (
    open("a") as one,
    open("b"),
):
    pass
