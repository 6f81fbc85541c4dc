/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keys.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct ui_action_info actions[] = {[UI_NONE] = {"none", 0, "", ""},
#define UI_X(action, name, places, keys, help) [action] = {name, places, keys, help},
                                                UI_ACTIONS(UI_X)
#undef UI_X
};

static const char *const names[] = {
#define UI_X(key, text) text,
    UI_KEY_NAMES(UI_X)
#undef UI_X
};

/* Other ways to write a key. */
static const struct {
    const char *text;
    uint32_t key;
} synonyms[] = {
    {"Space", ' '},
    {"Return", UI_KEY_ENTER},
    {"Escape", UI_KEY_ESC},
    {"PageUp", UI_KEY_PAGE_UP},
    {"PageDown", UI_KEY_PAGE_DOWN},
    {"Ins", UI_KEY_INSERT},
    {"Del", UI_KEY_DELETE},
};

static const struct {
    const char *text;
    uint32_t mod;
} mods[] = {
    {"Ctrl-", UI_KEY_CTRL}, {"Alt-", UI_KEY_ALT}, {"Shift-", UI_KEY_SHIFT},
    {"C-", UI_KEY_CTRL},    {"M-", UI_KEY_ALT},   {"S-", UI_KEY_SHIFT},
};

/* Flow control, the doubles of Tab, Enter and Backspace, readline's abort, and keys that terminals
 * keep for themselves. */
static const uint32_t never_bound[] = {
    UI_KEY_CTRL | 's', UI_KEY_CTRL | 'q', UI_KEY_CTRL | 'i', UI_KEY_CTRL | 'm',
    UI_KEY_CTRL | 'h', UI_KEY_CTRL | 'g', UI_KEY_F10,        UI_KEY_F11,
};

uint32_t ui_key_canonical(uint32_t key)
{
    uint32_t code = key & UI_KEY_CODE;
    uint32_t mod = key & ~(uint32_t)UI_KEY_CODE;
    switch (code) {
    case '\r':
        code = UI_KEY_ENTER;
        break;
    case '\t':
        code = UI_KEY_TAB;
        break;
    case 0x1b:
        code = UI_KEY_ESC;
        break;
    case 0x7f:
        code = UI_KEY_BACKSPACE;
        break;
    default:
        if (code < 0x20) {
            /* 0x00 is Ctrl-Space, 0x1c to 0x1f are Ctrl with \ ] ^ _. */
            code = code == 0 ? ' ' : code < 0x1b ? code + 'a' - 1 : code + 0x40;
            mod |= UI_KEY_CTRL;
        }
        break;
    }
    if (mod & UI_KEY_CTRL && code >= 'A' && code <= 'Z') {
        code += 'a' - 'A';
    }
    if (code < UI_KEY_BEFORE_FIRST && code != ' ') {
        mod &= ~(uint32_t)UI_KEY_SHIFT;
    }
    return mod | code;
}

/* The one code point that TEXT is, or 0. */
static uint32_t parse_code_point(const unsigned char *text, size_t size)
{
    if (size == 1) {
        return text[0] > 0x20 && text[0] < 0x7f ? text[0] : 0;
    }
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    if (size < 2 || size > 4 ||
        (text[0] & (size == 4 ? 0xf8 : lead[size] | lead[size] >> 1)) != lead[size]) {
        return 0;
    }
    uint32_t code = text[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (text[i] & 0x3f);
    }
    static const uint32_t least[] = {0, 0, 0xa0, 0x800, 0x10000};
    return code >= least[size] && code < 0x110000 && (code & ~0x7ffu) != 0xd800 ? code : 0;
}

static bool is_name(const char *name, const char *text, size_t size)
{
    return strlen(name) == size && strncasecmp(name, text, size) == 0;
}

bool ui_key_parse(uint32_t *key, const char *text, size_t size)
{
    uint32_t mod = 0;
    for (size_t i = 0; i < CF_ARRAY_SIZE(mods);) {
        size_t length = strlen(mods[i].text);
        if (size > length && strncasecmp(text, mods[i].text, length) == 0) {
            mod |= mods[i].mod;
            text += length;
            size -= length;
            i = 0;
        } else {
            i++;
        }
    }
    uint32_t code = parse_code_point((const unsigned char *)text, size);
    for (size_t i = 0; i < CF_ARRAY_SIZE(names) && code == 0; i++) {
        code = is_name(names[i], text, size) ? UI_KEY_BEFORE_FIRST + 1 + (uint32_t)i : 0;
    }
    for (size_t i = 0; i < CF_ARRAY_SIZE(synonyms) && code == 0; i++) {
        code = is_name(synonyms[i].text, text, size) ? synonyms[i].key : 0;
    }
    if (code == 0) {
        return false;
    }
    *key = ui_key_canonical(mod | code);
    return true;
}

