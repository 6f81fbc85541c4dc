/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The panes, drawn from fake data at many sizes and compared with tests/fixtures/ui/SCENE.txt. */
#include "test.h"

#include <stdio.h>
#include <time.h>

#include "pane_golden.h"

static void screen__draw__as_in_the_picture(void **state)
{
    (void)state;
    static struct fake_chat chat;
    fake_init(&chat);
    fake_say(&chat, CF_ROLE_USER, "What should I drink when it rains?");
    struct cf_chat_turn *reply = fake_say(
        &chat, CF_ROLE_ASSISTANT, "I would have a cup of tea, because the rain is cold and tea is");
    reply->state = CF_TURN_STREAMING;
    reply->reason = CF_END_NONE;
    chat.status.phase = CF_PHASE_STREAMING;
    chat.settings.sampling.top_p = 0.9;
    chat.data.has_knobs = true;
    fake_choose(&chat);
    check_scene(&chat, NULL, "picture");
}

static const struct cf_sampling *sampling_of(double temperature, double top_p)
{
    static struct cf_sampling sampling;
    sampling = CF_SAMPLING_INIT;
    sampling.temperature = temperature;
    sampling.top_p = top_p;
    return &sampling;
}

/* A conversation with everything that a message can have. */
static void say_everything(struct fake_chat *chat)
{
    static struct cf_turn_mark marks[4];
    chat->status.first_visible = 2;
    fake_say(chat, CF_ROLE_SYSTEM, "You are a tea house keeper.");
    fake_say(chat, CF_ROLE_USER,
             "我正在学习人工智能。茶和雨 — what is it called? 🍵🌧")
        ->is_visible = false;
    struct cf_chat_turn *turn = fake_say(
        chat, CF_ROLE_ASSISTANT,
        "It is called \x1b[31mred\x07 tea.\n\nWith\ttabs, "
        "a_very_long_word_that_does_not_fit_into_a_"
        "narrow_terminal_at_all, and a second paragraph that is long enough to be broken.");
    turn->n_siblings = 5;
    turn->sibling = 1;
    turn->is_dropped_next = true;
    fake_say(chat, CF_ROLE_USER, "Short.")->is_pinned = true;
    turn = fake_say(chat, CF_ROLE_ASSISTANT, "Knobs were turned while this was written, twice.");
    marks[0] = (struct cf_turn_mark){0, 0, *sampling_of(0.7, 0.9)};
    marks[1] = (struct cf_turn_mark){2, 11, *sampling_of(0.9, 0.9)};
    marks[2] = (struct cf_turn_mark){4, 18, *sampling_of(1.1, 0.9)};
    marks[3] = (struct cf_turn_mark){40, 37, *sampling_of(1.1, 0.8)};
    turn->marks = marks;
    turn->n_marks = CF_ARRAY_SIZE(marks);
    turn->state = CF_TURN_INTERRUPTED;
    turn = fake_say(chat, CF_ROLE_ASSISTANT, "This one was stopped");
    turn->state = CF_TURN_CANCELLED;
    turn = fake_say(chat, CF_ROLE_ASSISTANT, "This one is as long as allowed");
    turn->reason = CF_END_LENGTH;
    turn->model_name = "an-other-model-with-a-name";
    turn = fake_say(chat, CF_ROLE_ASSISTANT, "");
    turn->state = CF_TURN_WAITING;
    turn = fake_say(chat, CF_ROLE_USER, "and this waits");
    turn->state = CF_TURN_WAITING;
    chat->status.phase = CF_PHASE_EVALUATING;
    chat->status.n_queued = 1;
}

static void select_knobs(struct fake_chat *chat)
{
    chat->screen.transcript.selected = 5;
}

static void transcript__draw__shows_all_that_a_message_can_have(void **state)
{
    (void)state;
    static struct fake_chat chat;
    fake_init(&chat);
    say_everything(&chat);
    chat.data.transcript.has_focus = true;
    chat.data.footer.place = UI_IN_TRANSCRIPT;
    check_scene(&chat, select_knobs, "transcript");
}

static void scroll_to_top(struct fake_chat *chat)
{
    ui_transcript_to_top(&chat->screen.transcript, &chat->data.transcript);
    ui_transcript_select(&chat->screen.transcript, &chat->data.transcript, 0);
    chat->screen.transcript.n_seen_tokens = 0;
    chat->turns[chat->n - 1].n_tokens = 12;
}

