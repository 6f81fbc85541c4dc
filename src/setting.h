/* SPDX-License-Identifier: GPL-3.0-or-later */
/* setting: *the* table of options.  Command line, config file, /set, /help, completion, knobs and
 * manual page are made from it; nothing else knows an option's name, range or default.
 *
 * A value may be given by several places; the greatest origin wins, in whatever order they are
 * applied (enum cf_origin).  Numbers are read and written in the C locale whatever setlocale said.
 * Values are plain data: no thread, no file, no environment. */
#ifndef CF_SETTING_H
#define CF_SETTING_H

#include "buf.h"
#include "dtype.h"
#include "err.h"
#include "sampler.h"
#include "texts.h"

enum cf_setting_type {
    CF_TYPE_SWITCH, /* bool: on, off (true, false, yes, no, 1, 0); no argument on the command line
                     */
    CF_TYPE_INT,    /* int32_t */
    CF_TYPE_REAL,   /* double */
    CF_TYPE_SEED,   /* uint64_t with has_seed: a number or "random" */
    CF_TYPE_CHOICE, /* int: one of the words of the table, its index */
    CF_TYPE_TEXT,   /* char *: valid UTF-8, NULL when not given */
    CF_TYPE_PATH,   /* char *: a file; "~/" is the home folder in a config file */
    CF_TYPE_TEXTS,  /* struct cf_texts: given again, it adds */
};

enum cf_setting_flags {
    CF_SET_OPEN_MIN = 1 << 0,     /* the smallest value itself is outside */
    CF_SET_LIVE = 1 << 1,         /* acts on the next token of a running reply */
    CF_SET_CONVERSATION = 1 << 2, /* is stored with a conversation */
    CF_SET_CONFIG = 1 << 3,       /* may stand in the config file */
    CF_SET_OPTION = 1 << 4,       /* is an option of the command line */
    CF_SET_PRESET = 1 << 5,       /* may stand in a preset */
    CF_SET_SLASH = 1 << 6,        /* may be changed by /set */
};

/* The usual sets of flags. */
#define CF_SET_ANYWHERE (CF_SET_CONFIG | CF_SET_OPTION | CF_SET_SLASH)
#define CF_SET_KNOB (CF_SET_ANYWHERE | CF_SET_LIVE | CF_SET_CONVERSATION | CF_SET_PRESET)
#define CF_SET_SPEECH (CF_SET_ANYWHERE | CF_SET_CONVERSATION)
#define CF_SET_START (CF_SET_CONFIG | CF_SET_OPTION)

/* setting, long name, letter or 0, type, field of struct cf_settings, flags,
 *   least, greatest, step of a knob, end of its slider,
 *   default as text ("" for none), argument's name, unit, choices separated by | or "",
 *   help: one sentence without a full stop */
