/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "line_decode.h"

#include <string.h>

#include "text.h"

/* What the bytes at hand turned out to be. */
enum outcome {
    GOT,     /* an input, *size bytes long */
    SWALLOW, /* nothing that means anything, *size bytes long */
    SHORT,   /* half a lone ESC's worth: wait as for Esc */
    REST,    /* half a sequence: wait a second */
};

enum { STRING_MAX = 64 * 1024 };

void ui_decoder_init(struct ui_decoder *decoder, bool is_remote)
{
    *decoder = (struct ui_decoder){
        .bytes = CF_BUF_INIT, .paste = CF_BUF_INIT, .delivered = CF_BUF_INIT, .is_slow = is_remote};
}

void ui_decoder_release(struct ui_decoder *decoder)
{
    cf_buf_release(&decoder->bytes);
    cf_buf_release(&decoder->paste);
    cf_buf_release(&decoder->delivered);
}

void ui_decoder_clear(struct ui_decoder *decoder)
{
    cf_buf_clear(&decoder->bytes);
    cf_buf_clear(&decoder->paste);
    decoder->is_pasting = decoder->is_paste_late = decoder->has_waited = decoder->has_cr = false;
}

void ui_decoder_add(struct ui_decoder *decoder, const char *bytes, size_t size, int64_t now_ms)
{
    if (decoder->bytes.size == 1 && decoder->bytes.data[0] == '\x1b') {
        decoder->has_waited = true;
    }
    cf_buf_add(&decoder->bytes, bytes, size);
    decoder->since_ms = now_ms;
}

/* -- Sequences -------------------------------------------------------------------------------- */

struct csi {
    char prefix;   /* one of < = > ? or 0 */
    int params[8]; /* -1: not given */
    size_t n_params;
    char middle; /* an intermediate byte or 0 */
    char final;
};

/* Reads the sequence behind ESC [ .  *size counts from TEXT, which begins behind the [ . */
static enum outcome read_csi(struct csi *csi, const char *text, size_t n, size_t *size)
{
    *csi = (struct csi){.params = {-1, -1, -1, -1, -1, -1, -1, -1}};
    size_t at = 0;
    bool is_sub = false;
    for (; at < n; at++) {
        char c = text[at];
        size_t last = csi->n_params < 8 ? csi->n_params : 7;
        if (c >= '0' && c <= '9') {
            int value = csi->params[last] < 0 ? 0 : csi->params[last];
            if (!is_sub) {
                csi->params[last] = value > 99999 ? value : value * 10 + (c - '0');
            }
        } else if (c == ';') {
            csi->n_params++;
            is_sub = false;
        } else if (c == ':') {
            is_sub = true;
        } else if (c >= '<' && c <= '?') {
            csi->prefix = at == 0 ? c : '!';
        } else if (c == '$' && at > 0 && csi->prefix == 0 && csi->n_params == 0) {
            /* rxvt: Shift, where ECMA-48 has an intermediate byte. */
            csi->final = c;
            break;
        } else if (c >= ' ' && c <= '/') {
            csi->middle = c;
        } else if (c >= '@' && c <= '~') {
            csi->final = c;
            break;
        } else {
            /* A control byte: the sequence was broken off. */
            *size = at;
            return SWALLOW;
        }
    }
    if (at == n) {
        return REST;
    }
    csi->n_params = csi->n_params < 8 ? csi->n_params + 1 : 8;
    *size = at + 1;
    return GOT;
}

static uint32_t mods_of(int param)
{
    int bits = param > 0 ? param - 1 : 0;
    return (bits & 1 ? UI_KEY_SHIFT : 0U) | (bits & 2 ? UI_KEY_ALT : 0U) |
           (bits & 4 ? UI_KEY_CTRL : 0U) | (bits & 8 ? UI_KEY_ALT : 0U);
}

/* The key of a final letter, behind ESC [ or ESC O ; 0: none. */
static uint32_t key_of_letter(char final)
{
    switch (final) {
    case 'A':
        return UI_KEY_UP;
    case 'B':
        return UI_KEY_DOWN;
    case 'C':
        return UI_KEY_RIGHT;
    case 'D':
        return UI_KEY_LEFT;
    case 'H':
        return UI_KEY_HOME;
    case 'F':
        return UI_KEY_END;
    case 'P':
        return UI_KEY_F1;
    case 'Q':
        return UI_KEY_F2;
    case 'R':
        return UI_KEY_F3;
    case 'S':
        return UI_KEY_F4;
    case 'Z':
        return UI_KEY_TAB | UI_KEY_SHIFT;
    case 'M':
        return UI_KEY_ENTER; /* of the keypad, behind ESC O only */
    default:
        return 0;
    }
}

