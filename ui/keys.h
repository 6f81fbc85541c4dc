/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keys: what a key is, and *the* table of actions, the places where they hold and their keys.
 *
 * Bindings, the [keys] section of the config file, the help screen, the footer and the manual are
 * all made from UI_ACTIONS.  A key is bound in the input line only if it can't type or edit there:
 * a row may list both `F1' and `?', and `?' then holds everywhere but in the input line. */
#ifndef UI_KEYS_H
#define UI_KEYS_H

#include "base.h"
#include "buf.h"
#include "err.h"

/* A key as it was pressed, in one number: a Unicode code point or one of enum ui_key_name, plus
 * modifiers.  Canonical form (ui_key_canonical): Ctrl with a letter has the small letter; Shift is
 * kept for named keys only, since for characters it is in the character; the bytes 0x0d, 0x09, 0x1b
 * and 0x7f are Enter, Tab, Esc and Backspace, the other control bytes Ctrl with their letter. */
enum ui_key_mod {
    UI_KEY_SHIFT = 1 << 24,
    UI_KEY_ALT = 1 << 25,
    UI_KEY_CTRL = 1 << 26,
    UI_KEY_CODE = (1 << 24) - 1, /* mask of what is not a modifier */
};

/* Named keys lie above Unicode. */
#define UI_KEY_NAMES(X)                                                                            \
    X(UI_KEY_ENTER, "Enter")                                                                       \
    X(UI_KEY_TAB, "Tab")                                                                           \
    X(UI_KEY_ESC, "Esc")                                                                           \
    X(UI_KEY_BACKSPACE, "Backspace")                                                               \
    X(UI_KEY_UP, "Up")                                                                             \
    X(UI_KEY_DOWN, "Down")                                                                         \
    X(UI_KEY_LEFT, "Left")                                                                         \
    X(UI_KEY_RIGHT, "Right")                                                                       \
    X(UI_KEY_HOME, "Home")                                                                         \
    X(UI_KEY_END, "End")                                                                           \
    X(UI_KEY_PAGE_UP, "PgUp")                                                                      \
    X(UI_KEY_PAGE_DOWN, "PgDn")                                                                    \
    X(UI_KEY_INSERT, "Insert")                                                                     \
    X(UI_KEY_DELETE, "Delete")                                                                     \
    X(UI_KEY_F1, "F1")                                                                             \
    X(UI_KEY_F2, "F2")                                                                             \
    X(UI_KEY_F3, "F3")                                                                             \
    X(UI_KEY_F4, "F4")                                                                             \
    X(UI_KEY_F5, "F5")                                                                             \
    X(UI_KEY_F6, "F6")                                                                             \
    X(UI_KEY_F7, "F7")                                                                             \
    X(UI_KEY_F8, "F8")                                                                             \
    X(UI_KEY_F9, "F9")                                                                             \
    X(UI_KEY_F10, "F10")                                                                           \
    X(UI_KEY_F11, "F11")                                                                           \
    X(UI_KEY_F12, "F12")                                                                           \
    X(UI_KEY_WHEEL_UP, "WheelUp")                                                                  \
    X(UI_KEY_WHEEL_DOWN, "WheelDown")                                                              \
    X(UI_KEY_FOCUS_IN, "FocusIn")                                                                  \
    X(UI_KEY_FOCUS_OUT, "FocusOut")

enum ui_key_name {
    UI_KEY_BEFORE_FIRST = 0x110000,
#define UI_X(name, text) name,
    UI_KEY_NAMES(UI_X)
#undef UI_X
        UI_KEY_AFTER_LAST,
};

/* The canonical form of a key. */
uint32_t ui_key_canonical(uint32_t key);
/* Reads one key as people write it: "r", "G", "?", "Ctrl-N", "Alt-Up", "Shift-Tab", "F5", "Space";
 * case of names does not matter, C- M- S- are short for Ctrl- Alt- Shift-.  False: not a key. */
bool ui_key_parse(uint32_t *key, const char *text, size_t size);
/* Writes the key as the help shows it ("Alt-Up"); TEXT is always terminated. */
enum { UI_KEY_TEXT_SIZE = 40 };
void ui_key_format(char text[UI_KEY_TEXT_SIZE], uint32_t key);

