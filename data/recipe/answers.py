# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers made plain: what a model of a few million parameters can learn to say rightly.

The answers of `written/` take up what was said and then go on with a question or a remark that is
another one each time. The first half a small model learns; of the second it learns the sound. So
what follows the first sentence is replaced by one of few follow-ups that are right after any
sentence of its mood, or left out."""
from __future__ import annotations

import re

import common

_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"'])")
_GREETING = re.compile(r"^(hi|hello|hey|hiya|yo|howdy|good (morning|evening|afternoon)|greetings)\b",
                       re.I)
_END = re.compile(r"\b(bye|goodbye|good night|goodnight|see you|thanks|thank you|thx|talk (to you )?"
                  r"later|have to go|gotta go|got to go|going to bed|off to bed)\b", re.I)
_ASKS = re.compile(r"^(who|whom|whose|what|what's|where|when|why|how|which|do|does|did|are|is|am|can|"
                   r"could|should|would|will|have|has|isn't|aren't|don't|any)\b", re.I)
_WANTS = re.compile(r"\b(joke|riddle|story|tale|rhyme|poem|fact|haiku|limerick|toast|twister|tell me|"
                    r"give me|make me|write|another|sing|explain|name (a|some|three|two)|tip|idea|"
                    r"knock)\b", re.I)
_SAD = re.compile(r"\b(oh no|oh dear|sorry|pity|ouch|poor|sad|hard|hurts?|bad luck|too bad|tough|"
                  r"awful|terrible|unfair|shame|scary|worr\w+|painful|rough|lonely|heavy|miss)\b", re.I)
_GLAD = re.compile(r"\b(congratulations|nice|lovely|wonderful|great|well done|good for|glad|hooray|"
                   r"bravo|sweet|happy|proud|beautiful|lucky|good news|finally|at last|brave)\b", re.I)

FOLLOW = {
    "sad": ["How did it happen?", "How are you now?", "What will you do now?",
            "I hope it gets better soon."],
    "glad": ["How does it feel?", "Tell me more about it.", "I'm glad for you.",
             "What was the best part?"],
    "plain": ["Tell me more about it.", "What is it like?", "How did that come about?",
              "What do you think of it?", "And what comes next?"],
    "greeting": ["How are you?", "What's on your mind?", "How is your day?"],
    "you": ["And you?", "What about you?"],
}


def mood(sentence: str) -> str:
    """Of an answer's first sentence: sad, glad or plain."""
    if _SAD.search(sentence):
        return "sad"
    return "glad" if _GLAD.search(sentence) else "plain"


def plain_answer(said: str, text: str) -> str:
    """The plain form of the answer TEXT to what was SAID."""
    first, *rest = _SENTENCE.split(text)
    if not rest or first.endswith("?") or len(first.split()) < 2 and len(rest) > 1 or \
            _WANTS.search(said) or len(text.split()) > 28:
        return text
    if len(first.split()) < 2 and mood(first) == "plain" and not rest[0].endswith("?"):
        return text  # "No. It never was." needs both
    draw = common.part_of("plain " + said + "\n" + text)
    pick = int(draw * 1e6)
    asks = said.endswith("?") or (_ASKS.match(said) is not None and not said.endswith((".", "!")))
    if _GREETING.match(said) and len(said.split()) < 5:
        kind = "greeting"
    elif _END.search(said):
        return first
    elif asks:
        if not re.search(r"\byou(r|rs|rself|'re)?\b", said, re.I) or draw < 0.4:
            return first
        kind = "you"
    else:
        kind = mood(first)
        if draw < 0.5 and len(first.split()) > 5:
            return first  # long enough to stand alone
    choices = FOLLOW[kind]
    return f"{first} {choices[pick % len(choices)]}"


def plain(turns: list[str]) -> list[str]:
    """All answers plain; no follow-up comes twice."""
    out: list[str] = []
    used: set[str] = set()
    for i, turn in enumerate(turns):
        if i % 2:
            simple = plain_answer(turns[i - 1], turn)
            first, *rest = _SENTENCE.split(simple)
            if simple != turn and rest and rest[-1] in used:
                simple = first
            used.update(rest)
            turn = simple
        out.append(turn)
    return out