/* The key of ESC [ NUMBER ~ ; 0: none. */
static uint32_t key_of_number(int number)
{
    static const uint32_t keys[] = {
        [1] = UI_KEY_HOME,    [2] = UI_KEY_INSERT,    [3] = UI_KEY_DELETE, [4] = UI_KEY_END,
        [5] = UI_KEY_PAGE_UP, [6] = UI_KEY_PAGE_DOWN, [7] = UI_KEY_HOME,   [8] = UI_KEY_END,
        [11] = UI_KEY_F1,     [12] = UI_KEY_F2,       [13] = UI_KEY_F3,    [14] = UI_KEY_F4,
        [15] = UI_KEY_F5,     [17] = UI_KEY_F6,       [18] = UI_KEY_F7,    [19] = UI_KEY_F8,
        [20] = UI_KEY_F9,     [21] = UI_KEY_F10,      [23] = UI_KEY_F11,   [24] = UI_KEY_F12,
    };
    return number >= 0 && (size_t)number < CF_ARRAY_SIZE(keys) ? keys[number] : 0;
}

static enum outcome set_key(struct ui_input *input, uint32_t key)
{
    if (key == 0) {
        return SWALLOW;
    }
    input->kind = UI_INPUT_KEY;
    input->key = ui_key_canonical(key);
    return GOT;
}

/* A key told by its code point (CSI u, xterm's modifyOtherKeys). */
static enum outcome set_coded_key(struct ui_input *input, int code, int mods)
{
    bool is_character = code > 0 && code < 0x110000 && !(code >= 0xD800 && code < 0xF900);
    return set_key(input, is_character ? (uint32_t)code | mods_of(mods) : 0);
}

static enum outcome set_mouse(struct ui_input *input, const struct csi *csi)
{
    int code = csi->params[0];
    if (csi->n_params < 3 || code < 0 || code >= 128 || csi->params[1] < 1 || csi->params[2] < 1) {
        return SWALLOW;
    }
    if (code & 64) {
        int wheel = code & 3;
        return set_key(input, wheel == 0 ? UI_KEY_WHEEL_UP : wheel == 1 ? UI_KEY_WHEEL_DOWN : 0);
    }
    if ((code & 3) == 3) {
        return SWALLOW; /* moved without a button */
    }
    input->kind = UI_INPUT_MOUSE;
    input->mouse = (struct ui_mouse){.what = csi->final == 'm' ? UI_MOUSE_RELEASE
                                             : code & 32       ? UI_MOUSE_DRAG
                                                               : UI_MOUSE_PRESS,
                                     .button = code & 3,
                                     .x = csi->params[1] - 1,
                                     .y = csi->params[2] - 1};
    return GOT;
}

/* ESC [ NUMBER ~ and rxvt's finals ^ (Ctrl), $ (Shift) and @ (both). */
static enum outcome set_numbered_key(struct ui_input *input, const struct csi *csi)
{
    if (csi->final == '~' && csi->params[0] == 27 && csi->n_params >= 3) {
        return set_coded_key(input, csi->params[2], csi->params[1]);
    }
    uint32_t key = key_of_number(csi->params[0]);
    uint32_t mods = csi->final == '^'   ? UI_KEY_CTRL
                    : csi->final == '$' ? UI_KEY_SHIFT
                    : csi->final == '@' ? UI_KEY_CTRL | UI_KEY_SHIFT
                                        : mods_of(csi->params[1]);
    return set_key(input, key != 0 ? key | mods : 0);
}

