/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the face shows: the chat's state as the panes' data. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mem.h"
#include "ui_state.h"

static unsigned place_of(const struct ui *ui)
{
    switch (ui->focus) {
    case UI_FOCUS_INPUT:
        if (ui->asking == UI_ASK_SEARCH) {
            return ui_line_is_empty(ui->line) ? UI_IN_INPUT | UI_IN_EMPTY | UI_IN_SEARCHING
                                              : UI_IN_INPUT | UI_IN_SEARCHING;
        }
        if (!ui_line_is_empty(ui->line)) {
            return UI_IN_INPUT;
        }
        return ui->asking == UI_ASK_MESSAGE && cf_chat_status(ui->chat)->n_queued > 0
                   ? UI_IN_INPUT | UI_IN_EMPTY | UI_IN_WAITING
                   : UI_IN_INPUT | UI_IN_EMPTY;
    case UI_FOCUS_TRANSCRIPT:
        return UI_IN_TRANSCRIPT;
    case UI_FOCUS_LIST:
        return UI_IN_LIST;
    case UI_FOCUS_KNOBS:
        return UI_IN_KNOBS;
    case UI_FOCUS_SEARCH:
        return UI_IN_SEARCH;
    case UI_FOCUS_HELP:
        return UI_IN_HELP;
    case UI_FOCUS_CURSOR:
        return UI_IN_CURSOR;
    case UI_FOCUS_COMPARE:
        return UI_IN_COMPARE;
    case UI_FOCUS_TREE:
        return UI_IN_TREE;
    case UI_FOCUS_DIFF:
        return UI_IN_DIFF;
    case UI_FOCUS_SELECT:
        return UI_IN_SELECT;
    }
    return UI_IN_INPUT;
}

unsigned ui_place(const struct ui *ui)
{
    bool is_paused = cf_chat_status(ui->chat)->phase == CF_PHASE_PAUSED;
    unsigned place = place_of(ui);
    return is_paused && (place & UI_IN_PANES) != 0 ? place | UI_IN_PAUSED : place;
}

bool ui_is_running(const struct ui *ui)
{
    enum cf_chat_phase phase = cf_chat_status(ui->chat)->phase;
    return phase == CF_PHASE_SAVING || phase == CF_PHASE_EVALUATING ||
           phase == CF_PHASE_STREAMING || phase == CF_PHASE_PAUSED;
}

static enum ui_pane pane_of(enum ui_focus focus)
{
    switch (focus) {
    case UI_FOCUS_LIST:
        return UI_PANE_LIST;
    case UI_FOCUS_KNOBS:
        return UI_PANE_KNOBS;
    case UI_FOCUS_SEARCH:
        return UI_PANE_SEARCH;
    case UI_FOCUS_HELP:
        return UI_PANE_HELP;
    case UI_FOCUS_COMPARE:
        return UI_PANE_COMPARE;
    case UI_FOCUS_TREE:
        return UI_PANE_TREE;
    case UI_FOCUS_DIFF:
        return UI_PANE_DIFF;
    case UI_FOCUS_INPUT:
    case UI_FOCUS_TRANSCRIPT:
    case UI_FOCUS_SELECT:
    case UI_FOCUS_CURSOR:
        break;
    }
    return UI_PANE_TRANSCRIPT;
}

/* The pane that has the focus, or shows what is being typed. */
static enum ui_pane shown_pane(const struct ui *ui)
{
    return ui->asking == UI_ASK_FILTER   ? UI_PANE_LIST
           : ui->asking == UI_ASK_SEARCH ? UI_PANE_SEARCH
                                         : pane_of(ui->focus);
}

/* Puts the messages that wait behind the turns, as turns of their own. */
static void collect_turns(struct ui *ui)
{
    size_t n_turns = cf_chat_n_turns(ui->chat);
    size_t n_waiting = cf_chat_status(ui->chat)->n_queued;
    if (n_turns + n_waiting > ui->turns_capacity) {
        ui->turns_capacity = (n_turns + n_waiting) * 2;
        ui->turns = cf_realloc_array(ui->turns, ui->turns_capacity, sizeof ui->turns[0]);
    }
    if (n_waiting > ui->waiting_capacity) {
        ui->waiting_capacity = n_waiting * 2;
        ui->waiting = cf_realloc_array(ui->waiting, ui->waiting_capacity, sizeof ui->waiting[0]);
    }
    for (size_t i = 0; i < n_turns; i++) {
        ui->turns[i] = cf_chat_turn(ui->chat, i);
    }
    for (size_t i = 0; i < n_waiting; i++) {
        const char *text = cf_chat_queued(ui->chat, i);
        ui->waiting[i] = (struct cf_chat_turn){
            .id = INT64_MIN + (int64_t)i,
            .role = CF_ROLE_USER,
            .state = CF_TURN_WAITING,
            .text = text,
            .size = strlen(text),
            .is_visible = true,
            .is_saved = true,
            .n_siblings = 1,
        };
        /* A queue moves up: its places show other texts then. */
        for (const char *c = text; *c != '\0'; c++) {
            ui->waiting[i].version = ui->waiting[i].version * 31 + (unsigned char)*c;
        }
        ui->turns[n_turns + i] = &ui->waiting[i];
    }
    ui->n_turns = n_turns + n_waiting;
}

