/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fake_chat: a conversation out of thin air for the tests of the panes. */
#ifndef FAKE_CHAT_H
#define FAKE_CHAT_H

#include <string.h>

#include "chat.h"
#include "pane_screen.h"

enum { FAKE_TURNS_MAX = 400 };

struct fake_chat {
    struct cf_chat_turn turns[FAKE_TURNS_MAX];
    const struct cf_chat_turn *pointers[FAKE_TURNS_MAX];
    size_t n;
    struct cf_chat_status status;
    struct cf_settings settings;
    struct cf_choice choice;
    int candidate_in_hand; /* from 1; 0: none */
    struct ui_keys keys;
    struct ui_theme theme;
    struct ui_screen screen;
    struct ui_screen_data data;
};

static inline struct cf_chat_turn *fake_say(struct fake_chat *chat, enum cf_role role,
                                            const char *text)
{
    struct cf_chat_turn *turn = &chat->turns[chat->n];
    *turn = (struct cf_chat_turn){
        .id = (int64_t)chat->n + 1,
        .role = role,
        .reason = role == CF_ROLE_ASSISTANT ? CF_END_STOP : CF_END_NONE,
        .text = text,
        .size = strlen(text),
        .is_saved = true,
        .is_visible = true,
        .n_siblings = 1,
        .model_name = role == CF_ROLE_ASSISTANT ? "gpt2 124M q8_0" : NULL,
    };
    chat->pointers[chat->n++] = turn;
    return turn;
}

static const char *fake_piece(const void *context, int32_t id, size_t *size)
{
    static const char *const pieces[] = {" tea", " coffee", " hot", " soup",
                                         " a",   "ing",     "\n",   "\xe6\xad"};
    (void)context;
    const char *piece = (size_t)id < CF_ARRAY_SIZE(pieces) ? pieces[id] : " other";
    *size = strlen(piece);
    return piece;
}

/* The data of the panes, once the conversation is as wanted. */
static inline void fake_fill(struct fake_chat *chat)
{
    chat->data.transcript.turns = chat->pointers;
    chat->data.transcript.n_turns = chat->n;
    chat->data.transcript.model = chat->status.model_name;
    chat->data.transcript.first_visible = chat->status.first_visible;
    chat->data.knobs.settings = &chat->settings;
    chat->data.knobs.piece = fake_piece;
    chat->data.knobs.candidate = chat->candidate_in_hand - 1;
    chat->data.footer.status = &chat->status;
    chat->data.footer.settings = &chat->settings;
    chat->data.footer.keys = &chat->keys;
}

static inline void fake_init(struct fake_chat *chat)
{
    memset(chat, 0, sizeof *chat);
    cf_settings_init(&chat->settings);
    ui_keys_init(&chat->keys);
    ui_theme_builtin(&chat->theme, "auto", NULL);
    chat->status = (struct cf_chat_status){.phase = CF_PHASE_READY,
                                           .conversation = 1,
                                           .title = "Tea in the rain",
                                           .model_name = "gpt2 124M q8_0",
                                           .template_name = "transcript",
                                           .system_text = "",
                                           .saves = true,
                                           .tokens_per_second = 96.4,
                                           .n_used = 214,
                                           .n_ctx = 1024};
    chat->data.footer.place = UI_IN_INPUT | UI_IN_EMPTY;
    chat->data.n_input_rows = 1;
    static const struct cf_chat_listing nothing = {.match = ""};
    static const struct cf_chat_diff same = {.n = 0};
    chat->data.list.listing = &nothing;
    chat->data.diff.diff = &same;
    static const struct cf_chat_findings found = {.words = "", .note = ""};
    chat->data.search.findings = &found;
    chat->data.list.now_ms = INT64_C(1795530000000); /* 2026-11-24 14:20 UTC */
    chat->data.search.now_ms = chat->data.list.now_ms;
    fake_fill(chat);
}

static inline void fake_release(struct fake_chat *chat)
{
    ui_screen_release(&chat->screen);
    cf_settings_release(&chat->settings);
}

/* The choice of the design's picture. */
static inline void fake_choose(struct fake_chat *chat)
{
    static const struct {
        float p_raw;
        float p;
    } rows[] = {{0.612f, 0.70f}, {0.17f, 0.19f}, {0.091f, 0.10f}, {0.04f, 0},
                {0.028f, 0},     {0.01f, 0},     {0.005f, 0},     {0.001f, 0}};
    chat->choice = (struct cf_choice){.id = 0,
                                      .p_raw = 0.612f,
                                      .p = 0.70f,
                                      .entropy = 1.93f,
                                      .n_inside = 3,
                                      .cut = CF_CUT_TOP_P,
                                      .n_candidates = (int32_t)CF_ARRAY_SIZE(rows)};
    for (size_t i = 0; i < CF_ARRAY_SIZE(rows); i++) {
        chat->choice.candidates[i] = (struct cf_candidate){(int32_t)i, rows[i].p_raw, rows[i].p};
    }
    chat->data.knobs.choice = &chat->choice;
}

#endif
