# SPDX-License-Identifier: GPL-3.0-or-later
"""One turn of a conversation in tidy English, or nothing when it is not to be used.

The rules are read off the collections: `prepare.py` counts what each of them drops."""
from __future__ import annotations

import re

import words

MAX_WORDS = 60  # of a turn

_PLAIN = str.maketrans({
    "‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "´": "'", "`": "'",
    "\u00a0": " ", "\u200b": "", "é": "e", "è": "e", "ê": "e", "á": "a", "à": "a", "ñ": "n",
    "ö": "o", "ü": "u", "ä": "a", "ï": "i", "ó": "o", "í": "i", "ç": "c"})

_PLACEHOLDER = re.compile(
    r"[\[({<]\s*(?:your |my |user ?\d? ?|the )?(?:name|user|persona|city|country|company|"
    r"place|age|job|hobby|favou?rite \w+)\b[^\])}>]*[\])}>]|\buser ?[12]\b|\bpersona ?[12]\b|"
    r"\bX{2,}\b|_{2,}", re.I)
_ODD = re.compile(r"https?:|www\.|\.com\b|\.org\b|\.net\b|[\[\]{}<>|\\^~_=#@*]|[^\x20-\x7e]")
_UNSAFE = re.compile(r"\b(?:" + "|".join(words.UNSAFE) + r")\b", re.I)
_MENTIONS_JOB = re.compile(r"\b(?:mturk|turkers?|cortana|siri|alexa|self[- ]dialogue|"
                           r"hits? on amazon)\b", re.I)

_SPELLING = re.compile(r"\b(?:" + "|".join(map(re.escape, words.SPELLING)) + r")\b", re.I)
_NAMES = re.compile(r"\b(?:" + "|".join(map(re.escape, words.NAMES)) + r")\b")
_ASKS = re.compile(
    r"(?:so,? |and |but |oh,? |well,? |hi,? |hey,? )?(?:what(?! an? )|whats|"
    r"what's|who|who's|how(?! (?:nice|cool|funny|sad|great|sweet|awful|lovely)\b)|how's|why|"
    r"when|where|which|do|does|did|is|are|can|could|would|will|have you|has|were|was|shall)\b",
    re.I)
_LAUGHS = re.compile(r"\b(?:(?:h+a+){2,}h*|(?:he){3,}|lo{2,}l|lol+)\b", re.I)


def reject(turn: str) -> str | None:
    """Why a turn is not used, or None."""
    if _PLACEHOLDER.search(turn):
        return "placeholder"
    if _ODD.search(turn):
        return "odd symbols"
    if _UNSAFE.search(turn):
        return "unsafe"
    if _MENTIONS_JOB.search(turn):
        return "speaks of its making"
    if not re.search(r"[A-Za-z0-9]", turn):
        return "no word"
    if len(turn.split()) > MAX_WORDS:
        return "too long"
    return None


def _same_case(model: str, text: str) -> str:
    return text[0].upper() + text[1:] if model[0].isupper() else text


def _lower_shouting(turn: str) -> str:
    letters = re.sub(r"[^A-Za-z]", "", turn)
    if len(letters) > 12 and sum(c.isupper() for c in letters) > 0.6 * len(letters):
        return turn.lower()
    turn = re.sub(r"\b([A-Z])([A-Z])([a-z]+)\b",  # THe becomes The, but TVs stays
                  lambda m: m[0] if m[3] == "s" else m[1] + m[2].lower() + m[3], turn)
    return re.sub(r"(?<=[a-z] )(?:IN|IS|DO|TO|HE|SO|WE|MY|OF|AND|THE|NOT|ARE|YOU|ALL|VERY|REALLY|"
                  r"LOVE|NEVER|EVER|BEST|THAT|THIS|THEY|WAS|HAVE)\b(?=[ ,.!?]|$)",
                  lambda m: m[0].lower(), turn)


