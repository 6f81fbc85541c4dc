# SPDX-License-Identifier: GPL-3.0-or-later
"""Names for placeholders: "Hi, I'm [user 1's name]." becomes "Hi, I'm Clara."

Dropping such turns instead would cost most greetings of a collection, and the model its manners."""
from __future__ import annotations

import re

import common

FIRST = (
    "Adam Alice Amir Amy Andrea Anna Ben Bella Carlos Chloe Clara Daniel David Diana Elena Emily Emma "
    "Eric Eva Felix Fiona Frank Grace Hannah Henry Ines Iris Jack James Jane Jonas Julia Karen Kate "
    "Kevin Laura Leo Lily Linda Lucas Lucy Marco Maria Mark Martin Maya Mia Michael Mina Nadia Nina "
    "Noah Nora Oliver Olivia Omar Paul Peter Priya Rachel Robert Rosa Ruth Sam Sarah Simon Sofia Tara "
    "Thomas Tim Tom Vera Victor Walter Yuki Zoe").split()

_NAME = re.compile(r"[\[({<]\s*(?:(?:my|your|the|insert)\s+)?(?:(?:user|person|speaker)\s*([12])?"
                   r"(?:\s*'s)?(?:\s*name)?|(?:first\s+)?name|username)\s*[\])}>]", re.I)
_OWN = re.compile(r"(?:name is|name's|i'm|i am|this is|call me|it's|-)\s*$", re.I)


def fill(turns: list[str]) -> list[str]:
    """The turns with two names in place of the placeholders: by the speaker's number where it is
    given, else by what stands before it. Which names, the conversation's text decides."""
    if not any(_NAME.search(turn) for turn in turns):
        return turns
    draw = common.digest("names " + "\n".join(turns))
    own = draw % len(FIRST)
    other = (own + 1 + draw // len(FIRST) % (len(FIRST) - 1)) % len(FIRST)
    speakers = [FIRST[own], FIRST[other]]
    out: list[str] = []
    for i, turn in enumerate(turns):
        def name(match: re.Match[str], speaker: int = i % 2, text: str = turn) -> str:
            if match[1]:
                return speakers[int(match[1]) - 1]
            return speakers[speaker if _OWN.search(text[:match.start()]) else 1 - speaker]
        out.append(_NAME.sub(name, turn))
    return out