static void transcript__draw__says_what_is_new(void **state)
{
    (void)state;
    static struct fake_chat chat;
    fake_init(&chat);
    say_everything(&chat);
    chat.data.transcript.has_focus = true;
    chat.data.transcript.query = "called LONG";
    chat.data.footer.place = UI_IN_TRANSCRIPT;
    check_scene(&chat, scroll_to_top, "scrolled");
}

static const char *const tags[] = {"weather", "trips"};

static const struct cf_chat_list_item items[] = {
    {.id = 12,
     .title = "Tea in the rain",
     .model = "gpt2 124M q8_0",
     .n_messages = 24,
     .updated_ms = INT64_C(1785529000000),
     .is_pinned = true},
    {.id = 14,
     .title = "An unread one 🌧🌧🌧 with pictures of rain",
     .model = "gpt2 124M q8_0",
     .n_messages = 2,
     .updated_ms = INT64_C(1795529000000),
     .is_unread = true},
    {.id = 11,
     .title = "我正在学习人工智能的历史和未来",
     .model = "gpt2-chinese-cluecorpussmall",
     .n_messages = 120000,
     .tags = tags,
     .n_tags = 2,
     .updated_ms = INT64_C(1795429000000)},
    {.id = 10, .title = "On Sunday", .model = "", .updated_ms = INT64_C(1795329000000)},
    {.id = 9,
     .title = "",
     .model = "gpt2",
     .n_messages = 8,
     .updated_ms = INT64_C(1785429000000),
     .is_interrupted = true},
    {.id = 7,
     .title = "A title that is much longer than any pane of any terminal would ever like to show",
     .model = "gpt2",
     .n_messages = 9,
     .updated_ms = INT64_C(1685429000000),
     .is_streaming = true},
    {.id = 1, .title = "escape \x1b[2J sequences", .model = "", .updated_ms = 0},
};

static void list__draw__shows_dates_numbers_titles(void **state)
{
    (void)state;
    static struct fake_chat chat;
    fake_init(&chat);
    fake_say(&chat, CF_ROLE_USER, "What should I drink when it rains?");
    fake_say(&chat, CF_ROLE_ASSISTANT, "Tea.");
    chat.data.has_list = true;
    chat.data.has_knobs = true;
    chat.data.focus = UI_PANE_LIST;
    static const struct cf_chat_listing listing = {
        .items = items, .n = CF_ARRAY_SIZE(items), .match = ""};
    chat.data.list.listing = &listing;
    chat.data.list.current = 12;
    static const int64_t tagged[] = {9, 10};
    chat.data.list.selected = 11;
    chat.data.list.tagged = tagged;
    chat.data.list.n_tagged = 2;
    chat.data.list.has_focus = true;
    chat.data.footer.place = UI_IN_LIST;
    check_scene(&chat, NULL, "list");
}

/* The archive, of which one is looked for; too many for the pane. */
static void list__draw__keeps_the_one_in_hand_in_view(void **state)
{
    (void)state;
    static struct fake_chat chat;
    enum { N = 50 };
    static struct cf_chat_list_item many[N];
    for (int i = 0; i < N; i++) {
        many[i] = items[1 + i % 3];
        many[i].id = 100 - i;
        many[i].updated_ms = INT64_C(1795529000000) - i * INT64_C(200000000);
    }
    static const struct cf_chat_listing listing = {
        .items = many, .n = N, .match = "rain", .shelf = CF_CHAT_SHELF_ARCHIVED};
    fake_init(&chat);
    chat.data.has_list = true;
    chat.data.focus = UI_PANE_LIST;
    chat.data.list.listing = &listing;
    chat.data.list.selected = 80;
    chat.data.list.has_focus = true;
    chat.data.footer.place = UI_IN_LIST;
    check_scene(&chat, NULL, "archive");
    /* A click finds what is drawn there, and no heading. */
    struct ui_grid grid = {0};
    struct ui_layout layout;
    draw(&chat, 80, 24, &grid, &layout);
    int n_found = 0;
    for (int y = 0; y < 24; y++) {
        int64_t id = ui_list_at(layout.list, &chat.data.list, &chat.screen.list, y);
        assert_true(id == 0 || (id > 50 && id <= 100));
        n_found += id != 0;
    }
    assert_true(n_found > 5 && n_found < 14);
    ui_grid_release(&grid);
}