static enum outcome set_csi_key(struct ui_input *input, const struct csi *csi)
{
    if (csi->prefix == '<' && (csi->final == 'M' || csi->final == 'm')) {
        return set_mouse(input, csi);
    }
    if (csi->prefix != 0 || csi->middle != 0) {
        return SWALLOW;
    }
    switch (csi->final) {
    case '~':
    case '^':
    case '$':
    case '@':
        return set_numbered_key(input, csi);
    case 'u':
        return set_coded_key(input, csi->params[0], csi->params[1]);
    case 'I':
    case 'O':
        return csi->params[0] >= 0
                   ? SWALLOW
                   : set_key(input, csi->final == 'I' ? UI_KEY_FOCUS_IN : UI_KEY_FOCUS_OUT);
    case 'a':
    case 'b':
    case 'c':
    case 'd':
        /* rxvt: arrows with Shift; ESC [ ? … c, which looks alike, was swallowed above. */
        return csi->params[0] >= 0
                   ? SWALLOW
                   : set_key(input, key_of_letter((char)(csi->final - 'a' + 'A')) | UI_KEY_SHIFT);
    case 'M':
        return SWALLOW;
    default: {
        /* Keys have 1 or nothing before the modifiers; answers have other numbers. */
        uint32_t key = key_of_letter(csi->final);
        bool is_key = csi->params[0] <= 1 && csi->n_params <= 2;
        return set_key(input, key != 0 && is_key ? key | mods_of(csi->params[1]) : 0);
    }
    }
}

/* The Linux console's F1 to F5: ESC [ [ A to E. */
static enum outcome read_console_key(struct ui_input *input, const char *text, size_t n,
                                     size_t *size)
{
    if (n < 2) {
        return REST;
    }
    *size = 2;
    return set_key(input,
                   text[1] >= 'A' && text[1] <= 'E' ? UI_KEY_F1 + (uint32_t)(text[1] - 'A') : 0);
}

/* TEXT begins behind ESC [ . */
static enum outcome read_bracket(struct ui_decoder *decoder, struct ui_input *input,
                                 const char *text, size_t n, size_t *size)
{
    if (n > 0 && text[0] == '[') {
        return read_console_key(input, text, n, size);
    }
    if (n > 0 && text[0] == 'M') {
        /* The oldest mouse report, three bytes; we never ask for it. */
        *size = 4;
        return n < 4 ? REST : SWALLOW;
    }
    struct csi csi;
    enum outcome outcome = read_csi(&csi, text, n, size);
    if (outcome != GOT) {
        return outcome;
    }
    if (csi.final == '~' && csi.prefix == 0 && csi.params[0] == 200 && csi.n_params == 1) {
        decoder->is_pasting = true;
        decoder->has_cr = false;
        return SWALLOW;
    }
    return set_csi_key(input, &csi);
}

/* TEXT begins behind ESC O . */
static enum outcome read_ss3(struct ui_input *input, const char *text, size_t n, size_t *size)
{
    int mods = 0;
    size_t at = 0;
    while (at < n && at < 3 && text[at] >= '0' && text[at] <= '9') {
        mods = mods * 10 + (text[at++] - '0');
    }
    if (at == n) {
        return REST;
    }
    *size = at + 1;
    char final = text[at];
    if (final >= 'a' && final <= 'd') {
        return set_key(input, key_of_letter((char)(final - 'a' + 'A')) | UI_KEY_CTRL);
    }
    if (final >= 'j' && final <= 'y') {
        /* The keypad in application mode. */
        static const char keypad[] = "*+,-./0123456789";
        return set_key(input, (uint32_t)keypad[final - 'j'] | mods_of(mods));
    }
    if (final < '@' || final > '~') {
        *size = at; /* broken off */
        return SWALLOW;
    }
    uint32_t key = final == 'Z' ? 0 : key_of_letter(final);
    return set_key(input, key != 0 ? key | mods_of(mods) : 0);
}

/* OSC, DCS, APC, PM, SOS: up to BEL or ESC \ .  TEXT begins behind ESC and its letter. */
static enum outcome read_string(const char *text, size_t n, size_t *size)
{
    for (size_t i = 0; i < n; i++) {
        bool is_end = text[i] == '\a' || (unsigned char)text[i] == 0x18;
        if (is_end || (text[i] == '\\' && i > 0 && text[i - 1] == '\x1b')) {
            *size = i + 1;
            return SWALLOW;
        }
    }
    *size = n;
    return n > STRING_MAX ? SWALLOW : n == 0 ? SHORT : REST;
}

/* A character of its own, or with Alt. */
static enum outcome read_character(struct ui_input *input, const char *text, size_t n,
                                   uint32_t mods, size_t *size)
{
    if (cf_text_unfinished(text, n) == n) {
        return REST;
    }
    uint32_t c = 0;
    *size = cf_text_decode(&c, text, n);
    if (c >= 0x80 && c < 0xA0) {
        return SWALLOW;
    }
    input->kind = UI_INPUT_KEY;
    input->key = ui_key_canonical(c | mods);
    return GOT;
}