def _space(turn: str) -> str:
    turn = re.sub(r"\s+", " ", turn).strip()
    turn = re.sub(r" +([,.!?;:])(?=\s|$|[,.!?])", r"\1", turn)
    turn = re.sub(r"([!?])[!?.,]+", r"\1", turn)
    turn = re.sub(r"\.{2,}", "...", turn)
    turn = re.sub(r"(?<!\.)\.\.(?!\.)", ".", turn)
    turn = re.sub(r",{2,}", ",", turn)
    turn = re.sub(r"([a-z])([.!?])([A-Z][a-z])", r"\1\2 \3", turn)
    turn = re.sub(r"([a-z]),([A-Za-z])", r"\1, \2", turn)
    turn = re.sub(r"\( +", "(", turn)
    turn = re.sub(r" +\)", ")", turn)
    turn = re.sub(r" - - ", " - ", turn)
    return re.sub(r"([a-zA-Z!?])\1{3,}", r"\1\1", turn)


def tidy(turn: str) -> str:
    """The turn with casing, spacing, spelling and end marks put right."""
    turn = _space(_lower_shouting(turn))
    turn = _LAUGHS.sub(lambda m: _same_case(m[0], "haha" if m[0][0] in "hH" else "lol"), turn)
    turn = re.sub(r"\bi(?=[ ,!?;]|'m\b|'ve\b|'ll\b|'d\b|$)", "I", turn)
    turn = re.sub(r"\bI(M|VE|LL)\b", lambda m: "I'" + m[1].lower(), turn)
    turn = re.sub(r"\bfav\.(?= [a-z])", "favorite", turn)
    turn = re.sub(r", (It|That|And|But|So|He|She|They|We|You)\b(?!-)",
                  lambda m: ", " + m[1].lower(), turn)
    turn = _SPELLING.sub(lambda m: _same_case(m[0], words.SPELLING[m[0].lower()]), turn)
    turn = re.sub(r"\bu\b(?!\.)", "you", turn)
    turn = re.sub(r"\bur\b", "your", turn)
    turn = _NAMES.sub(lambda m: words.NAMES[m[0]], turn)
    turn = re.sub(r"\b(I|you|we|they) (could|would|should|might|must) of\b", r"\1 \2 have", turn)
    turn = re.sub(r"\bits (a|an|the|not|just|so|very|really|been|about|like|all|pretty|my|one|"
                  r"hard|fun|nice|great|good|funny|crazy|too|also|still|always)\b", r"it's \1", turn)
    turn = re.sub(r"\bIts (a|an|the|not|just|so|very|really|been|about|like|all|pretty|my|one|"
                  r"hard|fun|nice|great|good|funny|crazy|too|also|still|always)\b", r"It's \1", turn)
    turn = re.sub(r"\b([Yy])our (welcome|right|kidding|joking)\b", r"\1ou're \2", turn)
    turn = re.sub(r"(?<=\w) (then|than) (?=(?:I|me|him|her|them|us) (?:am|do|did|was)\b)",
                  " than ", turn)
    turn = re.sub(r"\b(better|worse|more|less|rather|other|bigger|older|younger|faster|easier) then\b",
                  r"\1 than", turn)
    turn = re.sub(r'(^|(?<![A-Z][.])(?<=[.!?]) )(["(]?)([a-z])',
                  lambda m: m[1] + m[2] + m[3].upper(), turn)
    if turn[-1].isalnum() or turn[-1] in "\"')":
        if turn[-1].isalnum():
            turn += "?" if _ASKS.match(turn) and len(turn.split()) > 2 else "."
    elif turn[-1] in ",;:-":
        turn = turn[:-1].rstrip() + "."
    return turn


def clean(turn: str) -> tuple[str | None, str | None]:
    """(tidy turn, None), or (None, why it is not used)."""
    turn = turn.translate(_PLAIN).strip()
    why = reject(turn)
    if why is not None:
        return None, why
    turn = tidy(turn)
    return (turn, None) if turn else (None, "no word")


def clean_story(text: str) -> tuple[str | None, str | None]:
    """The same for a story: it is longer and its spelling is good."""
    text = re.sub(r"\s+", " ", text.translate(_PLAIN)).strip()
    if _ODD.search(text):
        return None, "odd symbols"
    if _UNSAFE.search(text):
        return None, "unsafe"
    if not 40 <= len(text.split()) <= 300:
        return None, "too long or too short"
    if text[-1] not in ".!?\"'":
        return None, "breaks off"
    return text, None
