# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains a model on what vocabulary.py wrote.

    train.py --config configs/cpu.toml --work WORK [--minutes M | --steps N] [--threads N]
             [--start MODEL.gguf]

starts from random weights or from those of a model of this recipe, and writes WORK/checkpoint.pt
(every few minutes; the same command goes on from it), WORK/log.jsonl and WORK/model.pt, the weights
to export. On CUDA with bfloat16 products and a compiled model, on a CPU with bfloat16 where it has
such products, else in float32; weights, sums and norms are float32.

The learning rate follows the time given, so that a run ends on time with the rate at zero. With
steps instead of minutes the same seed gives the same weights on the same machine."""
from __future__ import annotations

import contextlib
import itertools
import json
import math
import os
import queue
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, ContextManager, Iterator

import torch

import batches
import common
import model as models
import optimiser
import scoring
import start
import vocabulary


@dataclass(frozen=True)
class Plan:
    """The table [train] of a configuration."""
    minutes: float = 0.0  # of training, validation left out
    steps: int = 0  # instead of minutes
    batch: int = 4096  # tokens a step
    window: int = 256
    window_end: int = 512  # in the last part, from `long_from` on
    long_from: float = 0.8
    lr_muon: float = 0.02
    lr_adam: float = 0.004
    decay: float = 0.01
    warmup: int = 60  # steps
    schedule: str = "wsd"  # or cosine
    decay_from: float = 0.5  # the rate falls from here
    dropout: float = 0.0
    user_weight: float = 0.5
    run_on: float = 0.25
    average_from: float = 0.97  # the weights of the steps from here on are averaged
    seed: int = 1
    valid_every: float = 120.0  # seconds
    valid_limit: int = 24  # conversations of each source
    save_every: float = 300.0


def rate(plan: Plan, progress: float, step: int) -> float:
    """What the learning rates are multiplied by."""
    if progress < plan.decay_from:
        return min(1.0, (step + 1) / max(1, plan.warmup))
    rest = min(1.0, (progress - plan.decay_from) / max(1e-9, 1 - plan.decay_from))
    fall = 1 - rest if plan.schedule == "wsd" else 0.5 * (1 + math.cos(math.pi * rest))
    return fall * min(1.0, (step + 1) / max(1, plan.warmup))


def has_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 faster than float32."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


class Trainer:
    """One run: model, optimiser, data, clock."""

    def __init__(self, work: Path, shape: models.Shape, plan: Plan, device: str,
                 weights: dict[str, list[float]] | None = None) -> None:
        self.work, self.shape, self.plan = work, shape, plan
        self.device = torch.device(device)
        self.model = models.Model(shape, plan.seed, plan.dropout).to(self.device)
        half = self.device.type == "cuda" or has_bfloat16()
        self._dtype = torch.bfloat16 if half else torch.float32
        self.run: Callable[..., torch.Tensor] = self.model
        self.optimiser = optimiser.Optimiser(self.model, plan.lr_muon, plan.lr_adam, plan.decay,
                                             self._dtype)
        self.words = vocabulary.Vocabulary(work)
        self.data = batches.Mixture(work, plan.seed, plan.user_weight, plan.run_on,
                                    weights)
        self.valid = batches.validation(work, plan.valid_limit)
        self.average: dict[str, torch.Tensor] = {}
        self.n_averaged = self.step = self.tokens = 0
        self.spent = 0.0
        self.log_size = 0

    def products(self) -> ContextManager[Any]:
        """The context in which products are computed in half precision, if they are."""
        if self._dtype == torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=self._dtype)

    @property
    def progress(self) -> float:
        """From 0 to 1."""
        if self.plan.steps:
            return self.step / self.plan.steps
        return self.spent / (60 * self.plan.minutes)

    def log(self, **row: Any) -> None:
        """A line in log.jsonl, and for the person who watches."""
        with open(self.work / "log.jsonl", "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
            self.log_size = file.tell()
        print(" ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}"
                       for k, v in row.items()), flush=True)

    def save(self, state: dict[str, Any]) -> None:
        """The checkpoint, whole or not at all. STATE is that of the data behind the last batch that
        was used; on CUDA the mixture itself is ahead of it."""
        path = self.work / "checkpoint.pt"
        torch.save({"shape": self.shape.as_dict(), "model": self.model.state_dict(),
                    "optimiser": self.optimiser.state(), "average": self.average,
                    "n_averaged": self.n_averaged, "data": state, "step": self.step,
                    "tokens": self.tokens, "spent": self.spent, "log_size": self.log_size,
                    "random": torch.get_rng_state()}, path.with_suffix(".new"))
        os.replace(path.with_suffix(".new"), path)

    def resume(self, model: str | None = None) -> None:
        """Goes on from the checkpoint, if there is one, and cuts the log back to it; without one
        from the weights of the GGUF MODEL, if that is given."""
        path = self.work / "checkpoint.pt"
        if not path.exists():
            if model:
                self.take_weights(Path(model))
            (self.work / "log.jsonl").unlink(missing_ok=True)
            return
        if model:
            print(f"{path} is there: goes on from it and not from {model}", flush=True)
        kept = torch.load(path, map_location=self.device, weights_only=False)
        if kept["shape"] != self.shape.as_dict():
            raise SystemExit(f"{path} is of a model of another shape, {kept['shape']}: remove it, "
                             "or take another --work")
        self.model.load_state_dict(kept["model"])
        self.optimiser.load(kept["optimiser"])
        self.average, self.n_averaged = kept["average"], kept["n_averaged"]
        self.data.state, self.step, self.tokens = kept["data"], kept["step"], kept["tokens"]
        self.spent, self.log_size = kept["spent"], kept["log_size"]
        torch.set_rng_state(kept["random"].cpu())
        with open(self.work / "log.jsonl", "a", encoding="utf-8") as file:
            file.truncate(self.log_size)
        print(f"goes on at step {self.step}", flush=True)

    def take_weights(self, path: Path) -> None:
        """The weights of a GGUF of the same shape and vocabulary."""
        shape = start.shape(path)
        if shape != self.shape.as_dict():
            raise SystemExit(f"{path} is of another shape than [model] of the configuration: {shape}")
        own = [piece for _, piece in sorted(self.words.pieces.items())]
        if start.tokens_and_merges(path)[0] != own:
            raise SystemExit(f"{path} has another vocabulary than {self.work}: run vocabulary.py "
                             "with --start, too")
        found = start.weights(path)
        self.model.load_state_dict({name: torch.from_numpy(a) for name, a in found.items()})
        print(f"starts from the weights of {path}", flush=True)

    def compile(self) -> None:
        """Compiles model and optimiser for a GPU, before the clock runs. Where that fails, the run
        goes on without, at perhaps half the speed."""
        length = self.plan.window
        shape = (max(1, self.plan.batch // length), length)
        ids = torch.zeros(shape[0], length + 1, dtype=torch.int64, device=self.device)
        compiled = torch.compile(self.model)
        begin = time.monotonic()
        try:
            with self.products():
                loss = compiled(ids, torch.zeros_like(ids[:, 1:]), torch.zeros_like(ids[:, 1:]),
                                torch.ones(shape, device=self.device))
            loss.backward()
            self.optimiser.compile()
            self.run = compiled
        except Exception as reason:  # whatever the compiler lacks
            self.log(not_compiled=str(reason)[:400])
        self.model.zero_grad(set_to_none=True)
        self.log(compiled=self.run is compiled, seconds=round(time.monotonic() - begin, 1))

    def _batches(self) -> Iterator[batches.Batch]:
        """Batches by the progress at which they are made; on CUDA made ahead in a thread."""
        made_from = itertools.count(self.step)

        def one() -> batches.Batch:
            plan, number = self.plan, next(made_from)
            progress = number / plan.steps if plan.steps else self.progress
            length = plan.window_end if progress >= plan.long_from else plan.window
            glide = max(0.0, (progress - plan.decay_from) / max(1e-9, 1 - plan.decay_from))
            return self.data.batch(max(1, plan.batch // length), length, self.shape.n_ctx,
                                   min(1.0, glide))
        if self.device.type == "cpu":
            while True:
                yield one()
        ahead: queue.Queue[batches.Batch] = queue.Queue(4)
        stop = threading.Event()

        def make() -> None:
            while not stop.is_set():
                made = one()
                while not stop.is_set():
                    with contextlib.suppress(queue.Full):
                        ahead.put(made, timeout=0.5)
                        break
        threading.Thread(target=make, daemon=True).start()
        try:
            while True:
                yield ahead.get()
        finally:
            stop.set()

    def _move(self, batch: batches.Batch) -> list[torch.Tensor]:
        arrays = (batch.ids, batch.position, batch.document, batch.weight)
        return [torch.from_numpy(a).to(self.device, non_blocking=True) for a in arrays]

    def validate(self) -> None:
        """Logs bits per byte of a part of the validation conversations."""
        with self.products():
            sums = scoring.score(self.model, *self.valid, self.words)
        self.log(step=self.step, tokens=self.tokens, seconds=round(self.spent, 1),
                 valid={k: round(v.bits_per_byte, 4) for k, v in sums.items()},
                 valid_nats=round(sums["all"].nats / sums["all"].tokens, 4))

    def _average(self) -> None:
        self.n_averaged += 1
        for name, p in self.model.state_dict().items():
            if name not in self.average:
                self.average[name] = p.detach().clone()
            else:
                self.average[name].lerp_(p, 1 / self.n_averaged)

    def train(self) -> None:
        """Until progress is 1; leaves model.pt."""
        self.model.train()
        if self.device.type == "cuda":
            self.compile()
        plan, told, saved, valid = self.plan, self.spent, self.spent, self.spent
        losses: list[torch.Tensor] = []
        seen, since = 0, time.monotonic()
        state = self.data.state
        for batch in self._batches():
            if self.progress >= 1:
                break
            begin = time.monotonic()
            with self.products():
                loss = self.run(*self._move(batch))
            loss.backward()
            self.optimiser.step(rate(plan, self.progress, self.step))
            losses.append(loss.detach())
            self.step += 1
            self.tokens += batch.weight.size
            seen += batch.weight.size
            state = batch.state
            if self.progress >= plan.average_from:
                self._average()
            if self.device.type == "cuda" and self.step % 8 == 0:
                torch.cuda.synchronize()
            self.spent += time.monotonic() - begin
            if self.spent - told > 10 or self.step in (1, 10):
                self.log(step=self.step, tokens=self.tokens, seconds=round(self.spent, 1),
                         progress=round(self.progress, 4),
                         loss=round(float(torch.stack(losses).mean()), 4),
                         rate=round(rate(plan, self.progress, self.step), 4),
                         tokens_per_second=round(seen / (time.monotonic() - since)))
                told, losses, seen, since = self.spent, [], 0, time.monotonic()
            if self.spent - valid > plan.valid_every:
                self.validate()
                valid, seen, since = self.spent, 0, time.monotonic()
            if self.spent - saved > plan.save_every:
                self.save(state)
                saved = self.spent
        self.finish(state)

    def finish(self, state: dict[str, Any]) -> None:
        """Chooses between the last weights and their average, and writes model.pt."""
        self.save(state)
        self.validate()
        last = {name: p.detach().clone() for name, p in self.model.state_dict().items()}
        chosen = last
        if self.n_averaged > 1:
            with self.products():
                score = scoring.score(self.model, *self.valid, self.words)["all"].nats
                self.model.load_state_dict(self.average)
                averaged = scoring.score(self.model, *self.valid, self.words)["all"].nats
            chosen = self.average if averaged < score else last
            self.log(averaged_steps=self.n_averaged, gain=round(1 - averaged / score, 5))
        self.model.load_state_dict(chosen)
        path = self.work / "model.pt"
        torch.save({"shape": self.shape.as_dict(), "step": self.step, "tokens": self.tokens,
                    "seconds": self.spent, "epochs": self.data.epochs(state),
                    "model": {k: v.cpu() for k, v in chosen.items()}}, path.with_suffix(".new"))
        os.replace(path.with_suffix(".new"), path)
        self.log(finished=True, step=self.step, tokens=self.tokens, seconds=round(self.spent, 1))


def keep_memory() -> None:
    """Big temporaries given back to the system after each operation cost a third of the time on a
    CPU; glibc reads how to keep them at start only, so the program starts itself again."""
    if "MALLOC_TOP_PAD_" not in os.environ and sys.platform == "linux":
        os.environ.update(GLIBC_TUNABLES="glibc.malloc.hugetlb=1",
                          MALLOC_MMAP_THRESHOLD_="8589934592",
                          MALLOC_TRIM_THRESHOLD_="17179869184", MALLOC_TOP_PAD_="268435456")
        os.execv(sys.executable, [sys.executable, *sys.argv])


def run(config: Path, work: Path, minutes: float, steps: int, threads: int, device: str,
        model: str | None = None) -> None:
    """The whole step."""
    values = common.read_toml(config)
    table = values.get("train", {}) | ({"minutes": minutes, "steps": 0} if minutes else {}) | \
        ({"steps": steps} if steps else {})
    plan = Plan(**table)
    if not plan.steps and not plan.minutes:
        raise SystemExit(f"{config} says neither minutes nor steps")
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    if device == "cpu":
        keep_memory()
        torch.set_num_threads(threads or os.cpu_count() or 1)
        torch.set_flush_denormal(True)
    else:
        torch.set_float32_matmul_precision("high")
    size = len(vocabulary.Vocabulary(work))
    trainer = Trainer(work, models.Shape(vocab_size=size, **values["model"]), plan, device,
                      values.get("weights"))
    trainer.resume(model)
    trainer.log(parameters=sum(p.numel() for p in trainer.model.parameters()),
                shape=trainer.shape.as_dict(), data_tokens=trainer.data.n_tokens, device=device,
                torch=torch.__version__)
    trainer.train()


if __name__ == "__main__":
    args = common.arguments(__doc__, config=common.HERE / "configs/cpu.toml", work=Path("work"),
                            minutes=0.0, steps=0, threads=0, device="", start=None)
    run(args.config, args.work, args.minutes, args.steps, args.threads, args.device, args.start)