/* Messages that wait have none. */
static const struct cf_turn_shade *shades_of(void *context, size_t turn, size_t *n)
{
    struct ui *ui = context;
    *n = 0;
    return turn < cf_chat_n_turns(ui->chat) ? cf_chat_shades(ui->chat, turn, n) : NULL;
}

struct ui_transcript_data ui_transcript_data(struct ui *ui)
{
    static const char *const hint[] = {"Write a message and press Enter. F1 is help."};
    static const char *const first[] = {
        "This is the small model that comes with confab: it is quick, it knows little and it "
        "makes things up.",
        "A bigger one: confab -m MODEL, a GGUF file or a Hugging Face folder of the GPT-2 family.",
        "While a reply streams, Alt-Up and Alt-Down turn its temperature, Esc stops it. F1 is "
        "help."};
    collect_turns(ui);
    const struct cf_chat_status *status = cf_chat_status(ui->chat);
    bool is_new = status->phase != CF_PHASE_OPENING && (ui->is_list_known || !status->saves);
    bool is_first = ui->params->is_model_bundled && ui->is_list_known && !ui->has_conversations;
    return (struct ui_transcript_data){
        .turns = ui->turns,
        .n_turns = ui->n_turns,
        .model = status->model_name,
        .first_visible = status->first_visible,
        .has_focus = ui->focus == UI_FOCUS_TRANSCRIPT || ui->focus == UI_FOCUS_CURSOR ||
                     ui->focus == UI_FOCUS_SELECT,
        .selection = ui->focus == UI_FOCUS_SELECT ? &ui->selection : NULL,
        .hides_marks = ui->hides_marks,
        .is_raw = ui->is_raw,
        .is_held = status->is_queue_held,
        .shows_unsaved = status->is_unsaved,
        .shades = ui->is_shaded ? shades_of : NULL,
        .context = ui,
        .look = ui_look(ui),
        .look_token = ui->token,
        .query = cf_chat_findings(ui->chat)->words,
        .welcome = is_first ? first : hint,
        .n_welcome = !is_new    ? 0
                     : is_first ? CF_ARRAY_SIZE(first)
                                : CF_ARRAY_SIZE(hint),
    };
}

static const char *piece(const void *context, int32_t id, size_t *size)
{
    return cf_chat_piece(context, id, size);
}

const char *ui_asking_word(const struct ui *ui)
{
    switch (ui->asking) {
    case UI_ASK_EDIT:
        return "edit";
    case UI_ASK_TITLE:
        return "title";
    case UI_ASK_SEARCH:
        return "search";
    case UI_ASK_FILTER:
        return "filter";
    case UI_ASK_VALUE:
        return cf_setting_info((enum cf_setting)ui->asked_id)->name;
    case UI_ASK_GOTO:
        return "go to";
    case UI_ASK_CODE:
        return "block";
    case UI_ASK_WRITE:
        return "file";
    case UI_ASK_PIPE:
        return "command";
    case UI_ASK_MESSAGE:
        break;
    }
    return NULL;
}

static int64_t wall_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The candidates of the last Tab: ours with their help, while readline still shows them. */
static const struct cf_completions *offers_of(const struct ui *ui)
{
    struct ui_line_view view;
    ui_line_view(ui->line, &view);
    return view.n_candidates > 1 ? &ui->offers : NULL;
}

/* What the model reads, fresh from the chat. */
static const struct ui_prompt_data *prompt_data(struct ui *ui)
{
    const struct cf_chat_status *status = cf_chat_status(ui->chat);
    ui->prompt_ids = cf_chat_prompt(ui->chat);
    ui->prompt = (struct ui_prompt_data){.template = cf_chat_template(ui->chat),
                                         .system = status->system_text,
                                         .prompt = &ui->prompt_ids,
                                         .piece = piece,
                                         .context = ui->chat,
                                         .turns = ui->turns,
                                         .n_turns = ui->n_turns,
                                         .first_visible = status->first_visible,
                                         .n_ctx = status->n_ctx};
    return &ui->prompt;
}