/* The tree: depths, marks, states and texts of all kinds. */
static const struct cf_turn_mark tree_marks[] = {
    {.sampling = {.temperature = 0.8, .top_p = 0.9, .top_k = 40, .repeat_penalty = 1}}};
static const struct {
    enum cf_role role;
    enum cf_turn_state state;
    int32_t depth;
    bool is_branch, is_leaf, is_shown;
    int32_t sibling, n_siblings;
    const char *text;
} tree_rows[] = {
    {CF_ROLE_USER, CF_TURN_COMPLETE, 1, true, false, false, 0, 2, "What should I drink?"},
    {CF_ROLE_ASSISTANT, CF_TURN_INTERRUPTED, 2, true, true, false, 0, 3, "Coffee\n\x1b[2J of"},
    {CF_ROLE_ASSISTANT, CF_TURN_COMPLETE, 2, true, false, false, 1, 3,
     "热茶，或者一杯咖啡，都很好喝。"},
    {CF_ROLE_USER, CF_TURN_COMPLETE, 2, false, true, false, 0, 1, "🍵🍵🍵 why not?"},
    {CF_ROLE_ASSISTANT, CF_TURN_COMPLETE, 1, false, true, false, 2, 3,
     "I would have a cup of tea, because the rain is cold and tea is hot, and because there is "
     "nothing better on a day on which one cannot go out anyway."},
    {CF_ROLE_USER, CF_TURN_COMPLETE, 0, false, false, true, 1, 2, "What should I eat?"},
    {CF_ROLE_ASSISTANT, CF_TURN_COMPLETE, 0, false, true, true, 0, 1, "Soup."},
    {CF_ROLE_ASSISTANT, CF_TURN_COMPLETE, 60, true, true, false, 0, 2, "deep down"},
};

static void tree_at(void *context, size_t i, struct cf_chat_graph_row *row)
{
    static struct cf_chat_turn turn;
    (void)context;
    turn = (struct cf_chat_turn){.id = (int64_t)i + 1,
                                 .role = tree_rows[i].role,
                                 .state = tree_rows[i].state,
                                 .text = tree_rows[i].text,
                                 .size = strlen(tree_rows[i].text),
                                 .sibling = tree_rows[i].sibling,
                                 .n_siblings = tree_rows[i].n_siblings};
    if (turn.role == CF_ROLE_ASSISTANT) {
        turn.model_name = i == 4 ? "gpt2 124M q8_0" : NULL;
        turn.marks = tree_marks;
        turn.n_marks = 1;
        turn.n_tokens = 20 + i;
        turn.tokens_per_second = i == 1 ? 0 : 4.5 * (double)i;
    }
    *row = (struct cf_chat_graph_row){.turn = &turn,
                                      .depth = tree_rows[i].depth,
                                      .is_branch = tree_rows[i].is_branch,
                                      .is_leaf = tree_rows[i].is_leaf,
                                      .is_shown = tree_rows[i].is_shown};
}

static void tree__draw__shows_lanes_and_numbers(void **state)
{
    (void)state;
    static struct fake_chat chat;
    fake_init(&chat);
    chat.data.focus = UI_PANE_TREE;
    chat.data.footer.place = UI_IN_TREE;
    chat.data.tree = (struct ui_tree_data){.n = CF_ARRAY_SIZE(tree_rows),
                                           .at = tree_at,
                                           .model = "distilgpt2",
                                           .selected = 4,
                                           .tagged = 3};
    check_scene(&chat, NULL, "tree");
    size_t row = 0;
    struct ui_grid grid = {0};
    struct ui_layout layout;
    draw(&chat, 80, 24, &grid, &layout);
    assert_true(ui_tree_at(layout.whole, &chat.data.tree, 0, layout.whole.y + 3, &row));
    assert_int_equal(row, 2);
    assert_false(ui_tree_at(layout.whole, &chat.data.tree, 0, layout.whole.y, &row));
    ui_grid_release(&grid);
}

