/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pane_transcript and pane_block: the reader's place stands still, and only what is on the screen
 * is laid out. */
#include "test.h"

#include <stdio.h>

#include "fake_chat.h"

enum { WIDTH = 60, HEIGHT = 10 };

static struct fake_chat chat;
static struct ui_grid grid;
static char texts[FAKE_TURNS_MAX][4096];

static int setup(void **state)
{
    (void)state;
    fake_init(&chat);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_release(&chat);
    ui_grid_release(&grid);
    return 0;
}

static struct cf_chat_turn *say_long(enum cf_role role, int n_words)
{
    char *text = texts[chat.n];
    int at = 0;
    for (int i = 0; i < n_words; i++) {
        at += snprintf(text + at, sizeof texts[0] - (size_t)at, "t%zuw%d ", chat.n, i);
    }
    return fake_say(&chat, role, text);
}

/* Adds words to the last turn, as a reply that streams. */
static void grow(int n_words)
{
    struct cf_chat_turn *turn = &chat.turns[chat.n - 1];
    char *text = texts[chat.n - 1];
    for (int i = 0; i < n_words; i++) {
        int n = snprintf(text + turn->size, sizeof texts[0] - turn->size, "more%zu ", turn->size);
        turn->size += (size_t)n;
        turn->n_tokens++;
    }
}

/* The transcript drawn at a size, as text. */
static char *draw(int width, int height)
{
    struct ui_paint paint = {&grid, &chat.theme};
    fake_fill(&chat);
    ui_grid_resize(&grid, width, height);
    ui_transcript_draw(&chat.screen.transcript, &paint, (struct ui_rect){0, 0, width, height},
                       &chat.data.transcript);
    ui_grid_assert_sane(&grid);
    struct cf_buf text = CF_BUF_INIT;
    ui_grid_dump(&grid, &text);
    return cf_buf_take(&text);
}

static void assert_draws(const char *expected)
{
    char *text = draw(WIDTH, HEIGHT);
    assert_string_equal(text, expected);
    free(text);
}

static void scroll(int rows)
{
    ui_transcript_scroll(&chat.screen.transcript, &chat.data.transcript, rows);
}

static void say_much(void)
{
    for (int i = 0; i < 20; i++) {
        say_long(i % 2 == 0 ? CF_ROLE_USER : CF_ROLE_ASSISTANT, 30);
    }
    struct cf_chat_turn *turn = say_long(CF_ROLE_ASSISTANT, 1);
    turn->state = CF_TURN_STREAMING;
}

static void transcript__draw__follows_the_stream_at_its_end(void **state)
{
    (void)state;
    say_much();
    for (int i = 0; i < 60; i++) {
        char *text = draw(WIDTH, HEIGHT);
        assert_non_null(strstr(text, "▌"));
        free(text);
        grow(1);
    }
    struct cf_buf news = CF_BUF_INIT;
    assert_false(ui_transcript_news(&chat.screen.transcript, &chat.data.transcript, &news));
    cf_buf_release(&news);
}

static void transcript__draw__stands_still_while_a_reply_streams(void **state)
{
    (void)state;
    say_much();
    free(draw(WIDTH, HEIGHT));
    grow(20);
    free(draw(WIDTH, HEIGHT));
    scroll(-2);
    char *before = draw(WIDTH, HEIGHT);
    for (int i = 0; i < 80; i++) {
        grow(1);
        /* What is in view of the growing message may fill up; what was there stays. */
        char *after = draw(WIDTH, HEIGHT);
        char *end = strchr(before, '\n');
        assert_non_null(end);
        assert_memory_equal(before, after, (size_t)(end - before));
        free(after);
    }
    struct cf_buf news = CF_BUF_INIT;
    assert_true(ui_transcript_news(&chat.screen.transcript, &chat.data.transcript, &news));
    assert_string_equal(news.data, "↓ 80 new tokens");
    cf_buf_clear(&news);
    free(before);
    /* The reply ends, its numbers change, another begins. */
    before = draw(WIDTH, HEIGHT);
    chat.turns[chat.n - 1].state = CF_TURN_COMPLETE;
    say_long(CF_ROLE_USER, 40);
    assert_draws(before);
    assert_true(ui_transcript_news(&chat.screen.transcript, &chat.data.transcript, &news));
    assert_string_equal(news.data, "↓ 1 new message");
    cf_buf_release(&news);
    free(before);
    ui_transcript_to_end(&chat.screen.transcript);
    char *text = draw(WIDTH, HEIGHT);
    assert_non_null(strstr(text, "t21w39"));
    free(text);
}

static void transcript__draw__keeps_the_place_through_any_resize(void **state)
{
    (void)state;
    say_much();
    free(draw(WIDTH, HEIGHT));
    scroll(-40);
    char *before = draw(WIDTH, HEIGHT);
    static const struct {
        int width;
        int height;
    } sizes[] = {{200, 60}, {20, 5}, {1, 1}, {80, 24}, {33, 7}, {3, 2}, {120, 40}};
    for (size_t i = 0; i < CF_ARRAY_SIZE(sizes); i++) {
        free(draw(sizes[i].width, sizes[i].height));
    }
    char *after = draw(WIDTH, HEIGHT);
    assert_string_equal(before, after);
    free(before);
    free(after);
}

