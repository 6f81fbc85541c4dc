/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pane_footer.h"

#include <stdio.h>
#include <string.h>

enum { METER_WIDTH = 8, HINTS_MAX = 6, SHORTEST = 4 };

struct hint {
    enum ui_action action; /* UI_NONE: Enter, which is the line's own */
    const char *what;
};

static const struct hint input_hints[] = {
    {UI_KNOBS, "knobs"}, {UI_LIST, "list"}, {UI_HELP, "help"}};
static const struct hint held_hints[] = {
    {UI_SEND_WAITING, "send"}, {UI_UNQUEUE, "take back"}, {UI_HELP, "help"}};
static const struct hint streaming_hints[] = {
    {UI_STOP, "stop"}, {UI_KNOBS, "knobs"}, {UI_PAUSE, "pause"}, {UI_HELP, "help"}};
static const struct hint reading_hints[] = {{UI_STOP, "stop"},
                                            {UI_PAUSE, "pause"},
                                            {UI_END, "follow"},
                                            {UI_LEAVE, "back"},
                                            {UI_HELP, "help"}};
static const struct hint asking_hints[] = {{UI_STOP, "cancel"}};
static const struct hint searching_hints[] = {
    {UI_NONE, "open"}, {UI_DOWN, "next"}, {UI_STOP, "cancel"}};
static const struct hint transcript_hints[] = {{UI_REGENERATE, "again"}, {UI_TOKENS, "tokens"},
                                               {UI_LEAVE, "back"},       {UI_EDIT, "edit"},
                                               {UI_YANK, "copy"},        {UI_HELP, "help"}};
static const struct hint list_hints[] = {{UI_OPEN, "open"},     {UI_NEW, "new"},
                                         {UI_FILTER, "filter"}, {UI_DELETE, "delete"},
                                         {UI_RENAME, "rename"}, {UI_HELP, "help"}};
static const struct hint trash_hints[] = {{UI_ARCHIVE, "restore"},
                                          {UI_OPEN, "restore, open"},
                                          {UI_SHELF, "out of the trash"},
                                          {UI_FILTER, "filter"},
                                          {UI_HELP, "help"}};
static const struct hint archive_hints[] = {{UI_OPEN, "open"},     {UI_ARCHIVE, "take out"},
                                            {UI_SHELF, "trash"},   {UI_FILTER, "filter"},
                                            {UI_DELETE, "delete"}, {UI_HELP, "help"}};
static const struct hint tree_hints[] = {{UI_GO, "go there"}, {UI_DIFF, "compare"},
                                         {UI_TAG, "mark"},    {UI_PRUNE, "prune"},
                                         {UI_UNDO, "undo"},   {UI_LEAVE, "leave"}};
static const struct hint diff_hints[] = {{UI_DIFF_NEXT, "next"}, {UI_LEAVE, "leave"}};
static const struct hint knobs_hints[] = {{UI_KNOB_DOWN, "down"}, {UI_KNOB_UP, "up"},
                                          {UI_LEAVE, "back"},     {UI_KNOBS, "close"},
                                          {UI_KNOB_SET, "type"},  {UI_KNOB_RESET, "default"}};
static const struct hint cursor_hints[] = {{UI_TOKEN_RIGHT, "token"},  {UI_UP, "choose"},
                                           {UI_TAKE, "branch"},        {UI_STOP, "leave"},
                                           {UI_UNSURE_NEXT, "unsure"}, {UI_SHADE, "shade"}};
static const struct hint paused_hints[] = {{UI_PAUSE, "go on"},
                                           {UI_STEP, "draw one"},
                                           {UI_UP, "choose"},
                                           {UI_TAKE, "take"},
                                           {UI_STOP, "stop"}};
static const struct hint select_hints[] = {{UI_SELECT_YANK, "copy"},
                                           {UI_STOP, "leave"},
                                           {UI_PIPE, "command"},
                                           {UI_SELECT_WRITE, "file"},
                                           {UI_SELECT_LINES, "lines"}};