#define CF_SETTINGS(X)                                                                             \
    X(CF_SETTING_MODEL, "model", 'm', CF_TYPE_PATH, model, CF_SET_START, 0, 0, 0, 0, "", "MODEL",  \
      "", "", "a .gguf or .safetensors file, a Hugging Face folder, or an installed model's name") \
    X(CF_SETTING_DB, "db", 'd', CF_TYPE_PATH, db, CF_SET_START, 0, 0, 0, 0, "", "FILE", "", "",    \
      "the database of conversations")                                                             \
    X(CF_SETTING_CONFIG, "config", 0, CF_TYPE_PATH, config, CF_SET_OPTION, 0, 0, 0, 0, "", "FILE", \
      "", "", "the config file")                                                                   \
    X(CF_SETTING_PRESET_NAME, "preset", 0, CF_TYPE_TEXT, preset, CF_SET_SPEECH, 0, 0, 0, 0,        \
      "balanced", "NAME", "", "",                                                                  \
      "sampling settings under one name: precise, balanced, wild, model (what the model "          \
      "recommends), or one of the config file")                                                    \
    X(CF_SETTING_TEMPERATURE, "temperature", 't', CF_TYPE_REAL, sampling.temperature, CF_SET_KNOB, \
      0, 1e6, 0.05, 2, "0.8", "F", "", "",                                                         \
      "how freely tokens are drawn; 0 always takes the likeliest")                                 \
    X(CF_SETTING_TOP_P, "top-p", 'p', CF_TYPE_REAL, sampling.top_p, CF_SET_KNOB | CF_SET_OPEN_MIN, \
      0, 1, 0.01, 1, "0.95", "F", "", "",                                                          \
      "draw from the likeliest tokens whose probabilities make up this share; 1 is off")           \
    X(CF_SETTING_TOP_K, "top-k", 'k', CF_TYPE_INT, sampling.top_k, CF_SET_KNOB, 0, 1000000, 1,     \
      100, "50", "N", "tokens", "", "draw from the N likeliest tokens; 0 is off")                  \
    X(CF_SETTING_MIN_P, "min-p", 0, CF_TYPE_REAL, sampling.min_p, CF_SET_KNOB, 0, 1, 0.01, 0.5,    \
      "0", "F", "", "", "leave out tokens less likely than this share of the likeliest; 0 is off") \
    X(CF_SETTING_TYPICAL_P, "typical-p", 0, CF_TYPE_REAL, sampling.typical_p,                      \
      CF_SET_KNOB | CF_SET_OPEN_MIN, 0, 1, 0.01, 1, "1", "F", "", "",                              \
      "draw from the tokens of the most typical surprise that make up this share; 1 is off")       \
    X(CF_SETTING_REPEAT_PENALTY, "repeat-penalty", 0, CF_TYPE_REAL, sampling.repeat_penalty,       \
      CF_SET_KNOB | CF_SET_OPEN_MIN, 0, 1000, 0.01, 2, "1", "F", "", "",                           \
      "makes tokens that occurred lately less likely when above 1; 1 is off")                      \
    X(CF_SETTING_REPEAT_LAST_N, "repeat-last-n", 0, CF_TYPE_INT, sampling.repeat_last_n,           \
      CF_SET_KNOB, -1, 1000000, 8, 256, "64", "N", "tokens", "",                                   \
      "how far back the repeat penalty looks; 0 is off, -1 is everything")                         \
    X(CF_SETTING_PRESENCE_PENALTY, "presence-penalty", 0, CF_TYPE_REAL, sampling.presence_penalty, \
      CF_SET_KNOB, -2, 2, 0.05, 2, "0", "F", "", "",                                               \
      "taken off the logit of every token that the reply has used; 0 is off")                      \
    X(CF_SETTING_FREQUENCY_PENALTY, "frequency-penalty", 0, CF_TYPE_REAL,                          \
      sampling.frequency_penalty, CF_SET_KNOB, -2, 2, 0.05, 2, "0", "F", "", "",                   \
      "taken off a token's logit each time that the reply has used it; 0 is off")                  \
    X(CF_SETTING_PACE, "pace", 0, CF_TYPE_INT, pace, CF_SET_ANYWHERE | CF_SET_LIVE, 0, 1000000, 5, \
      100, "0", "N", "tokens/s", "",                                                               \
      "how fast a reply runs at most, to be read and steered while it is written; 0 is as fast "   \
      "as it can")                                                                                 \
    X(CF_SETTING_SEED, "seed", 0, CF_TYPE_SEED, seed, CF_SET_SPEECH, 0, 0, 0, 0, "random", "N",    \
      "", "", "where the draws start: the same seed, the same reply")                              \
    X(CF_SETTING_MAX_TOKENS, "max-tokens", 'n', CF_TYPE_INT, max_tokens, CF_SET_SPEECH, 1,         \
      1000000, 16, 1024, "256", "N", "tokens", "", "the longest reply")                            \
    X(CF_SETTING_STOP_LOOPS, "stop-loops", 0, CF_TYPE_SWITCH, stop_loops,                          \
      CF_SET_CONFIG | CF_SET_SLASH | CF_SET_CONVERSATION, 0, 0, 0, 0, "on", "", "", "",            \
      "end a reply that goes round in circles, at its third repetition (in chats on the screen)")  \
    X(CF_SETTING_STOP, "stop", 0, CF_TYPE_TEXTS, stop, CF_SET_SPEECH, 0, 0, 0, 0, "", "TEXT", "",  \
      "", "ends the reply where this text begins (repeatable); the template's otherwise")          \
    X(CF_SETTING_TEMPLATE, "template", 0, CF_TYPE_TEXT, template_name, CF_SET_SPEECH, 0, 0, 0, 0,  \
      "", "NAME", "", "",                                                                          \
      "how turns become text: transcript, dialogpt, chatml, alpaca, questions, examples, plain, "  \
      "or one of the config file; the model's otherwise")                                          \
    X(CF_SETTING_SYSTEM, "system", 's', CF_TYPE_TEXT, system, CF_SET_SPEECH, 0, 0, 0, 0, "",       \
      "TEXT", "", "", "the system prompt: who the model is to be")                                 \
    X(CF_SETTING_THREADS, "threads", 0, CF_TYPE_INT, threads, CF_SET_START, 1, 1024, 0, 0, "",     \
      "N", "threads", "", "threads that compute; the physical cores otherwise")                    \
    X(CF_SETTING_CTX, "ctx", 0, CF_TYPE_INT, ctx, CF_SET_START, 16, 1000000, 0, 1024, "", "N",     \
      "tokens", "", "use less context than the model has; the model's otherwise")                  \
    X(CF_SETTING_WEIGHTS, "type", 0, CF_TYPE_CHOICE, weights, CF_SET_START, 0, 0, 0, 0, "auto",    \
      "TYPE", "", "auto|f32|f16|bf16|q8_0|q5_1|q5_0|q4_1|q4_0",                                    \
      "type that the weights are converted to when they are loaded, or by model convert; auto is " \
      "the file's own, and q8_0 for model convert")                                                \
    X(CF_SETTING_SPECULATE, "speculate", 0, CF_TYPE_SWITCH, speculate, CF_SET_START, 0, 0, 0, 0,   \
      "on", "", "", "",                                                                            \
      "guess tokens from what was said before, where that is faster; what is "                     \
      "drawn stays the same")                                                                      \
    X(CF_SETTING_KV, "kv", 0, CF_TYPE_CHOICE, kv, CF_SET_START, 0, 0, 0, 0, "auto", "TYPE", "",    \
      "auto|f32|f16",                                                                              \
      "type of the cached keys and values: f32, f16, or auto (f32 for f32 weights)")               \
    X(CF_SETTING_NO_SAVE, "no-save", 0, CF_TYPE_SWITCH, no_save, CF_SET_START, 0, 0, 0, 0, "off",  \
      "", "", "", "write nothing to the database")                                                 \
    X(CF_SETTING_JSON, "json", 0, CF_TYPE_SWITCH, json, CF_SET_OPTION, 0, 0, 0, 0, "off", "", "",  \
      "", "machine-readable output, one JSON object a line")                                       \
    X(CF_SETTING_QUIET, "quiet", 'q', CF_TYPE_SWITCH, quiet, CF_SET_START, 0, 0, 0, 0, "off", "",  \
      "", "", "no progress and no warnings")                                                       \
    X(CF_SETTING_VERBOSE, "verbose", 'v', CF_TYPE_SWITCH, verbose, CF_SET_START, 0, 0, 0, 0,       \
      "off", "", "", "", "say more on standard error")                                             \
    X(CF_SETTING_YES, "yes", 'y', CF_TYPE_SWITCH, yes, CF_SET_OPTION, 0, 0, 0, 0, "off", "", "",   \
      "", "answer yes to the question of a destructive command")                                   \
    X(CF_SETTING_HELP, "help", 'h', CF_TYPE_SWITCH, help, CF_SET_OPTION, 0, 0, 0, 0, "off", "",    \
      "", "", "show this help and exit")                                                           \
    X(CF_SETTING_VERSION, "version", 'V', CF_TYPE_SWITCH, version, CF_SET_OPTION, 0, 0, 0, 0,      \
      "off", "", "", "", "show the versions and this CPU's kernels and exit")                      \
    X(CF_SETTING_THEME, "theme", 0, CF_TYPE_TEXT, theme, CF_SET_CONFIG | CF_SET_SLASH, 0, 0, 0, 0, \
      "auto", "NAME", "", "", "colours of the screen: auto, dark, light, mono")                    \
    X(CF_SETTING_MOUSE, "mouse", 0, CF_TYPE_SWITCH, mouse, CF_SET_CONFIG | CF_SET_SLASH, 0, 0, 0,  \
      0, "off", "", "", "", "take the mouse (selecting text then needs Shift)")                    \
    X(CF_SETTING_SHOW_LIST, "show-list", 0, CF_TYPE_SWITCH, show_list,                             \
      CF_SET_CONFIG | CF_SET_SLASH, 0, 0, 0, 0, "off", "", "", "",                                 \
      "open the list of conversations at the start")                                               \
    X(CF_SETTING_SHOW_KNOBS, "show-knobs", 0, CF_TYPE_SWITCH, show_knobs,                          \
      CF_SET_CONFIG | CF_SET_SLASH, 0, 0, 0, 0, "off", "", "", "",                                 \
      "open the knobs and candidates at the start")                                                \
    X(CF_SETTING_MARKS, "marks", 0, CF_TYPE_SWITCH, marks, CF_SET_CONFIG | CF_SET_SLASH, 0, 0, 0,  \
      0, "on", "", "", "", "show in a reply where knobs were turned")                              \
    X(CF_SETTING_MARKDOWN, "markdown", 0, CF_TYPE_SWITCH, markdown, CF_SET_CONFIG | CF_SET_SLASH,  \
      0, 0, 0, 0, "on", "", "", "",                                                                \
      "show messages as light Markdown; off, or with m in the transcript, as they were written")   \
    X(CF_SETTING_SURPRISE, "surprise", 0, CF_TYPE_SWITCH, surprise, CF_SET_CONFIG | CF_SET_SLASH,  \
      0, 0, 0, 0, "off", "", "", "", "shade each token by its probability")                        \
    X(CF_SETTING_ESCAPE_MS, "escape-ms", 0, CF_TYPE_INT, escape_ms, CF_SET_CONFIG | CF_SET_SLASH,  \
      1, 5000, 10, 1000, "", "N", "ms", "",                                                        \
      "how long a lone Esc waits for the rest of a key; 50, over SSH 300 otherwise")

