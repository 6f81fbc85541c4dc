/* SPDX-License-Identifier: GPL-3.0-or-later */
/* prompt at its header: sequences worked out by another program (fixtures), and
 * what must hold of every conversation. */
#include "test.h"

#include <jansson.h>
#include <stdio.h>

#include "prompt.h"
#include "random.h"
#include "role.h"
#include "talk.h"

/* Turns "turn ROLE JSON ids..." into a turn. */
static void read_turn(struct talk *talk, char *line)
{
    char *role_name = line + strlen("turn ");
    char *quoted = strchr(role_name, ' ');
    *quoted++ = '\0';
    json_error_t problem;
    json_t *text = json_loads(quoted, JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, &problem);
    assert_non_null(text);
    enum cf_role role;
    assert_true(cf_role_find(&role, role_name));
    talk_add(talk, role, json_string_value(text), json_string_length(text));
    json_decref(text);
    struct cf_ids *ids = &talk->ids[talk->n - 1];
    char *at = quoted + problem.position;
    for (char *end = at; *at != '\0'; at = end) {
        cf_ids_add(ids, (int32_t)strtol(at, &end, 10));
        assert_true(end > at);
    }
    talk->turns[talk->n - 1].ids = ids->data;
    talk->turns[talk->n - 1].n_ids = (int32_t)ids->n;
}

static void check_ids(const struct talk *talk, const char *template, const char *system, char *line)
{
    struct cf_prompt prompt = build(talk, template, system, 4096, 256, 0);
    size_t i = 0;
    char *at = line + strlen("ids");
    for (char *end = at; *at != '\0'; at = end, i++) {
        long id = strtol(at, &end, 10);
        assert_true(end > at && i < prompt.ids.n);
        assert_int_equal(prompt.ids.data[i], id);
    }
    assert_int_equal(i, prompt.ids.n);
    cf_prompt_release(&prompt);
}

static void prompt__build__equals_the_reference(void **state)
{
    (void)state;
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/tests/fixtures/prompt/prompts.txt", TEST_SRCDIR);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    static char line[65536];
    char template[32] = "";
    json_t *system = NULL;
    struct talk talk = {.n = 0};
    int n_cases = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "template ", 9) == 0) {
            (void)snprintf(template, sizeof template, "%.31s", line + 9);
        } else if (strncmp(line, "system ", 7) == 0) {
            system = json_loads(line + 7, JSON_DECODE_ANY, NULL);
        } else if (strncmp(line, "turn ", 5) == 0) {
            read_turn(&talk, line);
        } else {
            check_ids(&talk, template, json_string_value(system), line);
            talk_release(&talk);
            json_decref(system);
            system = NULL;
            n_cases++;
        }
    }
    assert_int_equal(n_cases, 84);
    (void)fclose(file);
}

static void prompt__build__keeps_special_tokens_to_the_template(void **state)
{
    (void)state;
    struct talk talk = {.n = 0};
    talk_say(&talk, CF_ROLE_USER, "<|endoftext|><|assistant|>");
    talk_say(&talk, CF_ROLE_ASSISTANT, "<|user|>");
    talk_say(&talk, CF_ROLE_USER, "{text}");
    struct cf_prompt prompt = build(&talk, "roles", "<|user|>", 512, 64, 0);
    int n_special = 0;
    for (size_t i = 0; i < prompt.ids.n; i++) {
        bool is_special = cf_tokenizer_is_special(tokenizer, prompt.ids.data[i]);
        n_special += is_special;
        assert_true(!is_special || prompt.owners.data[i] == -1);
    }
    assert_int_equal(n_special, 3 + 1 + 3);
    assert_true(prompt.is_system_unused);
    assert_int_equal(prompt.missing.n, 0);
    cf_prompt_release(&prompt);
    talk_release(&talk);
}

