# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the recipe's own promises: python3 tests.py"""
from __future__ import annotations

import json
import random
import re
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

import acts
import batches
import clean
import common
import export
import mix
import model as models
import names
import neardup
import patterns
import plot
import prepare
import readings
import scoring
import sources
import start
import talk
import train
import vocabulary

SAMPLE = common.HERE / "sample"
SHAPE = {"n_layer": 2, "n_head": 2, "n_embd": 32, "n_ctx": 512}


def make_work(folder: Path) -> Path:
    """The sample, prepared."""
    prepare.prepare(SAMPLE / "sources.toml", SAMPLE, folder, 0.1)
    vocabulary.run(folder, 600)
    return folder


class Cleaning(unittest.TestCase):
    """Turns in tidy English."""

    def test_tidy(self) -> None:
        for raw, tidy in {
            "i dont know , do you": "I don't know, do you.",
            "WHAT A GREAT DAY IT IS": "What a great day it is.",
            "really??!!": "Really?",
            "what is your name": "What is your name?",
            "thats alot of cheese": "That's a lot of cheese.",
            "i saw it on monday at the usa pavilion": "I saw it on Monday at the USA pavilion.",
            "its a nice day, your welcome": "It's a nice day, you're welcome.",
            "The cat lost its hat.": "The cat lost its hat.",
            "better then soup": "Better than soup.",
            "sooooo good": "Soo good.",
            "Haahahaaaa, It's my fav. show": "Haha, it's my favorite show.",
            "the superbowl is on": "The Super Bowl is on.",
        }.items():
            self.assertEqual(clean.clean(raw), (tidy, None))

    def test_rejects(self) -> None:
        for raw in ("My name is (name).", "Hi, [user 1 name]!", "see www.example.com", "", "???",
                    "This is shit.", "word " * 61, "你好"):
            self.assertIsNone(clean.clean(raw)[0], raw)

    def test_leaves_good_words_alone(self) -> None:
        for raw in ("My class sat on the grass.", "I play the bass.", "The U.S. is large."):
            self.assertEqual(clean.clean(raw), (raw, None))


class Splitting(unittest.TestCase):
    """Sources, duplicates and the split."""

    def test_stories_without_marks(self) -> None:
        text = "the end of one.\n\nOnce upon a time A.\n\nmore of A.\n\nOnce upon a time B.\n" \
               "<|endoftext|>\nOnce upon a time C.\n"
        stories = list(sources.split_stories(text))
        self.assertEqual([s[-2] for s in stories], ["A", "B", "C"])

    def test_exchanges(self) -> None:
        text = "# c\n> a\nb\n> c\nd\ne\n\n> f\ng\n"
        self.assertEqual(list(sources.parse_exchanges(text)), [["a", "b", "c", "d e"], ["f", "g"]])
        with self.assertRaises(SystemExit):
            list(sources.parse_exchanges("> a\n> b\nc\n"))

    def test_names_for_placeholders(self) -> None:
        raw = ["Hi, I'm [user 1's name].", "Hi [name], I'm (name).", "Nice to meet you, [User 2]."]
        first, second, third = names.fill(raw)
        one = first.split()[-1].rstrip(".")
        two = third.split()[-1].rstrip(".")
        self.assertNotEqual(one, two)
        self.assertEqual(second, f"Hi {one}, I'm {two}.")
        self.assertIn(one, names.FIRST)
        self.assertEqual(names.fill(["no (such) thing"]), ["no (such) thing"])

    def test_near_duplicates(self) -> None:
        words = [f"word{i}" for i in range(60)]
        index = neardup.Index()
        self.assertTrue(index.add(" ".join(words)))
        self.assertFalse(index.add(" ".join(words[:57] + ["x", "y", "z"])))
        self.assertTrue(index.add(" ".join(reversed(words))))

    def test_same_answer_same_side(self) -> None:
        row = sources.Source("s", "", "dialogue", True, 1, "", "")
        self.assertEqual(prepare.split_key(row, ["a?", "Brown."]),
                         prepare.split_key(row, ["b?", "brown."]))

    def test_both_forms_of_an_answer_same_side(self) -> None:
        turns = ["I lost my hat.", "Oh no, your hat! Was it the blue one?"]
        keys = {prepare.split_key(sources.Source("s", "", kind, False, 1, "", ""), one)
                for kind, one in (("exchanges", turns), ("acts", [turns[0], "Oh no!"]))}
        self.assertEqual(len(keys), 1)