enum cf_setting {
#define CF_X(setting, name, letter, type, field, flags, least, greatest, step, slider, fallback,   \
             argument, unit, choices, help)                                                        \
    setting,
    CF_SETTINGS(CF_X)
#undef CF_X
        CF_N_SETTINGS,
};

/* Where a value comes from, the weakest first. */
enum cf_origin {
    CF_ORIGIN_DEFAULT,
    CF_ORIGIN_MODEL,        /* the model's own recommendation */
    CF_ORIGIN_CONFIG,       /* detail: "FILE:LINE" */
    CF_ORIGIN_ENVIRONMENT,  /* detail: the variable */
    CF_ORIGIN_CONVERSATION, /* stored with the conversation */
    CF_ORIGIN_OPTION,       /* detail: as written, "--top-p" or "-p" */
    CF_ORIGIN_USER,         /* turned while it runs: a knob, /set, /preset; the last one wins */
};

enum cf_kv { CF_KV_AUTO, CF_KV_F32, CF_KV_F16 };

struct cf_source {
    enum cf_origin origin;
    bool is_by_preset; /* came in through a preset, so a value of its own of that origin wins */
    char *detail;      /* owned; NULL when there is none */
};

struct cf_settings {
    struct cf_sampling sampling;
    int32_t pace;  /* 0: as fast as it can */
    uint64_t seed; /* meaningful when has_seed */
    bool has_seed;
    int32_t max_tokens;
    struct cf_texts stop; /* when the origin is CF_ORIGIN_DEFAULT the template's hold */
    char *preset;
    char *template_name; /* NULL: the model's */
    char *system;        /* NULL: none */
    char *model;         /* NULL: the bundled one */
    char *db;            /* NULL: the usual place */
    char *config;        /* NULL: the usual place */
    int32_t threads;     /* 0: the physical cores */
    int32_t ctx;         /* 0: the model's */
    int weights;         /* see cf_settings_weights */
    bool speculate;
    int kv; /* enum cf_kv */
    bool stop_loops;
    bool no_save, json, quiet, verbose, yes, help, version;
    char *theme;
    bool mouse, show_list, show_knobs, marks, markdown, surprise;
    int32_t escape_ms; /* 0: as the connection asks */
    struct cf_source sources[CF_N_SETTINGS];
};