/* Where an action holds.  UI_IN_EMPTY is set beside UI_IN_INPUT while the input line is empty. */
enum ui_place {
    UI_IN_INPUT = 1 << 0,
    UI_IN_EMPTY = 1 << 1,
    UI_IN_TRANSCRIPT = 1 << 2,
    UI_IN_LIST = 1 << 3,
    UI_IN_KNOBS = 1 << 4,
    UI_IN_SEARCH = 1 << 5, /* the hits of a search */
    UI_IN_HELP = 1 << 6,
    UI_IN_WAITING = 1 << 7, /* set beside UI_IN_EMPTY while messages wait for their turn */
    UI_IN_CURSOR = 1 << 8,  /* over the tokens of a reply, or before the next one of a paused one */
    UI_IN_PAUSED = 1 << 9,  /* set beside the others while the reply is paused; goes before them */
    UI_IN_COMPARE = 1 << 10,   /* two replies side by side */
    UI_IN_TREE = 1 << 11,      /* the branches as a graph */
    UI_IN_DIFF = 1 << 12,      /* two branches word by word */
    UI_IN_SELECT = 1 << 13,    /* a selection is being made in the transcript */
    UI_IN_SEARCHING = 1 << 14, /* set beside UI_IN_INPUT while a search is typed: Up and Down */
    UI_IN_PANES = UI_IN_TRANSCRIPT | UI_IN_LIST | UI_IN_KNOBS | UI_IN_SEARCH | UI_IN_HELP |
                  UI_IN_CURSOR | UI_IN_COMPARE | UI_IN_TREE | UI_IN_DIFF | UI_IN_SELECT,
    UI_IN_ROWS = UI_IN_LIST | UI_IN_TREE, /* where rows can be marked */
    UI_ANYWHERE = UI_IN_INPUT | UI_IN_EMPTY | UI_IN_PANES,
};

/* X(action, name in the config file, places, keys by default, what it does).  The help lists the
 * rows in this order. */
