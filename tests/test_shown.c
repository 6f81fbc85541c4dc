/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The numbers that the candidates' pane shows are those of `confab logits': a chat with the bundled
 * model is held, stepped and turned at many places, and what it says of each is computed again from
 * the logits that the command writes for the same tokens. */
#include "chat_harness.h"

#include <math.h>

#include "fake_chat.h"
#include "ids.h"
#include "model.h"
#include "program.h"
#include "tokenizer.h"

enum { SHOWN_MAX = 64, PANE_WIDTH = 44, PANE_HEIGHT = 60, HEAD_ROWS = 2 };

/* What was shown before the token at POSITION of all the ids, or of it. */
struct shown {
    int32_t position;
    struct cf_sampling sampling;
    struct cf_choice choice;
    struct cf_buf pane; /* as drawn while it was held; empty for a token that came */
};

struct showing {
    struct chat_fixture fixture;
    struct cf_ids ids; /* prompt and reply */
    int32_t n_prompt;
    struct shown shown[SHOWN_MAX];
    size_t n;
};

static int set_up_showing(void **state)
{
    program_begin();
    struct showing *showing = cf_calloc(1, sizeof *showing);
    struct chat_fixture *fixture = &showing->fixture;
    *fixture = (struct chat_fixture){.streamed = CF_BUF_INIT};
    struct cf_buf path = CF_BUF_INIT;
    cf_buf_addf(&path, "%s/data/model.gguf", TEST_SRCDIR);
    fixture->model = cf_buf_take(&path);
    cf_settings_init(&fixture->settings);
    cf_config_init(&fixture->config);
    set_option(fixture, "template", "transcript");
    set_option(fixture, "threads", "1");
    set_option(fixture, "seed", "11");
    set_option(fixture, "kv", "f32");
    start(fixture, false);
    settle(fixture);
    *state = showing;
    return 0;
}

static int tear_down_showing(void **state)
{
    struct showing *showing = *state;
    struct chat_fixture *fixture = &showing->fixture;
    cf_chat_free(fixture->chat);
    free(fixture->model);
    cf_settings_release(&fixture->settings);
    cf_config_release(&fixture->config);
    cf_buf_release(&fixture->streamed);
    for (size_t i = 0; i < showing->n; i++) {
        cf_buf_release(&showing->shown[i].pane);
    }
    cf_ids_release(&showing->ids);
    free(showing);
    program_end();
    return 0;
}

static const char *piece_of(const void *context, int32_t id, size_t *size)
{
    return cf_chat_piece(context, id, size);
}

/* The pane as the face draws it while candidates are chosen from. */
static void draw_pane(struct cf_chat *chat, struct cf_buf *pane)
{
    struct ui_grid grid = {0};
    struct ui_theme theme;
    int top = 0;
    ui_theme_builtin(&theme, "auto", NULL);
    ui_grid_resize(&grid, PANE_WIDTH, PANE_HEIGHT);
    const struct ui_paint paint = {&grid, &theme};
    const struct ui_knobs_data data = {.settings = cf_chat_settings(chat),
                                       .choice = cf_chat_choice(chat),
                                       .piece = piece_of,
                                       .context = chat,
                                       .candidate = -1,
                                       .is_steered = true};
    ui_knobs_draw(&paint, (struct ui_rect){0, 0, PANE_WIDTH, PANE_HEIGHT}, &data, &top);
    ui_grid_dump(&grid, pane);
    ui_grid_release(&grid);
}

/* Keeps what the chat shows now, of the token behind the first N_TOKENS of the reply. */
static void keep(struct showing *showing, size_t n_tokens, bool is_held)
{
    struct cf_chat *chat = showing->fixture.chat;
    assert_true(showing->n < SHOWN_MAX);
    struct shown *shown = &showing->shown[showing->n++];
    assert_non_null(cf_chat_choice(chat));
    *shown = (struct shown){.position = showing->n_prompt + (int32_t)n_tokens,
                            .sampling = cf_chat_settings(chat)->sampling,
                            .choice = *cf_chat_choice(chat),
                            .pane = CF_BUF_INIT};
    if (is_held) {
        draw_pane(chat, &shown->pane);
    }
}