class Acts(unittest.TestCase):
    """Answers by act."""

    TEXT = """# comment
[win]
{^}! Well done.
Congratulations on {}!
+ How does it feel?
+ I'm happy for you.
[hi]
= Hello!
= Hi there!
[own]
*
"""

    def setUp(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "acts.txt"
            path.write_text(self.TEXT, encoding="utf-8")
            self.acts = acts.load(path)

    def draw(self, told: list[acts.Told], number: int = 0) -> list[str]:
        return acts.turns(self.acts, told, number)

    def test_the_slot_is_named(self) -> None:
        told = [acts.Told("My boss gave me a raise!", "win", "your raise")]
        answers = {self.draw(told, number)[1] for number in range(200)}
        firsts = ["Your raise! Well done.", "Congratulations on your raise!"]
        self.assertEqual(answers, {(one + more) for one in firsts for more in
                                   ("", " How does it feel?", " I'm happy for you.")})

    def test_the_same_draw_gives_the_same(self) -> None:
        told = [acts.Told("Hi", "hi", ""), acts.Told("I won.", "win", "the game")]
        self.assertEqual(self.draw(told, 3), self.draw(told, 3))

    def test_nothing_is_said_twice_while_there_is_something_else(self) -> None:
        for number in range(50):
            answers = self.draw([acts.Told(text, "hi", "") for text in ("Hi", "Hello")], number)[1::2]
            self.assertEqual(sorted(answers), ["Hello!", "Hi there!"])

    def test_what_was_written_for_it(self) -> None:
        told = [acts.Told("What do you cost?", "own", "", "Nothing at all.")]
        self.assertEqual(self.draw(told), ["What do you cost?", "Nothing at all."])

    def test_marks(self) -> None:
        text = "> Hi\nHello to you,\nfriend.\n[hi]\n> I won.\n[win] the  game\n\n> Bye\nBye.\n"
        marked, bare = acts.parse(text, "test")
        self.assertEqual(marked, [
            acts.Told("Hi", "hi", "", "Hello to you, friend.", "test, line 1"),
            acts.Told("I won.", "win", "the  game", "", "test, line 5")])
        self.assertEqual(bare, [acts.Told("Bye", answer="Bye.", place="test, line 8")])
        self.assertEqual(self.draw(bare), [])
        self.assertEqual(list(sources.parse_exchanges("> Hi\nHello.\n[hi]\n")), [["Hi", "Hello."]])
        for wrong in ("[hi]\n", "Hello.\n", "> Hi\n[hi]\n[hi]\n"):
            with self.assertRaisesRegex(SystemExit, "test, line"):
                list(acts.parse(wrong, "test"))
        with self.assertRaisesRegex(SystemExit, "test, line 1: .*'nothing'"):
            self.draw([acts.Told("Hi", "nothing", "", "", "test, line 1")])

    def test_acts_that_say_nothing(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "acts.txt"
            for text in ("Hello!\n[hi]\n", "[hi]\n[bye]\nBye.\n"):
                path.write_text(text, encoding="utf-8")
                with self.assertRaisesRegex(SystemExit, "acts.txt"):
                    acts.load(path)

    def test_every_mark_has_an_act_and_a_slot_where_one_is_named(self) -> None:
        own = acts.load(common.HERE / "acts.txt")
        for folder in ("written", "said"):
            for path in sorted((common.HERE / folder).glob("*.txt")):
                for told in (one for many in acts.parse(path.read_text("utf-8"), path.name)
                             for one in many):
                    self.assertIn(told.act, own, told.place)
                    self.assertTrue(told.slot or not own[told.act].has_slot, told.place)
                    self.assertTrue(told.answer or not own[told.act].written, told.place)

    def test_no_answer_says_the_same_twice(self) -> None:
        for name, act in acts.load(common.HERE / "acts.txt").items():
            sentences = [one for text in act.first for one in re.split(r"(?<=[.!?]) ", text)]
            self.assertFalse(set(sentences) & set(act.second), name)


class Patterns(unittest.TestCase):
    """Conversations from patterns."""

    TEXT = """@pet: ape | (tabby |)cat
> I have a {pet}.
> My {pet} is here.
a {pet}! (Nice.|Good.) And a {pet.2}?
> yes
good
| no
bad
"""

    def test_ways(self) -> None:
        grammar = patterns.parse(self.TEXT)
        ways = [[one.words[0] for one in way] for way in grammar.sections["topic"][0].ways()]
        self.assertEqual(ways, [["I have a {pet}.", "no"], ["I have a {pet}.", "yes"]])

    def test_a_name_stays_the_same(self) -> None:
        grammar = patterns.parse(self.TEXT)
        for seed in range(30):
            speaker = patterns.Speaker(grammar, random.Random(seed))
            first, answer = speaker.say(["I have a {pet}."]), speaker.say(["a {pet}, a {pet.2}"])
            self.assertIn(first, ("I have an ape.", "I have a cat.", "I have a tabby cat."))
            mine, other = answer.split(", ")
            self.assertEqual(mine.split()[1:], first.rstrip(".").split()[3:])
            self.assertNotEqual(mine.split()[1:], other.split()[1:])
            self.assertEqual(answer[0], "A")

    def test_mistakes(self) -> None:
        for text in ("answer\n", "> a\n\n", "| a\nb\n", "> {none}\na\n", "> (a\nb\n", "[x]\n"):
            with self.assertRaises(SystemExit, msg=text):
                patterns.parse(text)

    def test_the_file(self) -> None:
        grammar = patterns.load(common.HERE / "patterns.txt")
        some = list(patterns.conversations(grammar, 2000))
        self.assertEqual(len(some), 2000)
        self.assertEqual(some[:100], list(patterns.conversations(grammar, 100)))
        for turns in some:
            self.assertEqual(len(turns) % 2, 0)
            for turn in turns:
                self.assertTrue(turn)
                self.assertNotRegex(turn, r"[{}()|@]|  |^ | $")

    def test_readings_are_not_given_away(self) -> None:
        table = common.HERE / "sources.toml"
        row = next(row for row in sources.read_table(table) if row.kind == "patterns")
        said = {turn for turns in sources.read(row, table, common.HERE) for turn in turns[::2]}
        self.assertNotIn("I prefer books to movies.", said)
        self.assertIn("I prefer books to films.", said)


class Words(unittest.TestCase):
    """The vocabulary."""

    def test_digits_and_characters_stay_apart(self) -> None:
        words = vocabulary.count_words(["in 2024 and 2025, 你好 你好 naïve café " * 50])
        merges = vocabulary.train_merges(dict(words), 400)
        made = [left + right for left, right in merges]
        self.assertFalse([m for m in made if sum(c.isdigit() for c in m) > 1])
        self.assertIn("Ġ2", made)
        high = [m for m in made if any(c in vocabulary._HIGH for c in m)]
        self.assertTrue(high)
        back = {char: byte for byte, char in vocabulary.byte_alphabet().items()}
        for m in high:
            self.assertLessEqual(len(bytes(back[c] for c in m).decode("utf-8", "ignore")), 1)

    def test_round_trip(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            own = vocabulary.Vocabulary(make_work(Path(name)))
            for text in ("Hello, world! 1234", "你好 👋🏽", "<|user|> is text", " \n\t x"):
                self.assertEqual(own.decode(own.encode(text)), text)
                self.assertFalse({own.end, own.user, own.assistant} & set(own.encode(text)))
            ids = own.conversation(["Hi.", "Yes?"], cue=True)
            self.assertEqual(own.decode(ids),
                             "<|user|>Hi.<|endoftext|><|assistant|>Yes?<|endoftext|><|user|>")


class Training(unittest.TestCase):
    """Batches, the model, and going on from a checkpoint."""

    def setUp(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.work = make_work(Path(self._folder.name))
        torch.set_num_threads(1)

    def tearDown(self) -> None:
        self._folder.cleanup()

    def test_mixture_goes_on_from_its_state(self) -> None:
        one, two = (batches.Mixture(self.work, 3, 0.5, 0.25) for _ in range(2))
        for _ in range(5):
            kept = one.batch(4, 128, 512, 0.0).state
        two.state = kept
        for _ in range(3):
            a, b = one.batch(4, 128, 512, 0.3), two.batch(4, 128, 512, 0.3)
            for left, right in ((a.ids, b.ids), (a.position, b.position), (a.weight, b.weight)):
                np.testing.assert_array_equal(left, right)

    def test_documents_start_at_zero_and_marks_weigh_nothing(self) -> None:
        mixture = batches.Mixture(self.work, 3, 0.5, 0.0)
        own = vocabulary.Vocabulary(self.work)
        batch = mixture.batch(8, 256, 512, 0.0)
        marks = (batch.ids == own.user) | (batch.ids == own.assistant)
        self.assertTrue((batch.weight[marks[:, 1:]] == 0).all())
        self.assertTrue(marks[:, 0].all())
        new = np.diff(batch.document, axis=1) != 0
        self.assertTrue((batch.position[:, 1:][new] == 0).all())
        self.assertTrue((batch.position[:, 0] == 0).all())

    def test_a_document_sees_only_itself(self) -> None:
        torch.manual_seed(0)
        net = models.Model(models.Shape(vocab_size=50, **SHAPE))
        for p in net.parameters():
            torch.nn.init.normal_(p, std=0.2)
        ids = torch.randint(0, 50, (1, 12))
        document = torch.tensor([[1] * 5 + [2] * 6])
        position = torch.tensor([[*range(5), *range(6)]])
        alone = net.losses(ids[:, 5:], position[:, 5:], document[:, 5:])
        both = net.losses(ids, position, document)
        torch.testing.assert_close(both[:, 5:], alone, atol=1e-5, rtol=1e-5)

    def test_head_loss_is_the_cross_entropy(self) -> None:
        torch.manual_seed(0)
        net = models.Model(models.Shape(vocab_size=50, **SHAPE))
        ids = torch.randint(0, 50, (3, 120))
        position = torch.arange(119).expand(3, 119)
        document, weight = torch.zeros_like(position), torch.rand(3, 119)
        net(ids, position, document, weight).backward()
        own = {name: p.grad.clone() for name, p in net.named_parameters() if p.grad is not None}
        net.zero_grad()
        ((net.losses(ids, position, document) * weight).sum() / weight.sum()).backward()
        for name, p in net.named_parameters():
            torch.testing.assert_close(own[name], p.grad, atol=1e-5, rtol=1e-4)

    def _trainer(self, steps: int, save_every: float) -> train.Trainer:
        plan = train.Plan(steps=steps, batch=512, window=128, window_end=256, dropout=0.1,
                          valid_every=1e9, save_every=save_every, average_from=0.5)
        size = len(vocabulary.Vocabulary(self.work))
        return train.Trainer(self.work, models.Shape(vocab_size=size, **SHAPE), plan, "cpu")

    def test_goes_on_to_the_same_weights(self) -> None:
        whole = self._trainer(8, 1e9)
        whole.resume()
        whole.train()
        (self.work / "checkpoint.pt").unlink()
        broken = self._trainer(8, 0.0)
        broken.resume()
        step = broken.optimiser.step

        def fail_at_five(scale: float) -> None:
            if broken.step == 5:
                raise KeyboardInterrupt
            step(scale)
        broken.optimiser.step = fail_at_five  # type: ignore[method-assign]
        with self.assertRaises(KeyboardInterrupt):
            broken.train()
        again = self._trainer(8, 1e9)
        again.resume()
        self.assertEqual(again.step, 5)
        again.train()
        for name, p in whole.model.state_dict().items():
            torch.testing.assert_close(again.model.state_dict()[name], p, atol=0, rtol=0)

    def test_starts_from_the_bundled_model(self) -> None:
        bundled = str(common.HERE.parent / "model.gguf")
        with tempfile.TemporaryDirectory() as name:
            work = Path(name)
            for kept in ("train.jsonl", "valid.jsonl", "sources.json"):
                (work / kept).write_bytes((self.work / kept).read_bytes())
            vocabulary.run(work, 600, bundled)
            own = vocabulary.Vocabulary(work)
            shape = start.shape(Path(bundled))
            self.assertEqual(len(own), shape["vocab_size"])
            plan = train.Plan(steps=1)
            ids, groups = batches.validation(work, 0)
            trainer = train.Trainer(work, models.Shape(**shape), plan, "cpu")
            before = scoring.score(trainer.model, ids, groups, own)["all"]
            trainer.resume(bundled)
            after = scoring.score(trainer.model, ids, groups, own)["all"]
            self.assertGreater(before.nats / before.tokens, 8)
            self.assertLess(after.nats / after.tokens, 5)
            for wrong in ({"n_embd": 128}, {"n_head": 8}):
                other = train.Trainer(work, models.Shape(**(shape | wrong)), plan, "cpu")
                with self.assertRaisesRegex(SystemExit, "another shape"):
                    other.resume(bundled)
            (work / "nonsense.gguf").write_bytes(b"GGXX" + bytes(100))
            for path, reason in (("nothing.gguf", "is not there"), ("nonsense.gguf", "nonsense")):
                with self.assertRaisesRegex(SystemExit, reason):
                    trainer.resume(str(work / path))
            swapped = dict(own.ids) | {"a": own.ids["b"], "b": own.ids["a"]}
            (work / "vocab.json").write_text(json.dumps(swapped))
            with self.assertRaisesRegex(SystemExit, "another vocabulary"):
                train.Trainer(work, models.Shape(**shape), plan, "cpu").resume(bundled)

    def test_rate(self) -> None:
        plan = train.Plan(steps=10, warmup=4, decay_from=0.5)
        self.assertEqual(train.rate(plan, 0.0, 0), 0.25)
        self.assertEqual(train.rate(plan, 0.4, 50), 1.0)
        self.assertAlmostEqual(train.rate(plan, 0.75, 50), 0.5)
        self.assertEqual(train.rate(plan, 1.0, 50), 0.0)

    def test_score_of_short_and_long_is_one_sum(self) -> None:
        own = vocabulary.Vocabulary(self.work)
        net = models.Model(models.Shape(vocab_size=len(own), **SHAPE))
        ids, groups = batches.validation(self.work, 0)
        together = scoring.score(net, ids, groups, own)["all"]
        single = [scoring.score(net, [one], ["x"], own)["all"] for one in ids]
        self.assertAlmostEqual(together.nats, sum(one.nats for one in single), places=2)
        turns = [t for r in common.read_lines(self.work / "valid.jsonl") for t in r["turns"]]
        self.assertEqual(together.size, sum(len(t.encode()) for t in turns))


class Writing(unittest.TestCase):
    """Files."""

    def test_safetensors(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "x.safetensors"
            tensors: dict[str, np.ndarray] = {
                "a": np.arange(6, dtype=np.float16).reshape(2, 3), "b": np.ones(2, np.float32)}
            export.write_safetensors(path, tensors)
            back = export.read_safetensors(path)
            for key, value in tensors.items():
                np.testing.assert_array_equal(back[key], value)

    def test_mix(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            works = [Path(name) / one for one in "abc"]
            for value, work in enumerate(works[:2]):
                work.mkdir()
                (work / "vocab.json").write_text("{}")
                torch.save({"shape": {}, "model": {"w": torch.full((2,), float(value))}},
                           work / "model.pt")
            mix.mix(works[0], works[1], 0.75, works[2])
            mixed = torch.load(works[2] / "model.pt")["model"]["w"]
            self.assertEqual(mixed.tolist(), [0.75, 0.75])
            (works[1] / "vocab.json").write_text('{"a": 0}')
            with self.assertRaisesRegex(SystemExit, "different vocabularies"):
                mix.mix(works[0], works[1], 0.75, works[2])

    def test_plot(self) -> None:
        rows: list[dict] = [{"tokens": i * 10**6, "loss": 9 - i, "step": i} for i in range(1, 6)]
        rows += [{"tokens": 2 * 10**6, "valid": {"all": 2.0}}, {"tokens": 5 * 10**6, "valid":
                                                               {"all": 1.5}}]
        picture = plot.draw(rows)
        self.assertEqual(picture.count("<polyline"), 2)
        self.assertIn("all 1.500", picture)

    def test_readings(self) -> None:
        rng = random.Random(1)
        replies = [talk.Reply(rng.choice("ab"), f"opening {i}", ["Hi?"], "Hello there.", "stop", 3)
                   for i in range(30)]
        text = readings.sheet(replies, 1)
        for i, reply in enumerate(replies):
            verdict = "y" if reply.model == "a" else "n"
            text = text.replace(f"[{i:04d}] fits: ", f"[{i:04d}] fits: {verdict}")
        shown = readings.table(replies, readings.read_sheet(text))
        self.assertRegex(shown, r"a, all .* 100% \|")
        self.assertRegex(shown, r"b, all .* 0% \|")

    def test_loops(self) -> None:
        def says(text: str, *before: str) -> bool:
            return talk.loops(talk.Reply("m", "x", list(before), text, "stop", 9))
        self.assertTrue(says("He was so glad he was so glad he was so glad"))
        self.assertTrue(says("I like the sea a lot. It is blue. I like the sea a lot."))
        self.assertTrue(says("I think so too.", "a", "I think so too.", "b"))
        self.assertFalse(says("I like tea, and I like coffee, and now and then I like milk."))
        self.assertFalse(says("Bye!", "a", "Bye!", "b"))


if __name__ == "__main__":
    unittest.main()