static void diff__draw__marks_what_differs(void **state)
{
    (void)state;
    static struct fake_chat chat;
    static struct cf_chat_diff_turn turns[] = {
        {.role = CF_ROLE_USER, .old = "What should I drink?", .new = "What should I eat, then?"},
        {.role = CF_ROLE_ASSISTANT,
         .old = "I would have a cup of tea, because the rain is cold. 喝红茶。 \x1b[2J",
         .new = "I would have a bowl of soup, because it is cold.\n喝绿茶。"},
        {.role = CF_ROLE_USER, .old = "", .new = "And then? 🍵"},
    };
    for (size_t i = 0; i < CF_ARRAY_SIZE(turns); i++) {
        cf_diff_words(&turns[i].diff, turns[i].old, strlen(turns[i].old), turns[i].new,
                      strlen(turns[i].new));
    }
    static const struct cf_chat_diff diff = {
        .turns = turns, .n = CF_ARRAY_SIZE(turns), .n_common = 2};
    fake_init(&chat);
    chat.data.focus = UI_PANE_DIFF;
    chat.data.footer.place = UI_IN_DIFF;
    chat.data.diff.diff = &diff;
    check_scene(&chat, NULL, "diff");
    int row = ui_diff_next(&chat.data.diff, 80, 0, 1);
    assert_int_equal(row, 1);
    row = ui_diff_next(&chat.data.diff, 80, row, 1);
    assert_int_equal(row, 4);
    assert_int_equal(ui_diff_next(&chat.data.diff, 80, 1000, 1), 1000);
    assert_int_equal(ui_diff_next(&chat.data.diff, 80, row, -1), 1);
    for (size_t i = 0; i < CF_ARRAY_SIZE(turns); i++) {
        cf_diff_release(&turns[i].diff);
    }
}

/* Pieces of all kinds as candidates, one of them in hand, the cursor on a token of the reply. */
static void tokens__draw__escapes_what_could_move_the_cursor(void **state)
{
    (void)state;
    static struct fake_chat chat;
    fake_init(&chat);
    fake_say(&chat, CF_ROLE_USER, "What should I drink when it rains?");
    fake_say(&chat, CF_ROLE_ASSISTANT, "I would have a cup of \xe6\xad\xa3 tea, of course.");
    static const struct cf_chat_look_token tokens[] = {
        {.begin = 0, .end = 1, .p_raw = 0.9F, .p_if = 1},
        {.begin = 1, .end = 22, .p_raw = 0.3F, .p_if = 0.2F},
        {.begin = 22, .end = 24, .p_raw = 0.1F, .p_if = 0},
        {.begin = 24, .end = 25, .p_raw = 0.002F, .p_if = 0.1F},
        {.begin = 25, .end = 29, .p_raw = 0.6F, .p_if = 0.6F},
        {.begin = 29, .end = 40, .p_raw = 0.6F, .p_if = 0.6F},
    };
    static struct cf_chat_look look = {.message = 2,
                                       .state = CF_LOOK_DONE,
                                       .tokens = tokens,
                                       .n = CF_ARRAY_SIZE(tokens),
                                       .n_compared = 6,
                                       .n_same = 6,
                                       .first_other = -1,
                                       .n_cut_if = 1};
    fake_choose(&chat);
    /* One taken by hand from far behind the candidates. */
    chat.choice.id = 40;
    chat.choice.rank = 1233;
    chat.choice.p_raw = 0.0002F;
    chat.choice.p = 0;
    chat.data.has_knobs = true;
    chat.data.transcript.has_focus = true;
    chat.data.transcript.look = &look;
    chat.data.transcript.look_token = 4;
    chat.data.knobs.look = &look;
    chat.data.knobs.token = 4;
    chat.data.knobs.is_steered = true;
    chat.candidate_in_hand = 8;
    chat.data.footer.place = UI_IN_CURSOR;
    check_scene(&chat, NULL, "tokens");
}

/* Two replies side by side, their common beginning faint. */
static void compare__draw__shows_both_with_their_settings(void **state)
{
    (void)state;
    static struct fake_chat chat;
    fake_init(&chat);
    struct cf_turn_mark cool = {.sampling = CF_SAMPLING_INIT};
    struct cf_turn_mark hot = {.sampling = CF_SAMPLING_INIT};
    cool.sampling.temperature = 0.7;
    hot.sampling.temperature = 1.4;
    struct cf_chat_turn *left =
        fake_say(&chat, CF_ROLE_ASSISTANT, "I would have a cup of \xe6\xad\xa3 tea, of course.");
    struct cf_chat_turn *right = fake_say(
        &chat, CF_ROLE_ASSISTANT, "I would have a cup of rain, and then another one, until night.");
    left->marks = &cool;
    right->marks = &hot;
    left->n_marks = right->n_marks = 1;
    left->n_tokens = 12;
    right->n_tokens = 16;
    right->state = CF_TURN_STREAMING;
    assert_int_equal(ui_compare_common(left, right), strlen("I would have a cup of "));
    chat.data.compare = (struct ui_compare_data){{left, right}};
    chat.data.focus = UI_PANE_COMPARE;
    chat.data.footer.place = UI_IN_COMPARE;
    check_scene(&chat, NULL, "compare");
}