static const struct hint compare_hints[] = {
    {UI_KEEP_FIRST, "keep 1"}, {UI_KEEP_SECOND, "keep 2"}, {UI_KEEP_BOTH, "keep both"}};
static const struct hint comparing_hints[] = {
    {UI_STOP, "stop"}, {UI_KEEP_FIRST, "keep 1"}, {UI_KEEP_SECOND, "keep 2"}, {UI_HELP, "help"}};
static const struct hint paused_compare_hints[] = {{UI_PAUSE, "go on"},
                                                   {UI_STEP, "draw one"},
                                                   {UI_STOP, "stop"},
                                                   {UI_KEEP_FIRST, "keep 1"},
                                                   {UI_KEEP_SECOND, "keep 2"}};
static const struct hint held_reply_hints[] = {
    {UI_STOP, "stop"}, {UI_PAUSE, "go on"}, {UI_KNOBS, "knobs"}, {UI_HELP, "help"}};
static const struct hint search_hints[] = {
    {UI_OPEN, "open"}, {UI_SEARCH, "search"}, {UI_LEAVE, "leave"}};
static const struct hint help_hints[] = {
    {UI_PAGE_DOWN, "on"}, {UI_PAGE_UP, "back"}, {UI_LEAVE, "leave"}};

static bool is_running(const struct cf_chat_status *status)
{
    return status->phase == CF_PHASE_SAVING || status->phase == CF_PHASE_EVALUATING ||
           status->phase == CF_PHASE_STREAMING || status->phase == CF_PHASE_PAUSED;
}

/* The hints for what is being done; the first ones matter most. */
static const struct hint *choose_hints(const struct ui_footer_data *data, size_t *n)
{
#define CHOOSE(hints) (*n = CF_ARRAY_SIZE(hints), hints)
    if (data->asking != NULL) {
        return data->place & UI_IN_SEARCHING ? CHOOSE(searching_hints) : CHOOSE(asking_hints);
    }
    if (data->place & UI_IN_PAUSED) {
        return data->place & UI_IN_COMPARE ? CHOOSE(paused_compare_hints) : CHOOSE(paused_hints);
    }
    switch (data->place & (unsigned)UI_IN_PANES) {
    case UI_IN_TRANSCRIPT:
        return is_running(data->status) ? CHOOSE(reading_hints) : CHOOSE(transcript_hints);
    case UI_IN_LIST:
        return data->shelf == CF_CHAT_SHELF_TRASH      ? CHOOSE(trash_hints)
               : data->shelf == CF_CHAT_SHELF_ARCHIVED ? CHOOSE(archive_hints)
                                                       : CHOOSE(list_hints);
    case UI_IN_KNOBS:
        return CHOOSE(knobs_hints);
    case UI_IN_SEARCH:
        return CHOOSE(search_hints);
    case UI_IN_HELP:
        return CHOOSE(help_hints);
    case UI_IN_TREE:
        return CHOOSE(tree_hints);
    case UI_IN_DIFF:
        return CHOOSE(diff_hints);
    case UI_IN_CURSOR:
        return CHOOSE(cursor_hints);
    case UI_IN_SELECT:
        return CHOOSE(select_hints);
    case UI_IN_COMPARE:
        return is_running(data->status) ? CHOOSE(comparing_hints) : CHOOSE(compare_hints);
    default:
        return data->status->is_queue_held && data->place & UI_IN_WAITING ? CHOOSE(held_hints)
               : data->status->phase == CF_PHASE_PAUSED                   ? CHOOSE(held_reply_hints)
               : is_running(data->status)                                 ? CHOOSE(streaming_hints)
                                                                          : CHOOSE(input_hints);
    }
#undef CHOOSE
}

static void describe_hint(const struct ui_footer_data *data, const struct hint *hint,
                          struct cf_buf *key)
{
    cf_buf_clear(key);
    if (hint->action == UI_NONE) {
        cf_buf_add_str(key, "Enter");
        return;
    }
    ui_keys_describe(data->keys, hint->action, data->place, 1, key);
}

