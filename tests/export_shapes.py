# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what export wrote, with Python's own json module, and says what is not as promised.

export_shapes.py json|jsonl|sharegpt FILE"""
import base64
import hashlib
import json
import re
import sys

UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
ROLES = {"system", "user", "assistant"}
STATES = {"complete", "cancelled", "interrupted", "failed"}
CONVERSATION = {"uuid": str, "created": int, "updated": int, "title": str, "title_is_own": bool,
                "pinned": bool, "archived": bool, "unread": bool, "trashed": int, "model": str,
                "template": str, "system": str, "settings": str, "origin": str, "origin_id": str,
                "tags": list, "forked_from": str, "draft": dict, "active": str, "messages": list}
MESSAGE = {"uuid": str, "parent": str, "role": str, "state": str, "reason": str, "created": int,
           "updated": int, "pinned": bool, "trashed": int, "trash_root": str, "shown": str,
           "tokens": int, "prompt_tokens": int, "cached_tokens": int, "first_us": int,
           "total_us": int, "model": str, "error": str, "origin_id": str, "text": str,
           "recipe": dict}


def check(holds, what):
    if not holds:
        sys.exit("export_shapes: " + what)


def check_members(value, known, needed):
    for key, member in value.items():
        plain = key.removesuffix("_base64")
        check(plain in known, f"unknown member {key}")
        check(type(member) is known[plain], f"{key} is a {type(member).__name__}")
        if key != plain:
            raw = base64.b64decode(member, validate=True)
            check(raw.decode(errors="replace") != "" or raw == b"", f"{key} is empty")
    for key in needed:
        check(key in value, f"{key} is missing")


def check_message(message, uuids):
    check_members(message, MESSAGE, ["uuid", "role", "state", "created", "updated", "text"])
    check(UUID.match(message["uuid"]) and message["uuid"] not in uuids, "a uuid twice")
    check(message["role"] in ROLES and message["state"] in STATES, "a role or state unknown")
    check(("trashed" in message) == ("trash_root" in message), "trashed without its root")
    recipe = message.get("recipe", {})
    check(set(recipe) <= {"template", "system", "body"}, "unknown member of a recipe")
    if "body" in recipe:
        body = base64.b64decode(recipe["body"], validate=True)
        check(body[:3] == b"cfr", "a recipe that is none")
        check(hashlib.sha256(body[:-8]).digest()[:8] == body[-8:], "a recipe that is damaged")
    uuids.add(message["uuid"])


def check_json(path):
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    check(list(document)[0] == "format" and document["format"] == "confab", "no format")
    check(document["version"] == 1, "another version")
    for conversation in document["conversations"]:
        check_members(conversation, CONVERSATION, ["uuid", "created", "updated", "title", "messages"])
        check(list(conversation)[-1] == "messages", "messages are not the last member")
        uuids = set()
        for message in conversation["messages"]:
            check_message(message, uuids)
        for message in conversation["messages"]:
            for key in ("parent", "shown", "trash_root"):
                check(message.get(key, message["uuid"]) in uuids, f"{key} is not there")
        check(conversation.get("active") in uuids | {None}, "the active message is not there")
    for snapshot in document["snapshots"]:
        text = base64.b64decode(snapshot["text_base64"]) if "text_base64" in snapshot \
            else snapshot["text"].encode()
        check(hashlib.sha256(text).hexdigest() == snapshot["digest"], "a wrong digest")
    return len(document["conversations"])


def check_jsonl(path):
    n = 0
    with open(path, encoding="utf-8") as file:
        for line in file:
            messages = json.loads(line)["messages"]
            check(len(messages) > 0, "a line without messages")
            for message in messages:
                check(set(message) == {"role", "content"}, "members of a message")
                check(message["role"] in ROLES and isinstance(message["content"], str), "a message")
            n += 1
    return n


def check_sharegpt(path):
    with open(path, encoding="utf-8") as file:
        conversations = json.load(file)
    for conversation in conversations:
        check(UUID.match(conversation["id"]), "no id")
        check(isinstance(conversation["conversations"], list), "no conversations")
        for message in conversation["conversations"]:
            check(set(message) == {"from", "value"}, "members of a message")
            check(message["from"] in {"system", "human", "gpt"}, "who speaks")
            check(isinstance(message["value"], str), "no text")
    return len(conversations)


checks = {"json": check_json, "jsonl": check_jsonl, "sharegpt": check_sharegpt}
print(checks[sys.argv[1]](sys.argv[2]))