/* The type that the weights are to be converted to; false: none is set. */
bool cf_settings_weights(enum cf_dtype *dtype, const struct cf_settings *settings);

/* A row of the table. */
struct cf_setting_info {
    enum cf_setting setting;
    const char *name; /* long name: "top-p" */
    char letter;      /* 0: none */
    enum cf_setting_type type;
    unsigned flags; /* enum cf_setting_flags */
    double least, greatest;
    double step;          /* of a knob's key; 0: not a knob */
    double slider;        /* where a knob's slider ends; it begins at least */
    const char *fallback; /* the default as text, "" when there is none */
    const char *argument; /* "F", "N", "TEXT"; "" for a switch */
    const char *unit;     /* "tokens"; "" when there is none */
    const char *choices;  /* "auto|f32|f16"; "" when free */
    const char *help;
};

const struct cf_setting_info *cf_setting_info(enum cf_setting setting);
/* By long name, '_' counting as '-'; by letter.  NULL when there is none. */
const struct cf_setting_info *cf_setting_find(const char *name);
const struct cf_setting_info *cf_setting_find_letter(char letter);
/* The name nearest to a mistyped one, or NULL when none is near; only settings that have one of
 * FLAGS. */
const char *cf_setting_nearest(const char *name, unsigned flags);
/* What values are allowed, as in "greater than 0 and at most 1". */
void cf_setting_describe_range(const struct cf_setting_info *info, struct cf_buf *text);

