"""Every kind of constant."""
import math

WHOLE = 1_000_000
HEX = 0xFF
LARGE = 0x1fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
ZERO, NEGATIVE = 0, -1
SHARE = 0.1
HUGE = 1e999
TINY = -0.0
TURN = 2j
YES, NO, NOTHING, REST = True, False, None, ...
TEXT = 'one' "two" '''three
lines'''
RAW = r"\d+\n"
ODD = "\d and \ud800 and \u00e9 and é and \N{BULLET}"
BYTES = b"\x00\xff" b"more"
OLD = u"text"
EMPTY = ""
CHAIN = 1 < 2 <= 3 != 4 is not None
POWER = 2 ** -1 // 3 @ 4 % 5 << 6 >> 7 & 8 | 9 ^ ~10
LOGIC = not YES and NO or NOTHING