#define UI_ACTIONS(X)                                                                              \
    X(UI_STOP, "stop", UI_ANYWHERE, "Esc",                                                         \
      "stop the reply (what is there is kept); else leave the pane, or go to the transcript")      \
    X(UI_INTERRUPT, "interrupt", UI_ANYWHERE, "Ctrl-C",                                            \
      "clear the line; nothing to clear: stop the reply; again within 2 s: quit")                  \
    X(UI_QUIT, "quit", UI_IN_EMPTY, "Ctrl-D", "quit")                                              \
    X(UI_TEMPERATURE_UP, "temperature-up", UI_ANYWHERE, "Alt-Up F6",                               \
      "raise the temperature, also while a reply streams")                                         \
    X(UI_TEMPERATURE_DOWN, "temperature-down", UI_ANYWHERE, "Alt-Down F5",                         \
      "lower the temperature")                                                                     \
    X(UI_TOP_P_UP, "top-p-up", UI_ANYWHERE, "Alt-Right F8", "raise top-p")                         \
    X(UI_TOP_P_DOWN, "top-p-down", UI_ANYWHERE, "Alt-Left F7", "lower top-p")                      \
    X(UI_HELP, "help", UI_ANYWHERE, "F1 ?", "this help")                                           \
    X(UI_KNOBS, "knobs", UI_ANYWHERE, "F2", "open or close the knobs")                             \
    X(UI_LIST, "list", UI_ANYWHERE, "F3", "open or close the list of conversations")               \
    X(UI_PAUSE, "pause", UI_ANYWHERE, "F9 Space", "pause the reply, to steer it; or let it go on") \
    X(UI_NEW, "new", UI_ANYWHERE, "F4 Ctrl-N", "new conversation")                                 \
    X(UI_UNQUEUE, "take-back", UI_IN_WAITING, "Up",                                                \
      "take the message that waits back into the line")                                            \
    X(UI_SEND_WAITING, "send-waiting", UI_IN_WAITING, "Enter",                                     \
      "send the message that was held back when a reply was stopped")                              \
    X(UI_NEXT_PANE, "next-pane", UI_IN_EMPTY | UI_IN_PANES, "Tab",                                 \
      "next pane, when the line is empty")                                                         \
    X(UI_PREVIOUS_PANE, "previous-pane", UI_IN_EMPTY | UI_IN_PANES, "Shift-Tab", "previous pane")  \
    X(UI_PAGE_UP, "page-up", UI_ANYWHERE, "PgUp", "scroll back")                                   \
    X(UI_PAGE_DOWN, "page-down", UI_ANYWHERE, "PgDn", "scroll on")                                 \
    X(UI_TOP, "top", UI_IN_EMPTY | UI_IN_PANES, "Home g", "go to the beginning")                   \
    X(UI_END, "end", UI_IN_EMPTY | UI_IN_PANES, "End G", "go to the end and follow the reply")     \
    X(UI_REDRAW, "redraw", UI_ANYWHERE, "Ctrl-L", "draw the screen again")                         \
    X(UI_SUSPEND, "suspend", UI_ANYWHERE, "Ctrl-Z", "suspend; fg comes back")                      \
    X(UI_SEARCH, "search", UI_IN_PANES & ~UI_IN_LIST, "/", "search all conversations")             \
    X(UI_LEAVE, "leave", UI_IN_PANES, "q i", "back to the input line")                             \
    X(UI_UP, "up", UI_IN_PANES | UI_IN_SEARCHING, "Up",                                            \
      "one row or line up; of what a search found, also while typing")                             \
    X(UI_DOWN, "down", UI_IN_PANES | UI_IN_SEARCHING, "Down", "one row or line down, likewise")    \
    X(UI_PREVIOUS, "previous", UI_IN_PANES, "k", "previous message or row")                        \
    X(UI_NEXT, "next", UI_IN_PANES, "j", "next message or row")                                    \
    X(UI_HALF_UP, "half-page-up", UI_IN_PANES, "Ctrl-U", "half a page up")                         \
    X(UI_HALF_DOWN, "half-page-down", UI_IN_PANES, "Ctrl-D", "half a page down")                   \
    X(UI_NEXT_HIT, "next-hit", UI_IN_TRANSCRIPT, "n", "next message that the search found")        \
    X(UI_PREVIOUS_HIT, "previous-hit", UI_IN_TRANSCRIPT, "N", "previous one")                      \
    X(UI_PREVIOUS_YOURS, "previous-yours", UI_IN_TRANSCRIPT, "{", "your message before")           \
    X(UI_NEXT_YOURS, "next-yours", UI_IN_TRANSCRIPT, "}", "your next message")                     \
    X(UI_MESSAGE_BEGIN, "message-begin", UI_IN_TRANSCRIPT, "0 ^", "beginning of the message")      \
    X(UI_MESSAGE_END, "message-end", UI_IN_TRANSCRIPT, "$", "end of the message")                  \
    X(UI_GOTO, "goto", UI_IN_TRANSCRIPT, ":", "go to a date or to a message by its number")        \
    X(UI_TOKENS, "tokens", UI_IN_TRANSCRIPT | UI_IN_CURSOR, "t",                                   \
      "walk over the reply's tokens: what else it could have said")                                \
    X(UI_SHADE, "surprise", UI_IN_TRANSCRIPT | UI_IN_CURSOR, "s",                                  \
      "shade each token by how little the model expected it")                                      \
    X(UI_RAW, "raw", UI_IN_TRANSCRIPT, "m",                                                        \
      "show messages as they were written, or as Markdown again")                                  \
    X(UI_TOKEN_LEFT, "token-left", UI_IN_CURSOR, "Left h", "the token before")                     \
    X(UI_TOKEN_RIGHT, "token-right", UI_IN_CURSOR, "Right l", "the next token")                    \
    X(UI_UNSURE_NEXT, "unsure-next", UI_IN_TRANSCRIPT | UI_IN_CURSOR, "]",                         \
      "(]u) the next token that the model was not sure of")                                        \
    X(UI_UNSURE_PREVIOUS, "unsure-previous", UI_IN_TRANSCRIPT | UI_IN_CURSOR, "[",                 \
      "([u) the one before")                                                                       \
    X(UI_TAKE, "take", UI_IN_CURSOR, "Enter",                                                      \
      "take the candidate in hand: a reply from here on, or the next token")                       \
    X(UI_STEP, "step", UI_IN_PAUSED, "n", "paused: draw one token")                                \
    X(UI_RETRY, "retry-with-penalty", UI_IN_TRANSCRIPT, "R",                                       \
      "the last reply again, with a repeat penalty: when it went round in circles")                \
    X(UI_KEEP_FIRST, "keep-first", UI_IN_COMPARE, "1",                                             \
      "keep the first reply, the other goes to the trash")                                         \
    X(UI_KEEP_SECOND, "keep-second", UI_IN_COMPARE, "2", "keep the second one")                    \
    X(UI_KEEP_BOTH, "keep-both", UI_IN_COMPARE, "b Enter", "keep both as alternatives")            \
    X(UI_PREVIOUS_ALTERNATIVE, "previous-alternative", UI_IN_TRANSCRIPT, "h Left",                 \
      "previous alternative of the message")                                                       \
    X(UI_NEXT_ALTERNATIVE, "next-alternative", UI_IN_TRANSCRIPT, "l Right",                        \
      "next alternative; past the last one regenerates")                                           \
    X(UI_EDIT, "edit", UI_IN_TRANSCRIPT, "e", "edit your message and send it as a new branch")     \
    X(UI_REGENERATE, "regenerate", UI_IN_TRANSCRIPT, "r",                                          \
      "another reply; the old one is kept, also one that streams")                                 \
    X(UI_CONTINUE, "continue", UI_IN_TRANSCRIPT, "c",                                              \
      "let the reply go on; as an alternative where something follows it")                         \
    X(UI_EDIT_SYSTEM, "edit-system", UI_IN_TRANSCRIPT, "S", "edit the system prompt in $EDITOR")   \
    X(UI_FORK, "fork", UI_IN_TRANSCRIPT, "f", "fork here into a new conversation")                 \
    X(UI_YANK, "yank", UI_IN_TRANSCRIPT, "y", "copy the message")                                  \
    X(UI_YANK_CODE, "yank-code", UI_IN_TRANSCRIPT, "Y", "copy a block of code of the message")     \
    X(UI_WRITE, "write", UI_IN_TRANSCRIPT, "w", "write the message to a file")                     \
    X(UI_PIPE, "pipe", UI_IN_TRANSCRIPT | UI_IN_SELECT, "|",                                       \
      "give the message or the selection to a command")                                            \
    X(UI_SELECT, "select", UI_IN_TRANSCRIPT | UI_IN_SELECT, "v", "select text, or let it be")      \
    X(UI_SELECT_LINES, "select-lines", UI_IN_TRANSCRIPT | UI_IN_SELECT, "V",                       \
      "select whole lines, or let it be")                                                          \
    X(UI_DELETE, "delete", UI_IN_TRANSCRIPT | UI_IN_LIST, "d",                                     \
      "delete the message and what follows, or the conversation")                                  \
    X(UI_UNDO, "undo", UI_IN_TRANSCRIPT | UI_IN_LIST | UI_IN_TREE, "u",                            \
      "undo what was deleted or renamed")                                                          \
    X(UI_PIN, "pin", UI_IN_TRANSCRIPT | UI_IN_LIST, "p", "pin, so that it is always remembered")   \
    X(UI_SELECT_LEFT, "select-left", UI_IN_SELECT, "Left h", "one character left")                 \
    X(UI_SELECT_RIGHT, "select-right", UI_IN_SELECT, "Right l", "one character right")             \
    X(UI_SELECT_WORD_BACK, "select-word-back", UI_IN_SELECT, "b", "back to a word's beginning")    \
    X(UI_SELECT_WORD, "select-word", UI_IN_SELECT, "w", "on to the next word")                     \
    X(UI_SELECT_WORD_END, "select-word-end", UI_IN_SELECT, "e", "on to a word's end")              \
    X(UI_SELECT_BEGIN, "select-line-begin", UI_IN_SELECT, "0 ^", "to the beginning of the line")   \
    X(UI_SELECT_END, "select-line-end", UI_IN_SELECT, "$", "to the end of the line")               \
    X(UI_SELECT_OTHER, "select-other-end", UI_IN_SELECT, "o", "to the other end of the selection") \
    X(UI_SELECT_YANK, "select-yank", UI_IN_SELECT, "y Enter", "copy what is selected")             \
    X(UI_SELECT_WRITE, "select-write", UI_IN_SELECT, ">", "write what is selected to a file")      \
    X(UI_OPEN, "open", UI_IN_LIST | UI_IN_SEARCH, "Enter", "open the conversation")                \
    X(UI_RENAME, "rename", UI_IN_LIST, "r", "rename the conversation")                             \
    X(UI_TREE, "tree", UI_IN_TRANSCRIPT, "b", "the branches of the conversation as a graph")       \
    X(UI_GO, "go", UI_IN_TREE, "Enter", "go there: its branch is shown")                           \
    X(UI_TREE_PREVIOUS, "tree-previous", UI_IN_TREE, "h Left", "previous alternative")             \
    X(UI_TREE_NEXT, "tree-next", UI_IN_TREE, "l Right", "next alternative")                        \
    X(UI_FORK_NEXT, "fork-next", UI_IN_TREE, "n", "next place where branches part")                \
    X(UI_FORK_PREVIOUS, "fork-previous", UI_IN_TREE, "N", "the one before")                        \
    X(UI_DIFF, "diff", UI_IN_TREE, "d",                                                            \
      "compare its branch word by word with the marked one, or with the one that is on")           \
    X(UI_PRUNE, "prune", UI_IN_TREE, "x", "the message and all that follows it into the trash")    \
    X(UI_DIFF_NEXT, "diff-next", UI_IN_DIFF, "n", "next difference")                               \
    X(UI_DIFF_PREVIOUS, "diff-previous", UI_IN_DIFF, "N", "previous difference")                   \
    X(UI_FILTER, "filter", UI_IN_LIST, "/",                                                        \
      "only those with these words in title or text; Esc shows all again")                         \
    X(UI_ARCHIVE, "archive", UI_IN_LIST, "a", "into the archive; out of the archive or the trash") \
    X(UI_SHELF, "shelf", UI_IN_LIST, "v", "view the archive, the trash, the others again")         \
    X(UI_TAG, "tag", UI_IN_ROWS, "Space",                                                          \
      "mark the row or unmark it: what is marked is dealt with together")                          \
    X(UI_KNOB_DOWN, "knob-down", UI_IN_KNOBS, "Left", "turn the knob down")                        \
    X(UI_KNOB_UP, "knob-up", UI_IN_KNOBS, "Right", "turn the knob up")                             \
    X(UI_KNOB_DOWN_FAR, "knob-down-far", UI_IN_KNOBS, "Shift-Left", "turn it down by ten steps")   \
    X(UI_KNOB_UP_FAR, "knob-up-far", UI_IN_KNOBS, "Shift-Right", "turn it up by ten steps")        \
    X(UI_KNOB_RESET, "knob-reset", UI_IN_KNOBS, "0 Backspace Delete", "back to the default")       \
    X(UI_KNOB_SET, "knob-set", UI_IN_KNOBS, "Enter",                                               \
      "type a value; so does a digit, and "                                                        \
      "what is no key here is typed in the input line")