/* Everything at its default. */
void cf_settings_init(struct cf_settings *settings);
void cf_settings_release(struct cf_settings *settings);
/* Makes SETTINGS equal to FROM, sources included, by copying.  SETTINGS is initialised. */
void cf_settings_copy(struct cf_settings *settings, const struct cf_settings *from);

/* Gives a setting the value TEXT, unless it has one from a greater origin.  A NULL text is the
 * switch without argument: on.  Text that does not parse or is out of range is CF_ERR_RANGE even
 * then: "top-p must be greater than 0 and at most 1, not 1.5".  For CF_TYPE_TEXTS the first value
 * of an origin replaces what weaker ones gave, later ones add; from CF_ORIGIN_USER each replaces.
 * detail may be NULL. */
enum cf_code cf_settings_set(struct cf_settings *settings, enum cf_setting setting,
                             const char *text, enum cf_origin origin, const char *detail,
                             struct cf_err *err);
/* The same by long name; CF_ERR_NOT_FOUND with the nearest name when unknown or without any of
 * FLAGS. */
enum cf_code cf_settings_set_by_name(struct cf_settings *settings, const char *name, unsigned flags,
                                     const char *text, enum cf_origin origin, const char *detail,
                                     struct cf_err *err);
/* Back to the default, whatever gave the value. */
void cf_settings_reset(struct cf_settings *settings, enum cf_setting setting);
/* Turns a knob by N steps, within its range; true when the value changed. */
bool cf_settings_turn(struct cf_settings *settings, enum cf_setting setting, int n,
                      enum cf_origin origin);
/* Where a knob stands on its slider, 0 to 1; 0 for what is no knob. */
double cf_settings_slider(const struct cf_settings *settings, enum cf_setting setting);

/* Takes over every setting of FROM that comes from ORIGIN and is not weaker than what is there. */
void cf_settings_take_over(struct cf_settings *settings, const struct cf_settings *from,
                           enum cf_origin origin);

/* Takes over what a model recommends for itself, as from CF_ORIGIN_MODEL: FIND answers the text of
 * a metadata key ("confab.top_p") or NULL, and gets MODEL. */
