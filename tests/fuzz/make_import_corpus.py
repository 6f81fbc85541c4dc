# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes tests/fuzz/corpus/import: small files of every format and some that are wrong.  Run it in
tests/fuzz."""
import base64
import hashlib
import json
import os

A, B, C, D = ("01a22200-0d0b-75b5-8c91-0cd281d644f%x" % i for i in range(4))
SYSTEM = "Be brief."
DIGEST = hashlib.sha256(SYSTEM.encode()).hexdigest()


def message(uuid, **more):
    return {"uuid": uuid, "role": "user", "state": "complete", "created": 1700000000000,
            "updated": 1700000000000, "text": "Tea?", **more}


def own(messages, **more):
    return json.dumps({
        "format": "confab", "version": 1, "program": "confab",
        "conversations": [{"uuid": A, "created": 1, "updated": 2, "title": "Tea", "pinned": True,
                           "tags": ["a", "b"], "draft": {"text": "d", "cursor": 1, "updated": 3},
                           **more, "messages": messages}],
        "snapshots": [{"digest": DIGEST, "created": 1, "text": SYSTEM}],
        "draft": {"text": "not begun", "cursor": 3, "updated": 4}}, ensure_ascii=False)


def node(parent, children, role="user", text="x", **more):
    return {"parent": parent, "children": children,
            "message": {"author": {"role": role}, "create_time": 1700000000.5, "recipient": "all",
                        "content": {"content_type": "text", "parts": [text]}, **more}}


def chatgpt(mapping, **more):
    return json.dumps([{"title": "T", "create_time": 1, "update_time": 2.5, "id": "c",
                        "mapping": mapping, "current_node": "b", **more}])


FILES = {
    "own": own([message(B, shown=C), message(C, parent=B, role="assistant", state="cancelled",
                                             reason="cancelled", tokens=2, first_us=5, total_us=9,
                                             model="m", text="\ufffd",
                                             text_base64=base64.b64encode(b"\xff").decode(),
                                             recipe={"system": DIGEST}),
                message(D, trashed=5, trash_root=D)], active=C, forked_from=D),
    "own-late-parent": own([message(B, parent=C), message(C)], active=B),
    "own-circle": own([message(B, parent=C), message(C, parent=B)]),
    "own-twice": own([message(B), message(B)]),
    "own-year": own([message(B, created=1200798777600000)]),
    "own-recipe": own([message(B, recipe={"body": "Y2ZyAQ=="})]),
    "own-newer": '{"format":"confab","version":2,"conversations":[]}',
    "chatgpt": chatgpt({"r": {"message": None, "parent": None, "children": ["a"]},
                        "a": node("r", ["c", "b"], text="雨"),
                        "b": node("a", [], "assistant", metadata={"model_slug": "g"}),
                        "c": node("a", [], "tool")}),
    "chatgpt-circle": chatgpt({"a": node("b", ["b"]), "b": node("a", ["a"])}),
    "chatgpt-half": '[{"title":"\\ud83c","id":"x","mapping":{"a":{"parent":null,"message":'
                    '{"author":{"role":"user"},"content":{"parts":["\\udc00\\ud83d\\ude00"]}}}}}]',
    "openai": '{"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":'
              '"text","text":"q"}]},{"role":"assistant","content":"a"}]}\n\n{"messages":[{"role":'
              '"assistant","content":null,"tool_calls":[]}]}\n',
    "sharegpt": '[{"id":"1","conversations":[{"from":"human","value":"q"},{"from":"gpt","value":'
                '"a"}]},{"items":[{"role":"user","content":"q"}]}]',
    "deep": '[{"messages":' + "[" * 300,
    "numbers": '[{"id":"n","create_time":1e300,"mapping":{}},{"a":-0.0e-400},{"b":1E5}]',
    "words": "[true, false ,null,nul]",
    "cut": '{"messages":[{"role":"user","content":"\\',
    "bom": '\ufeff{"messages":[{"role":"user","content":"\\u0000"}]}',
}

os.makedirs("corpus/import", exist_ok=True)
for name, text in FILES.items():
    with open(f"corpus/import/{name}", "w", encoding="utf-8", newline="") as file:
        file.write(text)
