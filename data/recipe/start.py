# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundled GGUF as what training goes on from, instead of random weights: its vocabulary and its
weights, the matrices widened from Q8_0. Reads it through the gguf package."""
from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

import common

NAMES = {"token_embd": "wte", "position_embd": "wpe", "output_norm": "ln_f"}
PARTS = {"attn_norm": "ln_1", "attn_qkv": "attn.c_attn", "attn_output": "attn.c_proj",
         "ffn_norm": "ln_2", "ffn_up": "mlp.c_fc", "ffn_down": "mlp.c_proj"}


def _read(path: Path) -> Any:
    """The reader of a GGUF whose architecture is GPT-2's."""
    try:
        import gguf
    except ImportError:
        raise SystemExit("--start needs the package gguf, see requirements.txt") from None
    if not path.is_file():
        raise SystemExit(f"{path}: the model to start from is not there")
    try:
        reader = gguf.GGUFReader(path)
    except ValueError as reason:
        raise SystemExit(f"{path}: {reason}") from None
    if "general.architecture" not in reader.fields or \
            reader.fields["general.architecture"].contents() != "gpt2":
        raise SystemExit(f"{path}: its architecture is not gpt2")
    return reader


def shape(path: Path) -> dict[str, int]:
    """Its sizes, as in [model] of a configuration, and that of the vocabulary."""
    fields = _read(path).fields
    keys = {"n_layer": "block_count", "n_head": "attention.head_count",
            "n_embd": "embedding_length", "n_ctx": "context_length"}
    return {name: int(fields[f"gpt2.{key}"].contents()) for name, key in keys.items()} | {
        "vocab_size": len(tokens_and_merges(path)[0])}


def tokens_and_merges(path: Path) -> tuple[list[str], list[str]]:
    """The tokens in the order of their ids, and the merges, "left right" each."""
    fields = _read(path).fields
    tokens, merges = (fields[name].contents() if name in fields else [] for name in
                      ("tokenizer.ggml.tokens", "tokenizer.ggml.merges"))
    if tokens[-len(common.SPECIALS):] != common.SPECIALS:
        raise SystemExit(f"{path}: its vocabulary does not end with {', '.join(common.SPECIALS)}; "
                         "only a model of this recipe can be started from")
    return tokens, merges


def parameter_name(name: str) -> str:
    """A tensor of the GGUF by Hugging Face's name."""
    stem, _, kind = name.rpartition(".")
    block = re.fullmatch(r"blk\.(\d+)\.(\w+)", stem)
    own = f"h.{block[1]}.{PARTS[block[2]]}" if block else NAMES[stem]
    return f"transformer.{own}.{kind}"


def weights(path: Path) -> dict[str, np.ndarray]:
    """Float32 arrays by Hugging Face's names; the blocks' matrices are [in, out]."""
    from gguf.quants import dequantize
    out: dict[str, np.ndarray] = {}
    for tensor in _read(path).tensors:
        values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        if values.ndim == 2 and tensor.name.startswith("blk."):
            values = values.T
        out[parameter_name(tensor.name)] = np.ascontiguousarray(values)
    return out