void cf_settings_take_model(struct cf_settings *settings,
                            const char *(*find)(const void *model, const char *key),
                            const void *model);

/* Appends a setting's value as cf_settings_set would read it ("0.8", "on", "random"; texts of a
 * list quoted and separated by spaces). */
void cf_settings_format(const struct cf_settings *settings, enum cf_setting setting,
                        struct cf_buf *text);
/* Appends where it comes from: "default", "config /home/u/.config/confab/config:3",
 * "option --top-p", "environment CONFAB_DB"; ", preset wild" behind it when by a preset. */
void cf_settings_format_source(const struct cf_settings *settings, enum cf_setting setting,
                               struct cf_buf *text);

/* A JSON object of the settings that have one of FLAGS, by long name: numbers, booleans, strings,
 * arrays.  Those without a value are left out, and with OMIT_DEFAULTS all that are at
 * CF_ORIGIN_DEFAULT or CF_ORIGIN_MODEL.  A new reference (jansson). */
struct json_t *cf_settings_to_json(const struct cf_settings *settings, unsigned flags,
                                   bool omit_defaults) CF_MUST_USE;
/* The same as compact text, appended. */
void cf_settings_to_json_text(const struct cf_settings *settings, unsigned flags,
                              bool omit_defaults, struct cf_buf *text);
/* Sets what such an object holds, as from ORIGIN.  Names that are not known here (a newer confab
 * wrote them) are passed over.  CF_ERR_FORMAT, CF_ERR_RANGE; then nothing is changed. */
enum cf_code cf_settings_from_json_text(struct cf_settings *settings, const char *text,
                                        enum cf_origin origin, struct cf_err *err);

/* Presets: values under one name. */
struct cf_preset {
    char *name;
    char *detail;           /* "FILE:LINE", NULL for a built-in one */
    char *about;            /* of a persona: a line for people; else NULL */
    struct cf_texts names;  /* of settings */
    struct cf_texts values; /* as text, parallel */
};

struct cf_presets {
    struct cf_preset *items;
    size_t n;
};

/* What the model recommends, and the defaults where it says nothing: it takes back what weaker
 * origins gave, and cf_settings_take_model is to follow. */
#define CF_PRESET_MODEL "model"
/* The built-in ones: precise, balanced, wild, model. */
void cf_presets_init(struct cf_presets *presets);
void cf_presets_release(struct cf_presets *presets);
/* Adds an empty preset or empties the one of that name, and returns it; valid until the next. */
struct cf_preset *cf_presets_put(struct cf_presets *presets, const char *name, const char *detail);
const struct cf_preset *cf_presets_find(const struct cf_presets *presets, const char *name);
/* Adds a value to a preset: CF_ERR_NOT_FOUND, CF_ERR_RANGE as cf_settings_set. */
enum cf_code cf_preset_set(struct cf_preset *preset, const char *name, const char *text,
                           struct cf_err *err);

/* Personas are presets that may hold every setting of a conversation but its seed (who the model is
 * to be, how turns become text, where a reply ends), and say what they are for.  The built-in ones:
 * chat, story, questions, translate. */
void cf_personas_init(struct cf_presets *personas);
/* Adds a value to a persona, or sets what it is "about". */
enum cf_code cf_persona_set(struct cf_preset *persona, const char *name, const char *text,
                            struct cf_err *err);
/* Whether a persona may hold the setting, and replaces it. */
bool cf_setting_is_of_persona(const struct cf_setting_info *info);

/* Carries out the preset that settings->preset names, as from the origin of that name: values of
 * the same or a greater origin that are no preset's own stay.  To be called once all places have
 * been applied.  CF_ERR_NOT_FOUND when there is no such preset, with the names that there are. */
enum cf_code cf_settings_apply_preset(struct cf_settings *settings,
                                      const struct cf_presets *presets, struct cf_err *err);
/* Chooses the preset NAME by hand, as from CF_ORIGIN_USER: what was set by hand before gives way.
 */
enum cf_code cf_settings_use_preset(struct cf_settings *settings, const struct cf_presets *presets,
                                    const char *name, struct cf_err *err);

#endif