void ui_key_format(char text[UI_KEY_TEXT_SIZE], uint32_t key)
{
    uint32_t code = key & UI_KEY_CODE;
    char name[8];
    const char *shown = name;
    if (code > UI_KEY_BEFORE_FIRST && code < UI_KEY_AFTER_LAST) {
        shown = names[code - UI_KEY_BEFORE_FIRST - 1];
    } else if (code == ' ') {
        shown = "Space";
    } else if (code < 0x80) {
        bool is_capital = key & UI_KEY_CTRL && code >= 'a' && code <= 'z';
        name[0] = (char)(is_capital ? code - 'a' + 'A' : code);
        name[1] = '\0';
    } else {
        int n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        for (int i = n - 1; i > 0; i--) {
            name[i] = (char)(0x80 | (code & 0x3f));
            code >>= 6;
        }
        static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
        name[0] = (char)(lead[n] | code);
        name[n] = '\0';
    }
    snprintf(text, UI_KEY_TEXT_SIZE, "%s%s%s%s", key & UI_KEY_CTRL ? "Ctrl-" : "",
             key & UI_KEY_ALT ? "Alt-" : "", key & UI_KEY_SHIFT ? "Shift-" : "", shown);
}

const struct ui_action_info *ui_action_info(enum ui_action action)
{
    assert(action > UI_NONE && action < UI_N_ACTIONS);
    return &actions[action];
}

enum ui_action ui_action_find(const char *name)
{
    for (int i = UI_NONE + 1; i < UI_N_ACTIONS; i++) {
        if (strcmp(actions[i].name, name) == 0) {
            return (enum ui_action)i;
        }
    }
    return UI_NONE;
}

/* Whether the key neither types nor edits, so that it may be bound in the input line. */
static bool is_free_in_line(uint32_t key)
{
    uint32_t code = key & UI_KEY_CODE;
    if (code >= UI_KEY_F1 && code <= UI_KEY_F12) {
        return true;
    }
    if (code == UI_KEY_UP || code == UI_KEY_DOWN || code == UI_KEY_LEFT || code == UI_KEY_RIGHT) {
        return key & UI_KEY_ALT;
    }
    return code == UI_KEY_ESC || code == UI_KEY_PAGE_UP || code == UI_KEY_PAGE_DOWN ||
           key == (UI_KEY_CTRL | 'c') || key == (UI_KEY_CTRL | 'l') || key == (UI_KEY_CTRL | 'z');
}

/* Whether the key does nothing in an empty input line that would be missed. */
static bool is_free_in_empty_line(uint32_t key)
{
    return is_free_in_line(key) || key == UI_KEY_TAB || key == (UI_KEY_SHIFT | UI_KEY_TAB) ||
           key == UI_KEY_HOME || key == UI_KEY_END || key == (UI_KEY_CTRL | 'd');
}

/* The places where KEY stands for ACTION. */
static unsigned places_of(enum ui_action action, uint32_t key)
{
    unsigned places = actions[action].places;
    if (action == UI_PAUSE && key == ' ') {
        places &= ~(unsigned)UI_IN_ROWS; /* there it marks a row */
    }
    if (!is_free_in_line(key)) {
        places &= ~(unsigned)UI_IN_INPUT;
    }
    if (!is_free_in_empty_line(key)) {
        places &= ~(unsigned)UI_IN_EMPTY;
    }
    if (!is_free_in_empty_line(key) && key != UI_KEY_UP && key != UI_KEY_ENTER) {
        places &= ~(unsigned)UI_IN_WAITING;
    }
    if (!is_free_in_line(key) && key != UI_KEY_UP && key != UI_KEY_DOWN) {
        places &= ~(unsigned)UI_IN_SEARCHING;
    }
    return places;
}

static bool is_never_bound(uint32_t key)
{
    for (size_t i = 0; i < CF_ARRAY_SIZE(never_bound); i++) {
        if (never_bound[i] == key) {
            return true;
        }
    }
    return false;
}

