/* SPDX-License-Identifier: GPL-3.0-or-later */
/* theme: what each part of the screen looks like.
 *
 * A theme file is INI without sections, a line a style: `NAME = [ATTRIBUTE...] [COLOUR [on
 * COLOUR]]'.  Attributes: bold dim italic underline reverse.  Colours: default (the terminal's
 * own), black red green yellow blue magenta cyan white, these with `bright-' before, or a palette
 * number 0 to 255.  Styles that a file does not name are the terminal's own.  Four themes are
 * compiled in from data/themes: auto (readable on light and dark), dark, light, mono. */
#ifndef UI_THEME_H
#define UI_THEME_H

#include "buf.h"
#include "err.h"
#include "grid.h"

/* X(style, name in a theme file) */
#define UI_STYLES(X)                                                                               \
    X(UI_STYLE_TITLE, "title")           /* of the conversation, in the header */                  \
    X(UI_STYLE_MODEL, "model")           /* its name and type, in the header */                    \
    X(UI_STYLE_RULE, "rule")             /* lines between the parts */                             \
    X(UI_STYLE_RULE_FOCUS, "rule-focus") /* those of the pane that has the focus */                \
    X(UI_STYLE_USER, "user")             /* the label of a person's turn */                        \
    X(UI_STYLE_ASSISTANT, "assistant")   /* of the model's */                                      \
    X(UI_STYLE_SYSTEM, "system")         /* of the system prompt, and its text */                  \
    X(UI_STYLE_TEXT, "text")             /* of a turn */                                           \
    X(UI_STYLE_STRONG, "strong")         /* in it, as Markdown: added to what it has */            \
    X(UI_STYLE_EMPHASIS, "emphasis")     /* likewise, and so on to bullet */                       \
    X(UI_STYLE_HEADLINE, "headline")     /* a heading */                                           \
    X(UI_STYLE_HEADLINE_1, "headline-1") /* added to one of the first level */                     \
    X(UI_STYLE_QUOTE, "quote")           /* a quote's text */                                      \
    X(UI_STYLE_LINK, "link")             /* a link's text */                                       \
    X(UI_STYLE_CODE, "code")             /* within a line */                                       \
    X(UI_STYLE_CODE_BLOCK, "code-block") /* lines of it */                                         \
    X(UI_STYLE_BULLET, "bullet")         /* bullets, numbers, bars */                              \
    X(UI_STYLE_CARET, "caret")           /* at the end of a reply that streams */                  \
    X(UI_STYLE_MARK, "mark")             /* thin remarks: alternatives, knobs turned */            \
    X(UI_STYLE_STATE, "state")           /* interrupted, cancelled */                              \
    X(UI_STYLE_FORGOTTEN, "forgotten")   /* what the model no longer sees */                       \
    X(UI_STYLE_SELECTED, "selected")     /* the row or message in hand */                          \
    X(UI_STYLE_HIT, "hit")               /* words found */                                         \
    X(UI_STYLE_HEADING, "heading")       /* in panes */                                            \
    X(UI_STYLE_FAINT, "faint")           /* dates, numbers, units */                               \
    X(UI_STYLE_BAR, "bar")               /* of a candidate inside the cut, of a meter */           \
    X(UI_STYLE_BAR_DRAWN, "bar-drawn")   /* of the one that was drawn */                           \
    X(UI_STYLE_BAR_CUT, "bar-cut")       /* of one that was cut */                                 \
    X(UI_STYLE_CURSOR, "cursor")         /* the token in hand */                                   \
    X(UI_STYLE_CUT, "cut")               /* a token that other settings would have cut */          \
    X(UI_STYLE_REMOVED, "removed")       /* what only the first of two branches says */            \
    X(UI_STYLE_ADDED, "added")           /* what only the second one says */                       \
    X(UI_STYLE_SHADE_1, "shade-1")       /* a token of probability below 0.5, */                   \
    X(UI_STYLE_SHADE_2, "shade-2")       /* 0.2, */                                                \
    X(UI_STYLE_SHADE_3, "shade-3")       /* 0.05, */                                               \
    X(UI_STYLE_SHADE_4, "shade-4")       /* 0.01 */                                                \
    X(UI_STYLE_SLIDER, "slider")         /* the part below the value */                            \
    X(UI_STYLE_PROMPT, "prompt")         /* before the input line */                               \
    X(UI_STYLE_INPUT, "input")           /* its text */                                            \
    X(UI_STYLE_FOOTER, "footer")         /* values in the footer */                                \
    X(UI_STYLE_KEY, "key")               /* names of keys */                                       \
    X(UI_STYLE_NOTICE, "notice")         /* what confab has to say */                              \
    X(UI_STYLE_ERROR, "error")           /* what went wrong */

enum ui_style_name {
#define UI_X(style, name) style,
    UI_STYLES(UI_X)
#undef UI_X
        UI_N_STYLES
};

struct ui_theme {
    struct ui_style styles[UI_N_STYLES];
};

/* The I-th compiled-in theme's name, or NULL behind the last. */
const char *ui_theme_name(size_t i);
/* The compiled-in theme NAME; CF_ERR_NOT_FOUND names those there are. */
enum cf_code ui_theme_builtin(struct ui_theme *theme, const char *name, struct cf_err *err);
/* A theme from the text of a file; PATH is for the sentence, which names the line. */
enum cf_code ui_theme_parse(struct ui_theme *theme, const char *text, const char *path,
                            struct cf_err *err);

#endif