/* TEXT begins with ESC. */
static enum outcome read_escape(struct ui_decoder *decoder, struct ui_input *input,
                                const char *text, size_t n, size_t *size)
{
    if (n == 1) {
        return SHORT;
    }
    size_t skip = 2;
    uint32_t mods = 0;
    char kind = text[1];
    if (kind == '\x1b') {
        if (n == 2) {
            return SHORT;
        }
        if (text[2] != '[' && text[2] != 'O') {
            /* Two keys; the second ESC belongs to what follows. */
            *size = 1;
            return set_key(input, UI_KEY_ESC);
        }
        kind = text[2];
        skip = 3;
        mods = UI_KEY_ALT;
    }
    enum outcome outcome = GOT;
    switch (kind) {
    case '[':
        outcome = read_bracket(decoder, input, text + skip, n - skip, size);
        break;
    case 'O':
        outcome = read_ss3(input, text + skip, n - skip, size);
        break;
    case ']':
    case 'P':
    case '_':
    case '^':
    case 'X':
        outcome = read_string(text + skip, n - skip, size);
        break;
    default:
        *size = 0;
        skip = 1;
        outcome = read_character(input, text + skip, n - skip, UI_KEY_ALT, size);
        break;
    }
    *size += skip;
    if (outcome == GOT && input->kind == UI_INPUT_KEY && mods != 0) {
        input->key = ui_key_canonical(input->key | mods);
    }
    return outcome;
}

/* Time is up: what the bytes at hand are when nothing follows. */
static enum outcome read_late(struct ui_input *input, const char *text, size_t n, size_t *size)
{
    *size = 1;
    if (text[0] != '\x1b') {
        /* Half a character. */
        return set_key(input, CF_TEXT_REPLACEMENT);
    }
    if (n == 1 || (n == 2 && text[1] == '\x1b')) {
        return set_key(input, UI_KEY_ESC);
    }
    *size = n;
    if (n == 2 && (unsigned char)text[1] < 0x80) {
        return set_key(input, (unsigned char)text[1] | UI_KEY_ALT);
    }
    return SWALLOW;
}

/* -- Paste ------------------------------------------------------------------------------------ */

static const char paste_end[] = "\x1b[201~";
enum { N_PASTE_END = sizeof paste_end - 1 };

/* Adds bytes of the paste: CR and CR LF become LF, other controls but tab go. */
static void collect(struct ui_decoder *decoder, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size && decoder->paste.size < UI_DECODE_PASTE_MAX; i++) {
        char c = bytes[i];
        bool follows_cr = decoder->has_cr;
        decoder->has_cr = c == '\r';
        if (c == '\r' || (c == '\n' && !follows_cr)) {
            cf_buf_add_char(&decoder->paste, '\n');
        } else if (c == '\t' || (unsigned char)c >= 0x80 || (c >= ' ' && c != 0x7F)) {
            cf_buf_add_char(&decoder->paste, c);
        }
    }
}

/* Delivers what was collected, but for HELD bytes at its end, as valid UTF-8 without C1
 * controls. */
static enum outcome deliver(struct ui_decoder *decoder, struct ui_input *input, size_t held)
{
    struct cf_buf *out = &decoder->delivered;
    size_t size = decoder->paste.size - held;
    cf_buf_clear(out);
    cf_text_make_valid(out, decoder->paste.data, size);
    size_t to = 0;
    for (size_t at = 0; at < out->size;) {
        uint32_t c = 0;
        size_t n = cf_text_decode(&c, out->data + at, out->size - at);
        if (c < 0x80 || c >= 0xA0) {
            memmove(out->data + to, out->data + at, n);
            to += n;
        }
        at += n;
    }
    cf_buf_truncate(out, to);
    input->kind = UI_INPUT_PASTE;
    input->paste = out->data;
    input->paste_size = out->size;
    input->is_paste_cut = size + held >= UI_DECODE_PASTE_MAX;
    if (held > 0) {
        cf_buf_consume(&decoder->paste, size);
    } else {
        cf_buf_release(&decoder->paste);
    }
    return GOT;
}

/* How many bytes at the end of TEXT may be the beginning of the paste's end. */
static size_t begun_end(const char *text, size_t n)
{
    for (size_t k = N_PASTE_END - 1; k > 0; k--) {
        if (k <= n && memcmp(text + n - k, paste_end, k) == 0) {
            return k;
        }
    }
    return 0;
}