/* Draws as many hints as fit between X and END, flush right; hints without a key are left out. */
static void draw_hints(const struct ui_paint *paint, int x, int y, int end,
                       const struct ui_footer_data *data)
{
    size_t n;
    const struct hint *hints = choose_hints(data, &n);
    struct cf_buf key = CF_BUF_INIT;
    int width = 0;
    size_t n_shown = 0;
    for (; n_shown < n && n_shown < HINTS_MAX; n_shown++) {
        describe_hint(data, &hints[n_shown], &key);
        int needed = key.size == 0 ? 0
                                   : cf_text_width(key.data, key.size, 0) + 1 +
                                         (int)strlen(hints[n_shown].what) + 2;
        if (x + 2 + width + needed > end + 1) {
            break;
        }
        width += needed;
    }
    int at = end - width + 1;
    for (size_t i = 0; i < n_shown; i++) {
        describe_hint(data, &hints[i], &key);
        if (key.size > 0) {
            at = ui_grid_put(paint->grid, at, y, end, key.data, key.size,
                             ui_paint_style(paint, UI_STYLE_KEY));
            at = ui_grid_putf(paint->grid, at, y, end, ui_paint_style(paint, UI_STYLE_FOOTER),
                              " %s  ", hints[i].what);
        }
    }
    cf_buf_release(&key);
}

/* The context meter: what of it is in use. */
static void describe_context(const struct cf_chat_status *status, bool has_meter,
                             struct cf_buf *text)
{
    if (status->n_ctx < 1) {
        return;
    }
    cf_buf_add_str(text, "ctx ");
    if (has_meter) {
        int64_t filled =
            ((int64_t)status->n_used * METER_WIDTH + status->n_ctx / 2) / status->n_ctx;
        if (filled == 0 && status->n_used > 0) {
            filled = 1;
        }
        for (int i = 0; i < METER_WIDTH; i++) {
            cf_buf_add_str(text, i < filled ? "▓" : "░");
        }
        cf_buf_add_char(text, ' ');
    }
    cf_buf_addf(text, "%d", status->n_used - status->n_draft);
    if (status->n_draft > 0) {
        cf_buf_addf(text, "+%d", status->n_draft);
    }
    cf_buf_addf(text, "/%d", status->n_ctx);
}

static void describe_work(const struct cf_chat_status *status, int32_t pace, struct cf_buf *text)
{
    /* Held to its pace, the speed says nothing of the model. */
    bool is_paced = pace > 0 && status->tokens_per_second >= 0.9 * pace;
    const char *words = "";
    switch (status->phase) {
    case CF_PHASE_SAVING:
        words = "saving";
        break;
    case CF_PHASE_EVALUATING:
        words = "reading";
        break;
    case CF_PHASE_PAUSED:
        words = "paused";
        break;
    case CF_PHASE_OPENING:
    case CF_PHASE_LOADING:
    case CF_PHASE_NO_MODEL:
    case CF_PHASE_READY:
    case CF_PHASE_STREAMING:
        break;
    }
    if (words[0] != '\0') {
        cf_buf_add_str(text, words);
    } else if (is_paced) {
        cf_buf_addf(text, "pace %d", (int)pace);
    } else if (status->tokens_per_second > 0) {
        cf_buf_addf(text, "%.*f tok/s", status->tokens_per_second < 9.95 ? 1 : 0,
                    status->tokens_per_second);
    }
}

static void add_part(struct cf_buf *line, const struct cf_buf *part)
{
    if (part->size > 0) {
        cf_buf_addf(line, " · %s", part->data);
    }
}

/* Whether a person gave the setting a value, not by a preset, that is another than the usual. */
static bool is_own(const struct cf_settings *settings, enum cf_setting setting)
{
    const struct cf_source *source = &settings->sources[setting];
    struct cf_buf value = CF_BUF_INIT;
    cf_settings_format(settings, setting, &value);
    bool is_usual = strcmp(value.data, cf_setting_info(setting)->fallback) == 0;
    cf_buf_release(&value);
    return source->origin > CF_ORIGIN_MODEL && !source->is_by_preset && !is_usual;
}

