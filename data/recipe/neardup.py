# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that are nearly the same: MinHash with bands finds candidates, Jaccard decides.

Of a group of near-duplicates the first is kept, in all collections together and before the split,
so that none stands on both sides of it."""
from __future__ import annotations

import re
import zlib

import numpy as np

SHINGLE = 5  # words
BANDS, ROWS = 12, 4  # a pair with Jaccard 0.5 is seen with probability 0.54, 0.7 with 0.96
ALIKE = 0.5
_PRIME = (1 << 31) - 1


def shingles(text: str) -> np.ndarray:
    """Sorted hashes of the runs of five words; of the whole text when it is shorter."""
    words = re.findall(r"[a-z0-9]+", text.lower().replace("'", ""))
    if len(words) <= SHINGLE:
        runs = [" ".join(words)]
    else:
        runs = [" ".join(words[i:i + SHINGLE]) for i in range(len(words) - SHINGLE + 1)]
    return np.unique(np.array([zlib.crc32(run.encode()) for run in runs], dtype=np.int64))


def jaccard(a: np.ndarray, b: np.ndarray) -> float:
    """The share of shingles that two sets have in common."""
    both = len(np.intersect1d(a, b, assume_unique=True))
    return both / (len(a) + len(b) - both)


class Index:
    """What was kept so far."""

    def __init__(self, seed: int = 1) -> None:
        rng = np.random.default_rng(seed)
        n = BANDS * ROWS
        self._a = rng.integers(1, _PRIME, n, dtype=np.int64)[:, None]
        self._b = rng.integers(0, _PRIME, n, dtype=np.int64)[:, None]
        self._bands: list[dict[bytes, list[int]]] = [{} for _ in range(BANDS)]
        self._kept: list[np.ndarray] = []

    def add(self, text: str) -> bool:
        """Keeps a text; False when it is nearly one that was kept before."""
        own = shingles(text)
        # a * x stays below 2^62 with x below 2^31
        least = ((self._a * (own[None, :] % _PRIME) + self._b) % _PRIME).min(1)
        keys = [least[i * ROWS:(i + 1) * ROWS].tobytes() for i in range(BANDS)]
        seen: set[int] = set()
        for band, key in zip(self._bands, keys):
            seen.update(band.get(key, ())[:50])
        if any(jaccard(own, self._kept[i]) >= ALIKE for i in seen):
            return False
        for band, key in zip(self._bands, keys):
            band.setdefault(key, []).append(len(self._kept))
        self._kept.append(own)
        return True