enum ui_action {
    UI_NONE, /* no action: the key is for the input line, or means nothing here */
#define UI_X(action, name, places, keys, help) action,
    UI_ACTIONS(UI_X)
#undef UI_X
        UI_N_ACTIONS
};

struct ui_action_info {
    const char *name;
    unsigned places;  /* of enum ui_place */
    const char *keys; /* by default, separated by spaces */
    const char *help;
};
/* Constant; ACTION is not UI_NONE. */
const struct ui_action_info *ui_action_info(enum ui_action action);
/* UI_NONE: there is no action of that name. */
enum ui_action ui_action_find(const char *name);

/* Keys that the input line handles itself (readline), for the help: keys, what they do. */
#define UI_LINE_KEYS(X)                                                                            \
    X("Enter", "send; while a reply streams, the message waits for its turn")                      \
    X("Alt-Enter Ctrl-J", "new line in the message")                                               \
    X("Up Down", "move between lines; at the first and last one, history")                         \
    X("Ctrl-R", "search the history")                                                              \
    X("Tab", "complete a /command or its value")                                                   \
    X("Ctrl-X Ctrl-E", "edit the message in $EDITOR")

/* The bindings in force.  Invariant: no key stands for two actions in one place, no key types in a
 * place where it is bound, and no key is one of those never bound (Ctrl-S, Ctrl-Q, Ctrl-I, Ctrl-M,
 * Ctrl-H, Ctrl-G, F10, F11). */