static void transcript__draw__follows_when_a_resize_shows_the_end(void **state)
{
    (void)state;
    say_much();
    free(draw(WIDTH, HEIGHT));
    scroll(-5);
    free(draw(WIDTH, HEIGHT));
    for (int i = 0; i < 30; i++) {
        char *text = draw(WIDTH, HEIGHT + 20);
        assert_non_null(strstr(text, "▌"));
        free(text);
        grow(5);
    }
    char *text = draw(WIDTH, HEIGHT);
    assert_null(strstr(text, "▌"));
    free(text);
}

static void transcript__scroll__goes_every_row_both_ways(void **state)
{
    (void)state;
    say_much();
    chat.turns[4].n_siblings = 3;
    chat.status.first_visible = 6;
    free(draw(WIDTH, HEIGHT));
    char *rows[200];
    size_t n = 0;
    char *last = draw(WIDTH, HEIGHT);
    for (;;) {
        rows[n++] = last;
        assert_true(n < CF_ARRAY_SIZE(rows));
        scroll(-1);
        last = draw(WIDTH, HEIGHT);
        if (strcmp(last, rows[n - 1]) == 0) {
            free(last);
            break;
        }
        /* Moved by one row: what was the first row is the second. */
        const char *second = strchr(last, '\n') + 1;
        size_t size = (size_t)(strchr(rows[n - 1], '\n') - rows[n - 1]);
        assert_memory_equal(second, rows[n - 1], size);
    }
    assert_non_null(strstr(rows[n - 1], "t0w0"));
    while (n-- > 0) {
        assert_draws(rows[n]);
        free(rows[n]);
        scroll(1);
    }
    assert_false(chat.screen.transcript.is_scrolled);
    scroll(-100000);
    char *text = draw(WIDTH, HEIGHT);
    assert_non_null(strstr(text, "t0w0"));
    free(text);
    scroll(100000);
    assert_false(chat.screen.transcript.is_scrolled);
}

static void transcript__select__shows_the_message_and_no_more_is_moved(void **state)
{
    (void)state;
    say_much();
    free(draw(WIDTH, HEIGHT));
    for (size_t i = chat.n; i-- > 0;) {
        ui_transcript_select(&chat.screen.transcript, &chat.data.transcript, i);
        size_t index;
        assert_true(ui_transcript_selected(&chat.screen.transcript, &chat.data.transcript, &index));
        assert_int_equal(index, i);
        char word[32];
        snprintf(word, sizeof word, "t%zuw0", i);
        char *text = draw(WIDTH, HEIGHT);
        assert_non_null(strstr(text, word));
        /* What is in view already moves nothing. */
        ui_transcript_select(&chat.screen.transcript, &chat.data.transcript, i);
        assert_draws(text);
        free(text);
    }
    for (size_t i = 0; i < chat.n; i++) {
        ui_transcript_select(&chat.screen.transcript, &chat.data.transcript, i);
        char word[32];
        snprintf(word, sizeof word, "t%zuw%d", i, i + 1 < chat.n ? 29 : 0);
        char *text = draw(WIDTH, HEIGHT);
        assert_non_null(strstr(text, word));
        free(text);
    }
}

static void transcript__select_in_view__takes_what_can_be_seen(void **state)
{
    (void)state;
    say_much();
    free(draw(WIDTH, HEIGHT));
    size_t index;
    ui_transcript_select_in_view(&chat.screen.transcript, &chat.data.transcript);
    assert_true(ui_transcript_selected(&chat.screen.transcript, &chat.data.transcript, &index));
    assert_int_equal(index, chat.n - 1);
    scroll(-100000);
    ui_transcript_select_in_view(&chat.screen.transcript, &chat.data.transcript);
    assert_true(ui_transcript_selected(&chat.screen.transcript, &chat.data.transcript, &index));
    assert_true(index < 4);
}

static void transcript__draw__survives_messages_that_go(void **state)
{
    (void)state;
    say_much();
    free(draw(WIDTH, HEIGHT));
    scroll(-30);
    free(draw(WIDTH, HEIGHT));
    while (chat.n > 0) {
        chat.n--;
        free(draw(WIDTH, HEIGHT));
    }
    assert_false(ui_transcript_news(&chat.screen.transcript, &chat.data.transcript, NULL));
    fake_say(&chat, CF_ROLE_USER, "again");
    char *text = draw(WIDTH, HEIGHT);
    assert_non_null(strstr(text, "again"));
    free(text);
}

static void transcript__draw__lays_out_what_is_seen_only(void **state)
{
    (void)state;
    for (int i = 0; i < FAKE_TURNS_MAX; i++) {
        say_long(i % 2 == 0 ? CF_ROLE_USER : CF_ROLE_ASSISTANT, 30);
    }
    free(draw(WIDTH, HEIGHT));
    assert_true(chat.screen.transcript.blocks.n <= HEIGHT);
    scroll(-100000);
    free(draw(WIDTH, HEIGHT));
    /* The way up passes every message; the cache keeps to its size. */
    assert_int_equal(chat.screen.transcript.blocks.n, UI_BLOCKS_MAX);
}