static void to_the_top(struct fake_chat *chat)
{
    ui_compare_scroll(&chat->screen.compare, -100000);
    ui_compare_scroll(&chat->screen.compare, 1);
}

/* Both columns go together, and follow again once the end of the longer one is in view. */
static void compare__scroll__moves_both_columns(void **state)
{
    (void)state;
    static struct fake_chat chat;
    struct cf_buf texts[2] = {CF_BUF_INIT, CF_BUF_INIT};
    fake_init(&chat);
    for (int i = 1; i <= 70; i++) {
        cf_buf_addf(&texts[0], "left %d\n", i);
        if (i <= 66) {
            cf_buf_addf(&texts[1], "right %d\n", i);
        }
    }
    struct cf_chat_turn *left = fake_say(&chat, CF_ROLE_ASSISTANT, texts[0].data);
    struct cf_chat_turn *right = fake_say(&chat, CF_ROLE_ASSISTANT, texts[1].data);
    chat.data.compare = (struct ui_compare_data){{left, right}};
    chat.data.focus = UI_PANE_COMPARE;
    chat.data.footer.place = UI_IN_COMPARE;

    struct ui_grid grid = {0};
    struct ui_layout layout;
    draw(&chat, 80, 24, &grid, &layout);
    struct ui_compare_view *view = &chat.screen.compare;
    assert_false(view->is_scrolled);
    int end = view->top;
    ui_compare_scroll(view, -2);
    draw(&chat, 80, 24, &grid, &layout);
    assert_true(view->is_scrolled);
    assert_int_equal(view->top, end - 2);
    /* What is added below does not move it. */
    right->text = "right\n";
    right->size = strlen(right->text);
    draw(&chat, 80, 24, &grid, &layout);
    assert_int_equal(view->top, end - 2);
    ui_compare_scroll(view, 2);
    draw(&chat, 80, 24, &grid, &layout);
    assert_false(view->is_scrolled);
    right->text = texts[1].data;
    right->size = texts[1].size;
    ui_grid_release(&grid);
    check_scene(&chat, to_the_top, "compare-scrolled");
    cf_buf_release(&texts[0]);
    cf_buf_release(&texts[1]);
}

/* Each token in its style, in the transcript's cells. */
static void tokens__styles__stand_on_their_tokens(void **state)
{
    (void)state;
    static struct fake_chat chat;
    fake_init(&chat);
    fake_say(&chat, CF_ROLE_USER, "one two three");
    static const struct cf_chat_look_token tokens[] = {
        {.begin = 0, .end = 3, .p_raw = 0.9F, .p_if = 1},
        {.begin = 3, .end = 7, .p_raw = 0.3F, .p_if = 0},
        {.begin = 7, .end = 13, .p_raw = 0.3F, .p_if = 0.5F},
    };
    static const struct cf_chat_look look = {.message = 1,
                                             .state = CF_LOOK_DONE,
                                             .tokens = tokens,
                                             .n = CF_ARRAY_SIZE(tokens),
                                             .first_other = -1,
                                             .n_cut_if = 1};
    chat.data.transcript.look = &look;
    chat.data.transcript.look_token = 2;
    struct ui_grid grid = {0};
    struct ui_layout layout;
    draw(&chat, 60, 12, &grid, &layout);
    static const struct {
        int x;
        enum ui_style_name style;
    } cells[] = {{0, UI_STYLE_TEXT},   {2, UI_STYLE_TEXT},    {4, UI_STYLE_CUT},  {6, UI_STYLE_CUT},
                 {8, UI_STYLE_CURSOR}, {12, UI_STYLE_CURSOR}, {13, UI_STYLE_TEXT}};
    int x = 0;
    int y = layout.transcript.y;
    while (ui_grid_at(&grid, x, y)->chars[0] != 'o' || x < 6) {
        x++;
        assert_true(x < 20);
    }
    for (size_t i = 0; i < CF_ARRAY_SIZE(cells); i++) {
        const struct ui_style *style = &ui_grid_at(&grid, x + cells[i].x, y)->style;
        assert_memory_equal(style, &chat.theme.styles[cells[i].style], sizeof *style);
    }
    ui_grid_release(&grid);
    fake_release(&chat);
}