enum cf_code ui_keys_bind(struct ui_keys *keys, const char *name, const char *text,
                          struct cf_err *err)
{
    enum ui_action action = ui_action_find(name);
    if (action == UI_NONE) {
        return cf_err_set(err, CF_ERR_NOT_FOUND, "[keys]: there is no action '%s'", name);
    }
    uint32_t parsed[UI_KEYS_MAX];
    int n = 0;
    for (const char *at = text + strspn(text, " \t"); *at != '\0'; at += strspn(at, " \t")) {
        size_t size = strcspn(at, " \t");
        uint32_t key;
        if (!ui_key_parse(&key, at, size)) {
            return cf_err_set(err, CF_ERR_RANGE, "[keys] %s: '%.*s' is not a key", name,
                              (int)(size < 40 ? size : 40), at);
        }
        if (is_never_bound(key)) {
            return cf_err_set(err, CF_ERR_RANGE, "[keys] %s: %.*s can't be bound", name, (int)size,
                              at);
        }
        if (places_of(action, key) == 0) {
            return cf_err_set(err, CF_ERR_RANGE,
                              "[keys] %s: %.*s belongs to the input line, where this action holds",
                              name, (int)size, at);
        }
        if (n == UI_KEYS_MAX) {
            return cf_err_set(err, CF_ERR_RANGE, "[keys] %s: more than %d keys", name, UI_KEYS_MAX);
        }
        parsed[n++] = key;
        at += size;
    }
    memcpy(keys->of[action].keys, parsed, sizeof parsed[0] * (size_t)n);
    keys->of[action].n = n;
    return CF_OK;
}

void ui_keys_init(struct ui_keys *keys)
{
    memset(keys, 0, sizeof *keys);
    for (int i = UI_NONE + 1; i < UI_N_ACTIONS; i++) {
        enum cf_code code = ui_keys_bind(keys, actions[i].name, actions[i].keys, NULL);
        assert(code == CF_OK);
        (void)code;
    }
}

/* The next binding of KEY behind (action, k), or false. */
static bool find_clash(const struct ui_keys *keys, int action, uint32_t key, int *other)
{
    for (int i = action + 1; i < UI_N_ACTIONS; i++) {
        for (int k = 0; k < keys->of[i].n; k++) {
            if (keys->of[i].keys[k] == key &&
                places_of((enum ui_action)i, key) & places_of((enum ui_action)action, key)) {
                *other = i;
                return true;
            }
        }
    }
    return false;
}

enum cf_code ui_keys_check(const struct ui_keys *keys, enum ui_action both[2], struct cf_err *err)
{
    for (int i = UI_NONE + 1; i < UI_N_ACTIONS; i++) {
        for (int k = 0; k < keys->of[i].n; k++) {
            int other;
            if (find_clash(keys, i, keys->of[i].keys[k], &other)) {
                char text[UI_KEY_TEXT_SIZE];
                ui_key_format(text, keys->of[i].keys[k]);
                if (both != NULL) {
                    both[0] = (enum ui_action)i;
                    both[1] = (enum ui_action)other;
                }
                return cf_err_set(err, CF_ERR_EXISTS, "[keys]: %s stands for both '%s' and '%s'",
                                  text, actions[i].name, actions[other].name);
            }
        }
    }
    return CF_OK;
}

static enum ui_action find(const struct ui_keys *keys, unsigned place, uint32_t key)
{
    for (int i = UI_NONE + 1; i < UI_N_ACTIONS; i++) {
        for (int k = 0; k < keys->of[i].n; k++) {
            if (keys->of[i].keys[k] == key && places_of((enum ui_action)i, key) & place) {
                return (enum ui_action)i;
            }
        }
    }
    return UI_NONE;
}

enum ui_action ui_keys_find(const struct ui_keys *keys, unsigned place, uint32_t key)
{
    enum ui_action action = find(keys, place & (unsigned)UI_IN_PAUSED, key);
    return action != UI_NONE ? action : find(keys, place, key);
}

void ui_keys_describe(const struct ui_keys *keys, enum ui_action action, unsigned places, int n,
                      struct cf_buf *buf)
{
    int shown = 0;
    for (int k = 0; k < keys->of[action].n && (n < 0 || shown < n); k++) {
        uint32_t key = keys->of[action].keys[k];
        if (!(places_of(action, key) & places)) {
            continue;
        }
        char text[UI_KEY_TEXT_SIZE];
        ui_key_format(text, key);
        cf_buf_addf(buf, "%s%s", shown > 0 ? " " : "", text);
        shown++;
    }
}