static bool has_new_choice(const struct chat_fixture *fixture)
{
    return (fixture->changes & CF_CHANGE_CHOICE) != 0;
}

/* Turns a knob of the held reply: what is held is cut anew, with no token drawn. */
static void turn(struct showing *showing, const char *name, const char *value, size_t n_tokens)
{
    struct chat_fixture *fixture = &showing->fixture;
    struct cf_err err = CF_ERR_INIT;
    fixture->changes = 0;
    if (cf_chat_set(fixture->chat, name, value, &err) != CF_OK) {
        fail_msg("%s", err.text);
    }
    pump_until(fixture, has_new_choice);
    assert_int_equal(last_turn(fixture)->n_tokens, n_tokens);
    keep(showing, n_tokens, true);
}

/* The first candidate from NUMBER on that is a word, so that no reply ends by it. */
static int32_t word_from(struct cf_chat *chat, int32_t number)
{
    const struct cf_choice *choice = cf_chat_choice(chat);
    for (; number < choice->n_candidates; number++) {
        size_t size = 0;
        const char *piece = cf_chat_piece(chat, choice->candidates[number].id, &size);
        if (size > 1 && strspn(piece, " abcdefghijklmnopqrstuvwxyz") >= size) {
            return choice->candidates[number].id;
        }
    }
    fail_msg("no candidate is a word");
    return -1;
}

/* Whether the choice shown is still the one that the last token came from. */
static bool is_of_last_token(const struct chat_fixture *fixture)
{
    const struct cf_choice *choice = cf_chat_choice(fixture->chat);
    const struct cf_chat_turn *reply = last_turn(fixture);
    const struct cf_recipe_token *token = &reply->tokens[reply->n_tokens - 1];
    return choice->id == token->id && choice->rank == token->rank &&
           fabsf(choice->p_raw - token->p_raw) <= 0;
}

/* Takes a candidate as the next token, and keeps what is said of the one behind it. */
static void step(struct showing *showing, size_t n_tokens)
{
    struct chat_fixture *fixture = &showing->fixture;
    int32_t id = word_from(fixture->chat, (int32_t)(n_tokens % 4));
    assert_int_equal(cf_chat_step(fixture->chat, id, NULL), CF_OK);
    while (!has_tokens(fixture, n_tokens + 1) || is_of_last_token(fixture)) {
        wait_a_little(fixture);
        pump(fixture);
    }
    keep(showing, n_tokens + 1, true);
}

static void begin(struct showing *showing, const char *text)
{
    struct chat_fixture *fixture = &showing->fixture;
    struct cf_buf prompt = CF_BUF_INIT;
    cf_buf_addf(&prompt, "User: %s\nAssistant:", text);
    cf_tokenizer_encode(cf_chat_tokenizer(fixture->chat), prompt.data, prompt.size, &showing->ids);
    cf_buf_release(&prompt);
    send_held(fixture, text, 0);
    showing->n_prompt = cf_chat_status(fixture->chat)->n_prompt;
    assert_int_equal(showing->n_prompt, showing->ids.n);
    keep(showing, 0, true);
}

/* --- the same from what `logits' writes ------------------------------------------------------- */

static void run_logits(const struct showing *showing, struct program_result *result)
{
    struct cf_buf ids = CF_BUF_INIT;
    for (size_t i = 0; i < showing->ids.n; i++) {
        cf_buf_addf(&ids, "%s%d", i > 0 ? "," : "", (int)showing->ids.data[i]);
    }
    PROGRAM(result, 0, NULL, "-m", showing->fixture.model, "logits", "--ids", ids.data);
    cf_buf_release(&ids);
}

/* To four digits. */
static void assert_near(double shown, double computed)
{
    if (!(fabs(shown - computed) <= 5e-5 * computed + 1e-9)) {
        fail_msg("%.9g is shown, %.9g computed", shown, computed);
    }
}