static void knobs__draw__shows_every_knob(void **state)
{
    (void)state;
    static struct fake_chat chat;
    fake_init(&chat);
    fake_say(&chat, CF_ROLE_USER, "What should I drink when it rains?");
    fake_choose(&chat);
    chat.choice.id = 6;
    chat.choice.rank = 6;
    chat.choice.p_raw = 0.005f;
    chat.choice.cut = CF_CUT_MIN_P; /* though top-p is set too */
    chat.settings.sampling.top_p = 0.99;
    chat.data.has_knobs = true;
    chat.data.focus = UI_PANE_KNOBS;
    chat.data.knobs.has_focus = true;
    chat.data.knobs.selected = 5;
    chat.data.footer.place = UI_IN_KNOBS;
    /* The footer tells what a person set, and not what is as usual or came by a preset. */
    static const struct {
        enum cf_setting setting;
        const char *value;
        bool is_by_preset;
    } own[] = {{CF_SETTING_REPEAT_PENALTY, "1.15", false},
               {CF_SETTING_MIN_P, "0.055", false},
               {CF_SETTING_TOP_K, "40", true}};
    for (size_t i = 0; i < CF_ARRAY_SIZE(own); i++) {
        assert_int_equal(cf_settings_set(&chat.settings, own[i].setting, own[i].value,
                                         CF_ORIGIN_USER, NULL, NULL),
                         CF_OK);
        chat.settings.sources[own[i].setting].is_by_preset = own[i].is_by_preset;
    }
    check_scene(&chat, NULL, "knobs");
}

static void search__draw__marks_what_matched(void **state)
{
    (void)state;
    static const struct cf_chat_span marks[] = {{0, 3}, {16, 19}};
    static const char far[] =
        "he was very happy and happy and 他很高兴 and he knew that he was playing "
        "in the garden with his tea set";
    static const struct cf_chat_span far_mark = {sizeof far - sizeof "tea set",
                                                 sizeof far - sizeof " set"};
    static const char han[] = "🍵🍵 下雨天喝热茶，🌧 "
                              "喝红茶，喝绿茶，喝白茶，喝黑茶，都很好喝";
    static const struct cf_chat_span han_mark = {sizeof "🍵🍵 下雨天喝热" - 1,
                                                 sizeof "🍵🍵 下雨天喝热茶" - 1};
    static const struct cf_chat_hit hits[] = {
        {.conversation = 12,
         .message = 3,
         .role = CF_ROLE_USER,
         .title = "Tea in the rain",
         .snippet = "tea in the rain\ntea with milk",
         .snippet_size = 29,
         .is_cut_before = true,
         .is_cut_after = true,
         .marks = marks,
         .n_marks = 2,
         .created_ms = INT64_C(1795529000000)},
        {.conversation = 7,
         .message = 1,
         .role = CF_ROLE_ASSISTANT,
         .title = "",
         .snippet = "a \x1b[31mred\x1b[m one 茶",
         .snippet_size = sizeof "a \x1b[31mred\x1b[m one 茶" - 1,
         .created_ms = INT64_C(1685429000000)},
        {.conversation = 5,
         .message = 9,
         .role = CF_ROLE_ASSISTANT,
         .title = "Far behind",
         .snippet = far,
         .snippet_size = sizeof far - 1,
         .marks = &far_mark,
         .n_marks = 1,
         .created_ms = INT64_C(1795429000000)},
        {.conversation = 6,
         .message = 10,
         .role = CF_ROLE_SYSTEM,
         .title = "一个很长很长的标题，没有任何终端可以把它完整地显示出来，无论如何",
         .snippet = han,
         .snippet_size = sizeof han - 1,
         .marks = &han_mark,
         .n_marks = 1,
         .created_ms = INT64_C(1795429000000)},
    };
    static const struct cf_chat_findings findings = {
        .words = "tea", .note = "", .has_more = true, .is_limited = true};
    static struct fake_chat chat;
    fake_init(&chat);
    chat.data.search.findings = &findings;
    chat.data.focus = UI_PANE_SEARCH;
    chat.data.search.hits = hits;
    chat.data.search.n = CF_ARRAY_SIZE(hits);
    chat.data.search.query = "tea";
    chat.data.footer.place = UI_IN_SEARCH;
    check_scene(&chat, NULL, "search");
}