static enum outcome read_paste(struct ui_decoder *decoder, struct ui_input *input, bool is_late)
{
    struct cf_buf *bytes = &decoder->bytes;
    if (decoder->is_paste_late && bytes->size > 0 && bytes->data[bytes->size - 1] == 0x03) {
        cf_buf_clear(bytes);
        decoder->is_pasting = decoder->is_paste_late = false;
        return deliver(decoder, input, 0);
    }
    const char *end = memmem(bytes->data, bytes->size, paste_end, N_PASTE_END);
    size_t n = end != NULL ? (size_t)(end - bytes->data)
                           : bytes->size - begun_end(bytes->data, bytes->size);
    if (bytes->size > 0 && !is_late) {
        decoder->is_paste_late = false;
    }
    collect(decoder, bytes->data, n);
    cf_buf_consume(bytes, end != NULL ? n + N_PASTE_END : n);
    if (end != NULL) {
        decoder->is_pasting = decoder->is_paste_late = false;
        return deliver(decoder, input, 0);
    }
    if (is_late) {
        decoder->is_paste_late = true;
        size_t held = cf_text_unfinished(decoder->paste.data, decoder->paste.size);
        if (decoder->paste.size > held) {
            return deliver(decoder, input, held);
        }
    }
    return REST;
}

/* -- The whole -------------------------------------------------------------------------------- */

/* What waiting is for: Esc's time or a second. */
static int patience_ms(const struct ui_decoder *decoder, enum outcome outcome)
{
    if (outcome == SHORT) {
        return decoder->escape_ms > 0 ? decoder->escape_ms
               : decoder->is_slow     ? UI_DECODE_SLOW_ESC_MS
                                      : UI_DECODE_ESC_MS;
    }
    return UI_DECODE_REST_MS;
}

static enum outcome read_any(struct ui_decoder *decoder, struct ui_input *input, size_t *size)
{
    const struct cf_buf *bytes = &decoder->bytes;
    if (bytes->data[0] == '\x1b') {
        return read_escape(decoder, input, bytes->data, bytes->size, size);
    }
    return read_character(input, bytes->data, bytes->size, 0, size);
}

/* Bytes [0, size) were a key, or nothing. */
static void take(struct ui_decoder *decoder, struct ui_input *input, enum outcome outcome,
                 size_t size)
{
    struct cf_buf *bytes = &decoder->bytes;
    if (outcome == GOT && size <= sizeof input->raw) {
        memcpy(input->raw, bytes->data, size);
        input->n_raw = size;
    }
    if (decoder->has_waited && size > 1) {
        decoder->is_slow = true; /* this terminal's sequences come in parts */
    }
    decoder->has_waited = false;
    cf_buf_consume(bytes, size);
}

bool ui_decoder_next(struct ui_decoder *decoder, struct ui_input *input, int64_t now_ms)
{
    int64_t waited_ms = now_ms - decoder->since_ms;
    *input = (struct ui_input){0};
    for (;;) {
        if (decoder->is_pasting) {
            return read_paste(decoder, input, waited_ms >= UI_DECODE_REST_MS) == GOT;
        }
        if (decoder->bytes.size == 0) {
            return false;
        }
        size_t size = 0;
        enum outcome outcome = read_any(decoder, input, &size);
        if (outcome == SHORT || outcome == REST) {
            if (waited_ms < patience_ms(decoder, outcome)) {
                return false;
            }
            outcome = read_late(input, decoder->bytes.data, decoder->bytes.size, &size);
        }
        take(decoder, input, outcome, size);
        if (outcome == GOT) {
            return true;
        }
    }
}

int ui_decoder_timeout_ms(const struct ui_decoder *decoder, int64_t now_ms)
{
    enum outcome outcome = REST;
    if (decoder->is_pasting) {
        if (decoder->is_paste_late) {
            return -1;
        }
    } else if (decoder->bytes.size == 0) {
        return -1;
    } else if (decoder->bytes.size == 1 && decoder->bytes.data[0] == '\x1b') {
        outcome = SHORT;
    } else if (decoder->bytes.size == 2 && decoder->bytes.data[0] == '\x1b' &&
               strchr("\x1b]P_^X", decoder->bytes.data[1]) != NULL) {
        outcome = SHORT;
    }
    int64_t left_ms = decoder->since_ms + patience_ms(decoder, outcome) - now_ms;
    return left_ms > 0 ? (int)left_ms : 0;
}
