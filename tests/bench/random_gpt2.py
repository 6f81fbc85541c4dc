#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""A model folder of GPT-2's shape with random weights, to measure speed with.

    tests/bench/random_gpt2.py TOKENIZER-FOLDER OUT-FOLDER [124M|355M]

The weights are float16; `confab model convert OUT-FOLDER x.gguf --type f32` and llama-quantize make
the other types of them.  Needs Python's own library only."""

import json
import os
import random
import shutil
import sys

SIZES = {"124M": (12, 12, 768), "355M": (24, 16, 1024)}
N_VOCAB, N_CTX = 50257, 1024
# The upper byte of a float16: sign and two bits of the fraction as they come, the exponent of 2^-6.
SMALL = bytes((byte & 0x83) | 0x24 for byte in range(256))


def shapes(n_layer, n_embd):
    yield "wte.weight", (N_VOCAB, n_embd)
    yield "wpe.weight", (N_CTX, n_embd)
    for i in range(n_layer):
        layer = "h.%d." % i
        for norm in ("ln_1", "ln_2"):
            yield layer + norm + ".weight", (n_embd,)
            yield layer + norm + ".bias", (n_embd,)
        for name, n_in, n_out in (("attn.c_attn", 1, 3), ("attn.c_proj", 1, 1),
                                  ("mlp.c_fc", 1, 4), ("mlp.c_proj", 4, 1)):
            yield layer + name + ".weight", (n_in * n_embd, n_out * n_embd)
            yield layer + name + ".bias", (n_out * n_embd,)
    yield "ln_f.weight", (n_embd,)
    yield "ln_f.bias", (n_embd,)


def n_elements(shape):
    n = 1
    for length in shape:
        n *= length
    return n


def main():
    if len(sys.argv) not in (3, 4) or (len(sys.argv) == 4 and sys.argv[3] not in SIZES):
        sys.exit(__doc__)
    tokenizer, out = sys.argv[1:3]
    n_layer, n_head, n_embd = SIZES[sys.argv[3] if len(sys.argv) == 4 else "124M"]
    os.makedirs(out, exist_ok=True)
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(os.path.join(tokenizer, name), out)
    with open(os.path.join(out, "config.json"), "w") as file:
        json.dump({"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2",
                   "activation_function": "gelu_new", "layer_norm_epsilon": 1e-5,
                   "n_layer": n_layer, "n_head": n_head, "n_embd": n_embd, "n_ctx": N_CTX,
                   "n_positions": N_CTX, "vocab_size": N_VOCAB, "bos_token_id": 50256,
                   "eos_token_id": 50256}, file)
    header, offset = {}, 0
    for name, shape in shapes(n_layer, n_embd):
        end = offset + 2 * n_elements(shape)
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    numbers = random.Random(1)
    with open(os.path.join(out, "model.safetensors"), "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, shape in shapes(n_layer, n_embd):
            n = n_elements(shape)
            data = bytearray(2 * n)
            data[0::2] = numbers.randbytes(n)
            data[1::2] = numbers.randbytes(n).translate(SMALL)
            file.write(data)


if __name__ == "__main__":
    main()