static void softmax(const float *logits, int32_t n, double *p)
{
    double best = -INFINITY;
    double sum = 0;
    for (int32_t i = 0; i < n; i++) {
        best = fmax(best, (double)logits[i]);
    }
    for (int32_t i = 0; i < n; i++) {
        p[i] = exp((double)logits[i] - best);
        sum += p[i];
    }
    for (int32_t i = 0; i < n; i++) {
        p[i] /= sum;
    }
}

/* The numbers of the pane's row NUMBER below its head: both percentages, or, of one that was cut,
 * the raw one alone. */
static void assert_row(const struct cf_buf *pane, int number, double p_raw, double p)
{
    const char *row = pane->data;
    for (int i = 0; i < number + HEAD_ROWS; i++) {
        row = strchr(row, '\n') + 1;
    }
    char text[512];
    (void)snprintf(text, sizeof text, "%.*s", (int)strcspn(row, "\n"), row);
    double numbers[2] = {-1, 0};
    int n = 0;
    for (char *sign = text; (sign = strstr(sign, " %")) != NULL; sign += 2) {
        char *begin = sign;
        while (begin > text && strchr("0123456789.", begin[-1]) != NULL) {
            begin--;
        }
        assert_true(n < 2);
        numbers[n++] = strtod(begin, NULL) / 100;
    }
    assert_int_equal(n, p > 0 ? 2 : 1);
    assert_true(fabs(numbers[0] - p_raw) <= 0.000501);
    assert_true(fabs(numbers[1] - p) <= 0.000501);
}

static bool is_cut_line(const struct cf_buf *pane, int number)
{
    const char *row = pane->data;
    for (int i = 0; i < number + HEAD_ROWS; i++) {
        row = strchr(row, '\n') + 1;
    }
    return strncmp(row, " \xe2\x94\x84", 4) == 0; /* ┄ */
}

static void check_pane(const struct shown *shown, const double *raw, const double *in_force)
{
    int number = 0;
    bool is_cut = false;
    for (int32_t i = 0; i < shown->choice.n_candidates; i++, number++) {
        int32_t id = shown->choice.candidates[i].id;
        if (!is_cut && !(in_force[id] > 0)) {
            is_cut = true;
            assert_true(is_cut_line(&shown->pane, number++));
        }
        assert_row(&shown->pane, number, raw[id], in_force[id]);
    }
}

static void check_shown(const struct shown *shown, const struct showing *showing,
                        struct cf_sampler *sampler, const float *logits, int32_t n_vocab)
{
    const struct cf_choice *choice = &shown->choice;
    double *raw = cf_calloc((size_t)n_vocab, sizeof *raw);
    double *in_force = cf_calloc((size_t)n_vocab, sizeof *in_force);
    const struct cf_history history = {
        .ids = showing->ids.data, .n = shown->position, .n_prompt = showing->n_prompt};
    softmax(logits, n_vocab, raw);
    assert_true(cf_sampler_distribution(sampler, logits, &shown->sampling, &history, in_force));
    int32_t n_inside = 0;
    int32_t rank = 0;
    double entropy = 0;
    for (int32_t i = 0; i < n_vocab; i++) {
        n_inside += in_force[i] > 0;
        rank += raw[i] > raw[choice->id];
        entropy -= raw[i] > 0 ? raw[i] * log2(raw[i]) : 0;
    }
    assert_int_equal(choice->n_inside, n_inside);
    assert_int_equal(choice->rank, rank);
    assert_near((double)choice->entropy, entropy);
    assert_near((double)choice->p_raw, raw[choice->id]);
    assert_near((double)choice->p, in_force[choice->id]);
    assert_int_equal(choice->n_candidates, CF_CHOICE_MAX);
    for (int32_t i = 0; i < choice->n_candidates; i++) {
        const struct cf_candidate *candidate = &choice->candidates[i];
        assert_near((double)candidate->p_raw, raw[candidate->id]);
        assert_near((double)candidate->p, in_force[candidate->id]);
        int32_t n_before = 0;
        for (int32_t k = 0; k < n_vocab; k++) {
            n_before += raw[k] > raw[candidate->id];
        }
        assert_int_equal(n_before, i);
    }
    if (shown->pane.size > 0) {
        check_pane(shown, raw, in_force);
    }
    free(raw);
    free(in_force);
}