/* What else takes part in the draws, where it is not as usual. */
static void add_own_settings(const struct cf_settings *settings, struct cf_buf *line)
{
    static const struct {
        enum cf_setting setting;
        const char *word;
    } shown[] = {{CF_SETTING_TOP_K, "top-k"},           {CF_SETTING_MIN_P, "min-p"},
                 {CF_SETTING_TYPICAL_P, "typical"},     {CF_SETTING_REPEAT_PENALTY, "rep"},
                 {CF_SETTING_PRESENCE_PENALTY, "pres"}, {CF_SETTING_FREQUENCY_PENALTY, "freq"}};
    for (size_t i = 0; i < CF_ARRAY_SIZE(shown); i++) {
        if (is_own(settings, shown[i].setting)) {
            cf_buf_addf(line, "  %s ", shown[i].word);
            cf_settings_format(settings, shown[i].setting, line);
        }
    }
}

/* The values, shorter with each LEVEL from 0 to SHORTEST. */
static void describe_values(const struct ui_footer_data *data, int level, struct cf_buf *line)
{
    cf_buf_clear(line);
    const struct cf_sampling *sampling = &data->settings->sampling;
    cf_buf_addf(line, "T %.2f", sampling->temperature);
    if (level < 4) {
        cf_buf_addf(line, "  top-p %.2f", sampling->top_p);
    }
    if (level < 3) {
        add_own_settings(data->settings, line);
    }
    struct cf_buf part = CF_BUF_INIT;
    if (level < 2) {
        describe_work(data->status, data->settings->pace, &part);
        add_part(line, &part);
        cf_buf_clear(&part);
    }
    describe_context(data->status, level < 1, &part);
    add_part(line, &part);
    cf_buf_clear(&part);
    if (data->status->n_queued > 0) {
        cf_buf_addf(&part, "%zu %s", data->status->n_queued,
                    data->status->is_queue_held ? "held back" : "waiting");
    }
    add_part(line, &part);
    cf_buf_clear(&part);
    if (!data->status->saves || data->status->is_unsaved) {
        cf_buf_add_str(&part, "not saved");
    }
    add_part(line, &part);
    cf_buf_release(&part);
}

/* Columns that the hints that matter most take: in a pane, more keys do something. */
static int hints_wish(const struct ui_footer_data *data)
{
    size_t n_wished = data->place & (unsigned)UI_IN_PANES ? 4 : 2;
    size_t n;
    const struct hint *hints = choose_hints(data, &n);
    struct cf_buf key = CF_BUF_INIT;
    int width = 0;
    for (size_t i = 0; i < n && i < n_wished; i++) {
        describe_hint(data, &hints[i], &key);
        width += cf_text_width(key.data, key.size, 0) + (int)strlen(hints[i].what) + 3;
    }
    cf_buf_release(&key);
    return width;
}

void ui_footer_draw(const struct ui_paint *paint, struct ui_rect rect,
                    const struct ui_footer_data *data)
{
    if (rect.width < 1 || rect.height < 1) {
        return;
    }
    int x = rect.x + (rect.width > 8);
    int end = rect.x + rect.width - (rect.width > 8);
    if (data->notice != NULL) {
        int behind = ui_pane_put(paint, x, rect.y, end, data->notice,
                                 data->is_error ? UI_STYLE_ERROR : UI_STYLE_NOTICE);
        draw_hints(paint, behind, rect.y, end, data);
        return;
    }
    int wish = hints_wish(data);
    struct cf_buf line = CF_BUF_INIT;
    for (int level = 0; level <= SHORTEST; level++) {
        describe_values(data, level, &line);
        int width = cf_text_width(line.data, line.size, 0);
        if (x + width + 2 + (level < SHORTEST ? wish : 0) <= end) {
            break;
        }
    }
    int behind = ui_pane_put(paint, x, rect.y, end, line.data, UI_STYLE_FOOTER);
    draw_hints(paint, behind, rect.y, end, data);
    cf_buf_release(&line);
}
