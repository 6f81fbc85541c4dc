# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast conversations come in and go out, and in how much memory.

in_and_out.py CONFAB [CONVERSATIONS [MESSAGES-OF-EACH]]

Makes a file of made-up conversations in English and Chinese (OpenAI's jsonl), imports it into an
empty database, exports that in every format, and imports the json into another one; a line a step:
seconds, messages a second, peak memory, size.  In a folder of its own below $TMPDIR."""
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

ENGLISH = ("the rain tea window evening letter garden train music river morning question answer "
           "small green quiet walk remember perhaps never always because about under between "
           "write read think colour number house street winter summer").split()
CHINESE = "我你他今天下雨喝茶学习人工智能窗外晚上花园火车音乐河流早晨问题回答安静散步记得也许因为颜色冬天夏天"


def text(chance):
    if chance.random() < 0.3:
        return "".join(chance.choice(CHINESE) for _ in range(chance.randint(5, 60))) + "。"
    return " ".join(chance.choice(ENGLISH) for _ in range(chance.randint(4, 60))) + "."


def make(path, n_conversations, n_messages):
    chance = random.Random(1)
    with open(path, "w", encoding="utf-8") as file:
        for i in range(n_conversations):
            roles = ("user", "assistant")
            messages = [{"role": roles[k % 2], "content": text(chance)} for k in range(n_messages)]
            messages[0]["content"] += f" ({i})"
            file.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")


def run(name, n, size_of, *command):
    before = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - before
    size = os.path.getsize(size_of) / 1e6
    print(f"{name:18}{seconds:8.1f} s{n / seconds:10.0f} messages/s"
          f"{usage.ru_maxrss / 1024:8.1f} MB peak{size:10.1f} MB", flush=True)
    if status != 0:
        sys.exit(f"{name} failed")


def main():
    confab = os.path.abspath(sys.argv[1])
    n_conversations = int(sys.argv[2]) if len(sys.argv) > 2 else 10000
    n_messages = int(sys.argv[3]) if len(sys.argv) > 3 else 20
    n = n_conversations * n_messages
    folder = tempfile.mkdtemp(prefix="confab-bench-")
    first = os.path.join(folder, "first.db")
    second = os.path.join(folder, "second.db")
    lines = os.path.join(folder, "in.jsonl")
    try:
        make(lines, n_conversations, n_messages)
        print(f"{n_conversations} conversations, {n} messages")
        run("import jsonl", n, lines, confab, "-q", "-d", first, "import", lines)
        for name in ("markdown", "text", "html", "jsonl", "sharegpt", "json"):
            out = os.path.join(folder, "out." + name)
            run("export " + name, n, out, confab, "-q", "-d", first, "export", "--all",
                "--format", name, "-o", out)
        run("import json", n, second, confab, "-q", "-d", second, "import", out)
        run("import json again", n, second, confab, "-q", "-d", second, "import", out)
    finally:
        shutil.rmtree(folder)


main()