/* A reply shown piece by piece is laid out as one shown at once. */
static void block__get__grows_as_if_built_at_once(void **state)
{
    (void)state;
    static const char text[] =
        "Tea \xe6\xad\xa3 and\n\n\x1b[1m rain \xff\xf0\x9f\x8d\xb5 and more, "
        "with a mark in the middle of it and words to wrap about";
    static struct cf_turn_mark marks[2];
    struct ui_blocks pieces = {0};
    ui_blocks_set_width(&pieces, 23);
    struct cf_chat_turn turn = {.id = 1, .role = CF_ROLE_ASSISTANT, .text = text};
    turn.state = CF_TURN_STREAMING;
    marks[0].sampling = CF_SAMPLING_INIT;
    marks[1] = (struct cf_turn_mark){20, 30, CF_SAMPLING_INIT};
    marks[1].sampling.temperature = 0.5;
    turn.marks = marks;
    turn.n_marks = 1;
    for (turn.size = 0; turn.size < sizeof text - 1; turn.size++) {
        turn.n_marks = turn.size >= 30 ? 2 : 1;
        const struct ui_block *grown = ui_blocks_get(&pieces, &turn, false);
        ui_wrap_assert_sane(&grown->wrap);
        struct ui_blocks whole = {0};
        ui_blocks_set_width(&whole, 23);
        const struct ui_block *built = ui_blocks_get(&whole, &turn, false);
        assert_string_equal(grown->shown.data, built->shown.data);
        assert_int_equal(grown->wrap.n_rows, built->wrap.n_rows);
        assert_int_equal(grown->n_pieces, built->n_pieces);
        for (size_t i = 0; i < built->wrap.n_rows; i++) {
            assert_int_equal(grown->wrap.rows[i].begin, built->wrap.rows[i].begin);
            assert_int_equal(grown->wrap.rows[i].end, built->wrap.rows[i].end);
        }
        ui_blocks_release(&whole);
    }
    ui_blocks_release(&pieces);
}

static void transcript__matches__finds_all_words_folded(void **state)
{
    (void)state;
    const struct cf_chat_turn *turn = fake_say(&chat, CF_ROLE_USER, "Tea in the Rain");
    assert_true(ui_transcript_matches(turn, "rain"));
    assert_true(ui_transcript_matches(turn, "R\u00c0IN \"tea in\""));
    assert_false(ui_transcript_matches(turn, "snow \"tea\""));
    assert_false(ui_transcript_matches(turn, "ain"));
    assert_false(ui_transcript_matches(turn, "snow"));
    assert_false(ui_transcript_matches(turn, ""));
    assert_false(ui_transcript_matches(turn, " * "));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Where knobs were turned stands in the text, or does not. */
static void blocks__hide_marks__shows_none(void **state)
{
    (void)state;
    struct cf_turn_mark marks[2] = {{.sampling = CF_SAMPLING_INIT},
                                    {.begin = 2, .offset = 3, .sampling = CF_SAMPLING_INIT}};
    marks[1].sampling.temperature = 1.5;
    const struct cf_chat_turn turn = {.id = 1,
                                      .role = CF_ROLE_ASSISTANT,
                                      .text = "one two",
                                      .size = 7,
                                      .marks = marks,
                                      .n_marks = 2};
    static struct ui_blocks blocks;
    ui_blocks_set_width(&blocks, 40);
    assert_string_equal(ui_blocks_get(&blocks, &turn, false)->shown.data,
                        "one\xe2\x80\xb9T 1.00 \xe2\x86\x92 1.50\xe2\x80\xba two");
    ui_blocks_hide_marks(&blocks, true);
    assert_string_equal(ui_blocks_get(&blocks, &turn, false)->shown.data, "one two");
    ui_blocks_hide_marks(&blocks, false);
    assert_int_equal(ui_blocks_get(&blocks, &turn, false)->n_pieces, 3);
    ui_blocks_release(&blocks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks__hide_marks__shows_none),
        TEST(transcript__draw__follows_the_stream_at_its_end),
        TEST(transcript__draw__stands_still_while_a_reply_streams),
        TEST(transcript__draw__keeps_the_place_through_any_resize),
        TEST(transcript__draw__follows_when_a_resize_shows_the_end),
        TEST(transcript__scroll__goes_every_row_both_ways),
        TEST(transcript__select__shows_the_message_and_no_more_is_moved),
        TEST(transcript__select_in_view__takes_what_can_be_seen),
        TEST(transcript__draw__survives_messages_that_go),
        TEST(transcript__draw__lays_out_what_is_seen_only),
        TEST(block__get__grows_as_if_built_at_once),
        TEST(transcript__matches__finds_all_words_folded),
    };
    return cmocka_run_group_tests_name("transcript", tests, NULL, NULL);
}