/* Compares all that was kept, and what is on record of each token of the reply that has ended. */
static void check_all(struct showing *showing)
{
    struct chat_fixture *fixture = &showing->fixture;
    settle(fixture);
    const struct cf_chat_turn *reply = last_turn(fixture);
    for (size_t i = 0; i < reply->n_tokens; i++) {
        cf_ids_add(&showing->ids, reply->tokens[i].id);
    }
    int32_t n_vocab = cf_chat_model(fixture->chat)->n_vocab;
    struct program_result result;
    run_logits(showing, &result);
    assert_int_equal(result.out.size, showing->ids.n * (size_t)n_vocab * sizeof(float));
    struct cf_sampler *sampler = cf_sampler_new(n_vocab);
    const float *logits = (const void *)result.out.data;
    for (size_t i = 0; i < showing->n; i++) {
        size_t row = (size_t)showing->shown[i].position - 1;
        check_shown(&showing->shown[i], showing, sampler, logits + row * (size_t)n_vocab, n_vocab);
    }
    double *raw = cf_calloc((size_t)n_vocab, sizeof *raw);
    for (size_t i = 0; i < reply->n_tokens; i++) {
        size_t row = (size_t)showing->n_prompt + i - 1;
        softmax(logits + row * (size_t)n_vocab, n_vocab, raw);
        assert_near((double)reply->tokens[i].p_raw, raw[reply->tokens[i].id]);
    }
    free(raw);
    cf_sampler_free(sampler);
    program_release(&result);
}

static void shown__held__are_the_numbers_of_logits(void **state)
{
    static const struct {
        const char *name, *value;
    } turns[] = {
        {"top-k", "5"},
        {"temperature", "1.4"},
        {"top-p", "0.5"},
        {"top-k", "0"},
        {"min-p", "0.08"},
        {"top-p", "1"},
        {"temperature", "0.3"},
        {"min-p", "0"},
        {"typical-p", "0.4"},
        {"repeat-penalty", "1.3"},
        {"presence-penalty", "0.6"},
        {"frequency-penalty", "0.4"},
        {"temperature", "0"},
        {"temperature", "1"},
        {"typical-p", "1"},
    };
    struct showing *showing = *state;
    begin(showing, "What should I drink when it rains?");
    size_t n_tokens = 0;
    for (size_t i = 0; i < CF_ARRAY_SIZE(turns); i++) {
        turn(showing, turns[i].name, turns[i].value, n_tokens);
        if (i % 3 != 2) {
            step(showing, n_tokens++);
        }
    }
    assert_true(n_tokens >= 10);
    assert_int_equal(cf_chat_stop(showing->fixture.chat, NULL), CF_OK);
    check_all(showing);
}

/* Of tokens that came while the reply ran freely: their own numbers, those before the filters and
 * those in force. */
static void shown__streamed__are_kept_as_logits_has_them(void **state)
{
    struct showing *showing = *state;
    struct chat_fixture *fixture = &showing->fixture;
    cf_chat_set(fixture->chat, "max-tokens", "30", NULL);
    begin(showing, "Tell me something about the sea.");
    size_t n_held = showing->n;
    assert_int_equal(cf_chat_resume(fixture->chat, NULL), CF_OK);
    while (cf_chat_status(fixture->chat)->phase != CF_PHASE_READY) {
        wait_a_little(fixture);
        pump(fixture);
        /* The choice shown now is that of the token that came last. */
        size_t n = last_turn(fixture)->n_tokens;
        if (n > 0 && is_of_last_token(fixture) && fixture->changes & CF_CHANGE_CHOICE &&
            showing->n < SHOWN_MAX) {
            keep(showing, n - 1, false);
        }
        fixture->changes = 0;
    }
    assert_true(showing->n > n_held);
    check_all(showing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(shown__held__are_the_numbers_of_logits, set_up_showing,
                                        tear_down_showing),
        cmocka_unit_test_setup_teardown(shown__streamed__are_kept_as_logits_has_them,
                                        set_up_showing, tear_down_showing),
    };
    return cmocka_run_group_tests_name("shown", tests, NULL, NULL);
}