static void fill(struct ui *ui, struct ui_screen_data *data)
{
    const struct cf_chat_status *status = cf_chat_status(ui->chat);
    int64_t now_ms = wall_ms();
    *data = (struct ui_screen_data){
        .has_list = ui->has_list,
        .has_knobs = ui->has_knobs,
        .focus = shown_pane(ui),
        .n_input_rows = ui_line_rows(ui->line, ui->grid.width),
        .transcript = ui_transcript_data(ui),
        .list = ui_list_data(ui),
        .knobs = {.settings = cf_chat_settings(ui->chat),
                  .choice = ui_choice(ui),
                  .look = ui_look(ui),
                  .token = ui->token,
                  .candidate = ui->focus == UI_FOCUS_CURSOR ? ui->candidate : -1,
                  .is_running = ui_is_running(ui),
                  .is_steered = ui->focus == UI_FOCUS_CURSOR,
                  .piece = piece,
                  .context = ui->chat,
                  .selected = ui->knob_selected,
                  .has_focus = ui->focus == UI_FOCUS_KNOBS},
        .compare = {{cf_chat_compared(ui->chat, 0), cf_chat_compared(ui->chat, 1)}},
        .tree = ui_tree_data(ui),
        .diff = {cf_chat_diffed(ui->chat)},
        .search = ui_search_data(ui),
        .prompt = ui->shows_prompt ? prompt_data(ui) : NULL,
        .footer = {.status = status,
                   .settings = cf_chat_settings(ui->chat),
                   .keys = &ui->keys,
                   .place = ui_place(ui),
                   .shelf = cf_chat_listing(ui->chat)->shelf,
                   .asking = ui_asking_word(ui)},
        .offers = offers_of(ui),
        .answer = ui->answer,
    };
    if (ui->focus == UI_FOCUS_CURSOR && ui->grid.width < UI_LAYOUT_NARROW && data->answer == NULL) {
        cf_buf_clear(&ui->token_text);
        ui_describe_token(ui, &ui->token_text);
        data->answer = ui->token_text.data;
        data->makes_room = true;
    }
    data->list.now_ms = now_ms;
    data->search.now_ms = now_ms;
    if (ui->n_notices > 0) {
        data->footer.notice = ui->notices[0].text;
        data->footer.is_error = ui->notices[0].is_error;
        /* What does not fit into the footer goes over the body. */
        int width = cf_text_width(ui->notices[0].text, strlen(ui->notices[0].text), 0);
        if (data->answer == NULL && width > ui->grid.width - 2) {
            data->answer = ui->notices[0].text;
            data->footer.notice = NULL;
        }
    }
}

void ui_draw(struct ui *ui)
{
    int width;
    int height;
    ui_term_size(ui->term, &width, &height);
    if (width != ui->grid.width || height != ui->grid.height) {
        ui_grid_resize(&ui->grid, width, height);
    }
    struct ui_screen_data data;
    struct ui_paint paint = {&ui->grid, &ui->theme};
    fill(ui, &data);
    int rows = ui->screen.transcript.height;
    ui_screen_draw(&ui->screen, &paint, &data, &ui->layout);
    if (data.makes_room && ui->screen.transcript.height != rows) {
        /* There is less room than when the cursor was put there. */
        ui_look_in_view(ui);
        ui_screen_draw(&ui->screen, &paint, &data, &ui->layout);
    }
    int x = -1;
    int y = -1;
    bool has_focus = ui->focus == UI_FOCUS_INPUT;
    ui_line_draw(ui->line, &ui->grid, ui->layout.input,
                 ui->theme.styles[has_focus ? UI_STYLE_PROMPT : UI_STYLE_FAINT],
                 ui->theme.styles[has_focus ? UI_STYLE_INPUT : UI_STYLE_FAINT], &x, &y);
    if (!has_focus) {
        x = ui->focus == UI_FOCUS_SELECT ? ui->screen.transcript.cursor_x : -1;
        y = ui->screen.transcript.cursor_y;
    }
    ui_term_show(ui->term, &ui->grid, x, y);
    ui->is_dirty = false;
    ui->is_urgent = false;
    ui->drawn_ms = cf_clock_ms();
}