static void help__draw__lists_every_action_and_command(void **state)
{
    (void)state;
    static struct fake_chat chat;
    fake_init(&chat);
    chat.data.focus = UI_PANE_HELP;
    chat.data.footer.place = UI_IN_HELP;
    /* All of it on one sheet: every row of both tables is there. */
    struct ui_grid grid = {0};
    struct ui_layout layout;
    draw(&chat, 120, 250, &grid, &layout);
    struct cf_buf sheet = CF_BUF_INIT;
    ui_grid_dump(&grid, &sheet);
    for (int i = UI_NONE + 1; i < UI_N_ACTIONS; i++) {
        const struct ui_action_info *info = ui_action_info((enum ui_action)i);
        assert_non_null(strstr(sheet.data, info->help));
        assert_non_null(strstr(sheet.data, info->keys));
    }
    for (int i = 0; i < CF_N_COMMANDS; i++) {
        char name[64];
        snprintf(name, sizeof name, " /%s", cf_command_info((enum cf_command)i)->name);
        assert_non_null(strstr(sheet.data, name));
        assert_non_null(strstr(sheet.data, cf_command_info((enum cf_command)i)->help));
    }
    cf_buf_release(&sheet);
    ui_grid_release(&grid);
    check_scene(&chat, NULL, "help");
}

static void screen__draw__welcomes(void **state)
{
    (void)state;
    static const char *const lines[] = {"This is the small model that comes with confab.",
                                        "A bigger one: confab -m MODEL."};
    static struct fake_chat chat;
    fake_init(&chat);
    chat.status = (struct cf_chat_status){.phase = CF_PHASE_LOADING,
                                          .title = "",
                                          .model_name = "",
                                          .template_name = "",
                                          .system_text = ""};
    chat.data.transcript.welcome = lines;
    chat.data.transcript.n_welcome = 2;
    chat.data.footer.notice = "Ctrl-C again quits";
    check_scene(&chat, NULL, "welcome");
}

static void screen__draw__lays_answers_over_the_body(void **state)
{
    (void)state;
    static struct fake_chat chat;
    fake_init(&chat);
    fake_say(&chat, CF_ROLE_USER, "What should I drink when it rains?");
    fake_say(&chat, CF_ROLE_ASSISTANT, "Tea.");
    chat.data.answer = "model   gpt2 124M q8_0\nreply   43 tokens, 96.4 tokens/s";
    chat.data.n_input_rows = 3;
    check_scene(&chat, NULL, "answer");
    static struct fake_chat other;
    fake_init(&other);
    fake_say(&other, CF_ROLE_USER, "What should I drink when it rains?");
    struct cf_completions offers;
    cf_command_complete(&offers, "/", 1, NULL, NULL);
    other.data.offers = &offers;
    check_scene(&other, NULL, "offers");
    cf_completions_release(&offers);
}

int main(void)
{
    setenv("TZ", "UTC", 1);
    tzset();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(screen__draw__as_in_the_picture),
        cmocka_unit_test(transcript__draw__shows_all_that_a_message_can_have),
        cmocka_unit_test(transcript__draw__says_what_is_new),
        cmocka_unit_test(list__draw__shows_dates_numbers_titles),
        cmocka_unit_test(list__draw__keeps_the_one_in_hand_in_view),
        cmocka_unit_test(tree__draw__shows_lanes_and_numbers),
        cmocka_unit_test(diff__draw__marks_what_differs),
        cmocka_unit_test(knobs__draw__shows_every_knob),
        cmocka_unit_test(tokens__draw__escapes_what_could_move_the_cursor),
        cmocka_unit_test(compare__draw__shows_both_with_their_settings),
        cmocka_unit_test(compare__scroll__moves_both_columns),
        cmocka_unit_test(tokens__styles__stand_on_their_tokens),
        cmocka_unit_test(search__draw__marks_what_matched),
        cmocka_unit_test(help__draw__lists_every_action_and_command),
        cmocka_unit_test(screen__draw__welcomes),
        cmocka_unit_test(screen__draw__lays_answers_over_the_body),
    };
    return cmocka_run_group_tests_name("pane", tests, NULL, NULL);
}