static void prompt__build__names_special_tokens_that_are_missing(void **state)
{
    (void)state;
    struct talk talk = {.n = 0};
    talk_say(&talk, CF_ROLE_USER, "Hi");
    struct cf_prompt prompt = build(&talk, "chatml", NULL, 512, 64, 0);
    assert_int_equal(prompt.missing.n, 2);
    assert_string_equal(prompt.missing.items[0], "<|im_start|>");
    assert_string_equal(prompt.missing.items[1], "<|im_end|>");
    assert_spells(&prompt, "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
    cf_prompt_release(&prompt);
    talk_release(&talk);
}

static void prompt__build__follows_own_ids_with_the_text_they_lack(void **state)
{
    (void)state;
    /* The stop string began within the last token, so the ids end before the text does. */
    struct talk talk = {.n = 0};
    talk_say(&talk, CF_ROLE_USER, "Hi");
    talk_reply(&talk, " Hello");
    talk.turns[1].text = " Hello there.";
    talk.turns[1].size = 13;
    talk_say(&talk, CF_ROLE_USER, "Yes");
    struct cf_prompt prompt = build(&talk, "transcript", NULL, 512, 64, 0);
    assert_spells(&prompt, "User: Hi\nAssistant: Hello there.\nUser: Yes\nAssistant:");
    cf_prompt_release(&prompt);
    /* A text that was stored without its leading space is the same reply. */
    talk.turns[1].text = "Hello there.";
    talk.turns[1].size = 12;
    prompt = build(&talk, "transcript", NULL, 512, 64, 0);
    assert_spells(&prompt, "User: Hi\nAssistant: Hello there.\nUser: Yes\nAssistant:");
    cf_prompt_release(&prompt);
    /* Ids of another text, and ids that are no tokens, are passed over. */
    talk.turns[1].text = "Bye";
    talk.turns[1].size = 3;
    prompt = build(&talk, "transcript", NULL, 512, 64, 0);
    assert_spells(&prompt, "User: Hi\nAssistant: Bye\nUser: Yes\nAssistant:");
    cf_prompt_release(&prompt);
    talk.ids[1].data[0] = 999999;
    prompt = build(&talk, "transcript", NULL, 512, 64, 0);
    assert_spells(&prompt, "User: Hi\nAssistant: Bye\nUser: Yes\nAssistant:");
    cf_prompt_release(&prompt);
    talk_release(&talk);
}

static void prompt__build__keeps_a_reply_cut_within_a_character(void **state)
{
    (void)state;
    struct talk talk = {.n = 0};
    talk_say(&talk, CF_ROLE_USER, "Hi");
    talk_reply(&talk, " \u6b63");
    talk.ids[1].n--;
    talk.turns[1].n_ids--;
    talk_say(&talk, CF_ROLE_USER, "Yes");
    struct cf_prompt first = build(&talk, "transcript", NULL, 512, 64, 0);
    /* However the store wrote the half character down, the ids stand. */
    static const char *const stored[] = {" \xe6\xad", " \ufffd", " \ufffd\ufffd", " "};
    for (size_t i = 0; i < CF_ARRAY_SIZE(stored); i++) {
        talk.turns[1].text = stored[i];
        talk.turns[1].size = strlen(stored[i]);
        struct cf_prompt prompt = build(&talk, "transcript", NULL, 512, 64, 0);
        assert_int_equal(prompt.ids.n, first.ids.n);
        assert_memory_equal(prompt.ids.data, first.ids.data, first.ids.n * sizeof(int32_t));
        cf_prompt_release(&prompt);
    }
    cf_prompt_release(&first);
    talk_release(&talk);
}

static void prompt__build__joins_turns_of_one_role(void **state)
{
    (void)state;
    struct talk talk = {.n = 0};
    talk_say(&talk, CF_ROLE_ASSISTANT, "Welcome.");
    talk_say(&talk, CF_ROLE_USER, "One");
    talk_say(&talk, CF_ROLE_USER, "Two");
    struct cf_prompt prompt = build(&talk, "transcript", "A bot.", 512, 64, 0);
    assert_spells(&prompt, "A bot.\n\nUser: \nAssistant: Welcome.\nUser: One\n\nTwo\nAssistant:");
    cf_prompt_release(&prompt);
    /* A reply at the end stays open. */
    talk_reply(&talk, " Three");
    prompt = build(&talk, "transcript", NULL, 512, 64, 0);
    assert_spells(&prompt, "User: \nAssistant: Welcome.\nUser: One\n\nTwo\nAssistant: Three");
    assert_int_equal(prompt.owners.data[prompt.owners.n - 1], 3);
    cf_prompt_release(&prompt);
    talk_release(&talk);
}

static void prompt__build__tells_whose_each_token_is(void **state)
{
    (void)state;
    struct talk talk = {.n = 0};
    talk_say(&talk, CF_ROLE_USER, "one two");
    talk_say(&talk, CF_ROLE_ASSISTANT, "three");
    talk_reply(&talk, " four");
    talk_say(&talk, CF_ROLE_USER, "five");
    struct cf_prompt prompt = build(&talk, "transcript", "zero", 512, 64, 0);
    struct cf_buf texts[5];
    for (int i = 0; i < 5; i++) {
        cf_buf_init(&texts[i]);
    }
    for (size_t i = 0; i < prompt.ids.n; i++) {
        cf_tokenizer_decode(tokenizer, &prompt.ids.data[i], 1, &texts[prompt.owners.data[i] + 1]);
    }
    /* The space before a text may have become one token with it. */
    assert_non_null(strstr(texts[1].data, "one two"));
    assert_non_null(strstr(texts[2].data, "three"));
    assert_string_equal(texts[3].data, " four");
    assert_non_null(strstr(texts[4].data, "five"));
    assert_non_null(strstr(texts[0].data, "zero"));
    assert_non_null(strstr(texts[0].data, "User"));
    for (int i = 0; i < 5; i++) {
        assert_true(i == 0 || strlen(texts[i].data) < 9);
        cf_buf_release(&texts[i]);
    }
    cf_prompt_release(&prompt);
    talk_release(&talk);
}

static void prompt__build__works_without_turns(void **state)
{
    (void)state;
    struct talk talk = {.n = 0};
    struct cf_prompt prompt = build(&talk, "transcript", "A bot.", 512, 64, 0);
    assert_spells(&prompt, "A bot.\n\n");
    assert_false(prompt.will_drop);
    cf_prompt_release(&prompt);
    /* With nothing at all: the token that begins a text. */
    prompt = build(&talk, "plain", NULL, 512, 64, 0);
    assert_int_equal(prompt.ids.n, 1);
    assert_int_equal(prompt.ids.data[0], cf_tokenizer_eos(tokenizer));
    cf_prompt_release(&prompt);
    talk_say(&talk, CF_ROLE_USER, "");
    prompt = build(&talk, "plain", NULL, 512, 64, 0);
    assert_int_equal(prompt.ids.n, 1);
    cf_prompt_release(&prompt);
    talk_release(&talk);
}

/* Bytes of all kinds: words, spaces, line ends, names of special tokens, other scripts, bytes that
 * are no text. */
static void random_text(struct test_random *random, struct cf_buf *text, size_t n_words)
{
    static const char *const words[] = {
        "tea",
        " rain",
        "\n",
        "  ",
        "<|endoftext|>",
        "<|user|>",
        "User:",
        "\nUser:",
        "Assistant:",
        "\u6b63\u5728",
        "\U0001F44D\U0001F3FD",
        "\xff\xfe",
        "'s",
        "12345",
        "{text}",
        ".",
        "\t",
        "<|im_end|>",
        "e\u0301",
        "\xe6",
    };
    cf_buf_clear(text);
    for (size_t i = 0; i < n_words; i++) {
        cf_buf_add_str(text, words[test_random_next(random) % CF_ARRAY_SIZE(words)]);
    }
}

/* Ids as a model might draw them: any tokens, special ones too. */
static void random_reply(struct talk *talk, struct test_random *random)
{
    struct cf_buf text = CF_BUF_INIT;
    talk_say(talk, CF_ROLE_ASSISTANT, "");
    struct cf_ids *ids = &talk->ids[talk->n - 1];
    struct cf_detokenizer state = {.n_held = 0};
    for (size_t n = 1 + test_random_below(random, 12); n > 0; n--) {
        int32_t id = (int32_t)test_random_below(random, (size_t)cf_tokenizer_n_vocab(tokenizer));
        cf_ids_add(ids, id);
        cf_detokenizer_add(&state, tokenizer, id, &text);
    }
    cf_detokenizer_finish(&state, &text);
    free(talk->texts[talk->n - 1]);
    struct cf_turn *turn = &talk->turns[talk->n - 1];
    turn->size = text.size;
    turn->text = talk->texts[talk->n - 1] = cf_buf_take(&text);
    turn->ids = ids->data;
    turn->n_ids = (int32_t)ids->n;
}

static void assert_begins_with(const struct cf_prompt *prompt, const struct cf_ids *beginning)
{
    size_t n = cf_ids_common_prefix(prompt->ids.data, prompt->ids.n, beginning->data, beginning->n);
    assert_int_equal(n, beginning->n);
}

static void prompt__build__each_prompt_begins_the_next(void **state)
{
    (void)state;
    static const char *const names[] = {"transcript", "dialogpt", "chatml",
                                        "alpaca",     "plain",    "roles"};
    struct test_random random = {5};
    struct cf_buf text = CF_BUF_INIT;
    for (int round = 0; round < 60; round++) {
        const char *name = names[round % 6];
        const char *system = round % 4 == 0 ? "Be brief. <|user|>" : NULL;
        struct talk talk = {.n = 0};
        struct cf_ids expected = {.n = 0}; /* the prompt before and the ids of its reply */
        size_t start = 0;
        int n_moves = 0;
        struct cf_prompt alone = build(&talk, name, system, 300, 40, 0);
        size_t n_system = system != NULL ? alone.ids.n : 0;
        cf_prompt_release(&alone);
        while (talk.n < 40) {
            random_text(&random, &text, 1 + test_random_next(&random) % 10);
            talk_add(&talk, CF_ROLE_USER, text.data, text.size);
            struct cf_prompt prompt = build(&talk, name, system, 300, 40, start);
            if (prompt.start == start) {
                assert_begins_with(&prompt, &expected);
            } else {
                assert_true(prompt.start > start);
                assert_true(prompt.ids.n <= 150 + n_system);
                n_moves++;
            }
            assert_int_equal(prompt.n_dropped, prompt.start);
            assert_false(prompt.is_cut);
            start = prompt.start;
            random_reply(&talk, &random);
            cf_ids_truncate(&expected, 0);
            cf_ids_add_all(&expected, prompt.ids.data, prompt.ids.n);
            cf_ids_add_all(&expected, talk.ids[talk.n - 1].data, talk.ids[talk.n - 1].n);
            cf_prompt_release(&prompt);
        }
        assert_true(n_moves >= 2 && n_moves <= 12);
        cf_ids_release(&expected);
        talk_release(&talk);
    }
    cf_buf_release(&text);
}

static void prompt__window__moves_rarely_and_says_so_before(void **state)
{
    (void)state;
    struct talk talk = {.n = 0};
    size_t start = 0;
    bool was_announced = false;
    int n_moves = 0;
    for (int i = 0; i < 25; i++) {
        talk_say(&talk, CF_ROLE_USER, "What should I drink when it rains?");
        struct cf_prompt prompt = build(&talk, "transcript", NULL, 256, 32, start);
        if (prompt.start != start) {
            assert_true(was_announced);
            assert_int_equal(talk.turns[prompt.start].role, CF_ROLE_USER);
            assert_true(prompt.ids.n <= 128);
            n_moves++;
        }
        was_announced = prompt.will_drop;
        assert_true(!prompt.will_drop || prompt.next_start > prompt.start);
        start = prompt.start;
        cf_prompt_release(&prompt);
        talk_reply(&talk, " A cup of tea, because the rain is cold and tea is hot.");
    }
    assert_true(n_moves >= 2 && n_moves <= 8);
    /* A start that is not of this conversation counts as none. */
    talk_say(&talk, CF_ROLE_USER, "?");
    struct cf_prompt prompt = build(&talk, "transcript", NULL, 256, 32, 9999);
    assert_true(prompt.start > 0 && prompt.start < talk.n);
    cf_prompt_release(&prompt);
    /* With room for all of it, all of it is there again. */
    prompt = build(&talk, "transcript", NULL, 4096, 32, start);
    assert_int_equal(prompt.start, 0);
    assert_int_equal(prompt.n_dropped, 0);
    cf_prompt_release(&prompt);
    talk_release(&talk);
}

#define LONG_REPLY " A cup of tea, because the rain is cold and the tea is hot."

/* What a finished conversation says of the next message is what building with it does. */
static void prompt__window__tells_what_the_next_message_drops(void **state)
{
    (void)state;
    static const char *const names[] = {"transcript", "dialogpt", "chatml", "plain", "roles"};
    for (size_t k = 0; k < CF_ARRAY_SIZE(names); k++) {
        struct talk talk = {.n = 0};
        size_t start = 0;
        int n_drops = 0;
        int n_near = 0;
        for (int i = 0; i < 25; i++) {
            talk_say(&talk, CF_ROLE_USER, "What?");
            struct cf_prompt prompt = build(&talk, names[k], NULL, 512, 400, start);
            start = prompt.start;
            /* By small steps past the limit. */
            talk_reply(&talk, prompt.ids.n < 345 ? LONG_REPLY : ".");
            cf_prompt_release(&prompt);
            struct cf_prompt finished = build(&talk, names[k], NULL, 512, 400, start);
            talk_say(&talk, CF_ROLE_USER, "?");
            prompt = build(&talk, names[k], NULL, 512, 400, finished.start);
            assert_int_equal(finished.will_drop, prompt.start > finished.start);
            assert_int_equal(finished.next_start, prompt.start);
            n_drops += finished.will_drop;
            n_near += finished.ids.n + 128 > 384 && !finished.will_drop;
            talk.n--;
            free(talk.texts[talk.n]);
            start = finished.start;
            cf_prompt_release(&finished);
            cf_prompt_release(&prompt);
        }
        assert_true(n_drops > 0 && n_near > 0);
        /* A reply that is due may take all that is kept for it. */
        talk_say(&talk, CF_ROLE_USER, "What?");
        struct cf_prompt due = build(&talk, names[k], NULL, 512, 400, start);
        for (int i = 0; i < 4 && !due.will_drop; i++) {
            talk_reply(&talk, LONG_REPLY);
            talk_say(&talk, CF_ROLE_USER, "What?");
            start = due.start;
            cf_prompt_release(&due);
            due = build(&talk, names[k], NULL, 512, 400, start);
            assert_true(due.will_drop || due.ids.n + 128 <= 384);
        }
        cf_prompt_release(&due);
        talk_release(&talk);
    }
}

static void prompt__window__keeps_system_and_pinned_turns(void **state)
{
    (void)state;
    struct talk talk = {.n = 0};
    for (int i = 0; i < 20; i++) {
        talk_say(&talk, CF_ROLE_USER, i == 1 ? "My name is Ada." : "What should I drink?");
        talk_reply(&talk, i == 1 ? " Hello Ada." : " A cup of tea, because the rain is cold.");
    }
    talk_say(&talk, CF_ROLE_USER, "Who am I?");
    talk.turns[2].is_pinned = true;
    talk.turns[3].is_pinned = true;
    struct cf_prompt prompt = build(&talk, "transcript", "You know names.", 256, 64, 0);
    struct cf_buf text = spell(&prompt);
    static const char beginning[] =
        "You know names.\n\nUser: My name is Ada.\nAssistant: Hello Ada."
        "\nUser: What should I drink?";
    assert_memory_equal(text.data, beginning, sizeof beginning - 1);
    assert_true(prompt.start > 4);
    assert_int_equal(prompt.n_dropped, prompt.start - 2);
    assert_int_equal(prompt.n_pinned_dropped, 0);
    cf_buf_release(&text);
    cf_prompt_release(&prompt);
    /* More pins than there is room for: the oldest go. */
    for (size_t i = 0; i < 30; i++) {
        talk.turns[i].is_pinned = true;
    }
    prompt = build(&talk, "transcript", "You know names.", 256, 64, 0);
    assert_true(prompt.n_pinned_dropped > 0 && prompt.n_pinned_dropped < 30);
    assert_int_equal(prompt.start, talk.n - 1);
    assert_false(prompt.is_cut);
    text = spell(&prompt);
    assert_non_null(strstr(text.data, "Who am I?\nAssistant:"));
    cf_buf_release(&text);
    cf_prompt_release(&prompt);
    talk_release(&talk);
}

static void prompt__window__keeps_the_end_of_a_turn_that_is_too_long(void **state)
{
    (void)state;
    struct talk talk = {.n = 0};
    talk_say(&talk, CF_ROLE_USER, "Hi");
    talk_reply(&talk, " Hello");
    struct cf_buf text = CF_BUF_INIT;
    for (int i = 0; i < 20000; i++) {
        cf_buf_addf(&text, "%d \u6b63 ", i);
    }
    cf_buf_add_str(&text, "the end");
    talk_add(&talk, CF_ROLE_USER, text.data, text.size);
    struct cf_prompt prompt = build(&talk, "transcript", "A bot.", 256, 64, 0);
    assert_true(prompt.is_cut);
    assert_int_equal(prompt.cut_turn, 2);
    assert_int_equal(prompt.start, 2);
    assert_int_equal(prompt.n_dropped, 2);
    assert_true(prompt.ids.n > 150);
    struct cf_buf spelled = spell(&prompt);
    assert_memory_equal(spelled.data, "A bot.\n\nUser: ", 14);
    /* What is left is exactly the end of the text, from a whole character on. */
    const char *rest = talk.turns[2].text + prompt.cut_size;
    assert_true(((unsigned char)rest[0] & 0xC0) != 0x80);
    rest += strspn(rest, " ");
    assert_memory_equal(spelled.data + 14, rest, strlen(rest));
    assert_string_equal(spelled.data + 14 + strlen(rest), "\nAssistant:");
    cf_buf_release(&spelled);
    cf_prompt_release(&prompt);
    talk_release(&talk);

    /* A text of one long token after another. */
    cf_buf_clear(&text);
    for (int i = 0; i < 4000; i++) {
        cf_buf_add_str(&text, " because");
    }
    talk_add(&talk, CF_ROLE_USER, text.data, text.size);
    prompt = build(&talk, "roles", NULL, 128, 64, 0);
    assert_true(prompt.is_cut && prompt.ids.n >= 80);
    cf_prompt_release(&prompt);
    talk_release(&talk);
    cf_buf_release(&text);
}

static void prompt__window__lets_a_long_reply_go_on(void **state)
{
    (void)state;
    struct talk talk = {.n = 0};
    struct cf_buf text = CF_BUF_INIT;
    talk_say(&talk, CF_ROLE_USER, "Tell me a story.");
    for (int i = 0; i < 120; i++) {
        cf_buf_addf(&text, " and then %d", i);
    }
    talk_reply(&talk, text.data);
    struct cf_prompt prompt = build(&talk, "roles", NULL, 256, 64, 0);
    assert_true(prompt.is_cut);
    assert_int_equal(prompt.cut_turn, 1);
    assert_true(prompt.ids.n <= 128 && prompt.ids.n > 100);
    size_t n_own = 0;
    while (n_own < prompt.ids.n && prompt.owners.data[prompt.ids.n - 1 - n_own] == 1) {
        n_own++;
    }
    assert_memory_equal(prompt.ids.data + prompt.ids.n - n_own,
                        talk.ids[1].data + talk.ids[1].n - n_own, n_own * sizeof(int32_t));
    assert_true(prompt.cut_size > 0 && prompt.cut_size < text.size);
    cf_prompt_release(&prompt);
    cf_buf_release(&text);
    talk_release(&talk);
}

static void prompt__build__refuses_what_leaves_no_room(void **state)
{
    (void)state;
    struct talk talk = {.n = 0};
    talk_say(&talk, CF_ROLE_USER, "Hi");
    struct cf_buf system = CF_BUF_INIT;
    for (int i = 0; i < 300; i++) {
        cf_buf_add_str(&system, "Be brief. ");
    }
    struct cf_prompt prompt = build(&talk, "transcript", "kept", 512, 64, 0);
    struct cf_err err = CF_ERR_INIT;
    struct cf_prompt_budget budget = {.n_ctx = 256, .max_tokens = 64};
    assert_int_equal(cf_prompt_build(&prompt, tokenizer, find_template("transcript"), system.data,
                                     talk.turns, talk.n, &budget, &err),
                     CF_ERR_CONTEXT);
    assert_non_null(strstr(err.text, "the system prompt takes "));
    budget.n_ctx = 16;
    assert_int_equal(cf_prompt_build(&prompt, tokenizer, find_template("chatml"), NULL, talk.turns,
                                     talk.n, &budget, &err),
                     CF_ERR_CONTEXT);
    assert_string_equal(err.text, "a context of 16 tokens has no room for a message and a reply");
    /* Unchanged on failure. */
    assert_spells(&prompt, "kept\n\nUser: Hi\nAssistant:");
    cf_prompt_release(&prompt);
    cf_buf_release(&system);
    talk_release(&talk);
}

static void prompt__window__holds_for_any_conversation(void **state)
{
    (void)state;
    static const char *const names[] = {"transcript", "dialogpt", "chatml", "plain", "roles"};
    struct test_random random = {99};
    struct cf_buf text = CF_BUF_INIT;
    for (int round = 0; round < 300; round++) {
        struct talk talk = {.n = 0};
        size_t n = 1 + test_random_below(&random, 24);
        for (size_t i = 0; i < n; i++) {
            bool is_long = test_random_next(&random) % 6 == 0;
            if (test_random_next(&random) % 5 < 2) {
                random_reply(&talk, &random);
            } else {
                random_text(&random, &text, test_random_next(&random) % (is_long ? 200 : 8));
                enum cf_role role = (enum cf_role)(test_random_next(&random) % 10 == 0
                                                       ? CF_ROLE_SYSTEM
                                                       : 1 + test_random_next(&random) % 2);
                talk_add(&talk, role, text.data, text.size);
            }
            talk.turns[talk.n - 1].is_pinned = test_random_next(&random) % 5 == 0;
        }
        const char *system = test_random_next(&random) % 3 == 0 ? "You are a bot." : NULL;
        /* build() asserts the bounds. */
        struct cf_prompt prompt =
            build(&talk, names[round % 5], system, (int32_t)(96 + test_random_next(&random) % 200),
                  (int32_t)(1 + test_random_next(&random) % 90), test_random_next(&random) % 12);
        assert_true(prompt.start < talk.n && prompt.n_dropped <= prompt.start);
        assert_true(!prompt.is_cut || prompt.cut_size <= talk.turns[prompt.cut_turn].size);
        assert_true(prompt.next_start >= prompt.start);
        for (size_t i = 0; i < prompt.owners.n; i++) {
            int32_t owner = prompt.owners.data[i];
            assert_true(owner >= -1 && owner < (int32_t)talk.n);
            assert_true(owner < 0 || (size_t)owner >= prompt.start || talk.turns[owner].is_pinned);
        }
        cf_prompt_release(&prompt);
        talk_release(&talk);
    }
    cf_buf_release(&text);
}

static void stops__collect__divides_tokens_from_strings(void **state)
{
    (void)state;
    struct cf_stops stops = {.ids = {.n = 0}};
    int32_t eos = cf_tokenizer_eos(tokenizer);
    cf_stops_collect(&stops, tokenizer, find_template("transcript"), NULL);
    assert_true(cf_stops_has_id(&stops, eos) && stops.ids.n == 1);
    assert_int_equal(stops.strings.n, 1);
    assert_string_equal(stops.strings.items[0], "\nUser:");
    /* chatml's token is unknown to this tokenizer: a string then. */
    cf_stops_collect(&stops, tokenizer, find_template("chatml"), NULL);
    assert_int_equal(stops.strings.n, 1);
    assert_string_equal(stops.strings.items[0], "<|im_end|>");
    struct cf_texts custom = {.n = 0};
    cf_texts_add(&custom, ".");
    cf_texts_add(&custom, "<|user|>");
    cf_stops_collect(&stops, tokenizer, &roles, &custom);
    assert_int_equal(stops.strings.n, 2);
    assert_int_equal(stops.ids.n, 2);
    assert_true(cf_stops_has_id(&stops, cf_tokenizer_special_find(tokenizer, "<|user|>", 8)));
    assert_false(cf_stops_has_id(&stops, 5));
    cf_texts_release(&custom);
    cf_stops_release(&stops);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prompt__build__equals_the_reference),
        cmocka_unit_test(prompt__build__keeps_special_tokens_to_the_template),
        cmocka_unit_test(prompt__build__names_special_tokens_that_are_missing),
        cmocka_unit_test(prompt__build__follows_own_ids_with_the_text_they_lack),
        cmocka_unit_test(prompt__build__keeps_a_reply_cut_within_a_character),
        cmocka_unit_test(prompt__build__joins_turns_of_one_role),
        cmocka_unit_test(prompt__build__tells_whose_each_token_is),
        cmocka_unit_test(prompt__build__works_without_turns),
        cmocka_unit_test(prompt__build__each_prompt_begins_the_next),
        cmocka_unit_test(prompt__window__moves_rarely_and_says_so_before),
        cmocka_unit_test(prompt__window__tells_what_the_next_message_drops),
        cmocka_unit_test(prompt__window__keeps_system_and_pinned_turns),
        cmocka_unit_test(prompt__window__keeps_the_end_of_a_turn_that_is_too_long),
        cmocka_unit_test(prompt__window__lets_a_long_reply_go_on),
        cmocka_unit_test(prompt__build__refuses_what_leaves_no_room),
        cmocka_unit_test(prompt__window__holds_for_any_conversation),
        cmocka_unit_test(stops__collect__divides_tokens_from_strings),
    };
    return cmocka_run_group_tests_name("prompt", tests, open_tokenizer, close_tokenizer);
}
