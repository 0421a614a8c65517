"""Secret values that are drawn at random, so that they fit what their engine takes."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable
from hashlib import shake_128
from itertools import count

from compiler.model import Secret
from compiler.schema.patterns import SlowPattern, is_match

Entropy = Callable[[int], bytes]
"""Returns that many random bytes."""

_ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
# Those that no shell, URL, SQL or connection string reads as an end or an escape on their own.
_ALPHABETS = {"alphanumeric": _ALPHANUMERIC, "symbols": f"{_ALPHANUMERIC}!*+-.:=?@^_~"}
# Of so many draws this many fit at least: then that none of a thousand does happens less than once in 10^50 times.
_TRIED, _LEAST = 64, 8
_DRAWS = 1000


def generate(secret: Secret, entropy: Entropy) -> str:
    """Returns a new value that fits, each such value being equally likely; any value where none of many does.

    It has `length` characters, or for hex and base64 that many random bytes written so.
    """
    for _ in range(_DRAWS):
        value = _draw(secret, entropy)
        try:
            if not holds_refused(secret, value) and has_form(secret, value):
                break
        except SlowPattern:
            break
    return value


def can_be_drawn(secret: Secret) -> bool:
    """Says whether `generate` finds a value that fits; SlowPattern where its pattern takes too long to say."""
    numbers = count()
    drawn = (_draw(secret, lambda size: shake_128(b"%d" % next(numbers)).digest(size)) for _ in range(_TRIED))
    fitting = (value and not holds_refused(secret, value) and has_form(secret, value) for value in drawn)
    return sum(map(bool, fitting)) >= _LEAST


def holds_refused(secret: Secret, value: str) -> bool:
    """Says whether a value holds a character that the engine refuses, to which line breaks then belong."""
    return bool(secret.refuse) and not set(f"{secret.refuse}\0\n\r").isdisjoint(value)


def has_form(secret: Secret, value: str) -> bool:
    """Says whether a value matches every pattern of the secret; SlowPattern where one takes too long."""
    return all(is_match(f"^(?:{pattern[1:-1]})$", value) for pattern in secret.patterns)


def _draw(secret: Secret, entropy: Entropy) -> str:
    if secret.alphabet == "hex":
        return entropy(secret.length).hex()
    if secret.alphabet == "base64":
        return b2a_base64(entropy(secret.length), newline=False).decode()
    alphabet = "".join(one for one in _ALPHABETS[secret.alphabet] if one not in secret.refuse)
    # Repeated as often as a byte can tell, so that every character is equally likely; higher bytes stand for none.
    wheel = alphabet * (256 // (len(alphabet) or 1))
    text = ""
    while wheel and len(text) < secret.length:
        text += "".join(wheel[byte : byte + 1] for byte in entropy(secret.length))
    return text[: secret.length]