enum { UI_KEYS_MAX = 8 }; /* of one action */
struct ui_keys {
    struct {
        uint32_t keys[UI_KEYS_MAX];
        int n;
    } of[UI_N_ACTIONS];
};

/* The defaults. */
void ui_keys_init(struct ui_keys *keys);
/* Gives the action called NAME the keys of TEXT (separated by spaces; empty: none) instead of those
 * it has.  Fails, changing nothing, with a sentence naming the action when the name or a key is
 * unknown, a key is never bound, or it can't hold where the action does.  Conflicts are looked for
 * by ui_keys_check, since two lines may exchange keys. */
enum cf_code ui_keys_bind(struct ui_keys *keys, const char *name, const char *text,
                          struct cf_err *err);
/* CF_ERR_EXISTS: one key stands for two actions in one place; the sentence names all three, and
 * BOTH (may be NULL) is set to the two. */
enum cf_code ui_keys_check(const struct ui_keys *keys, enum ui_action both[2], struct cf_err *err);
/* The action of a key at PLACE (one of enum ui_place, or UI_IN_INPUT | UI_IN_EMPTY). */
enum ui_action ui_keys_find(const struct ui_keys *keys, unsigned place, uint32_t key);
/* Adds the action's keys as the help and the footer show them, "F1 ?"; only the first N, -1: all.
 * Only those that hold in one of PLACES. */
void ui_keys_describe(const struct ui_keys *keys, enum ui_action action, unsigned places, int n,
                      struct cf_buf *buf);

#endif
