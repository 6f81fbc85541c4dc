/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tokenize, detokenize and logits: what the model is made of, for comparing with other programs. */
#include "base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli_engine.h"
#include "cli_json.h"

static void write_pieces(struct cf_out *out, const struct cf_tokenizer *tokenizer,
                         const struct cf_ids *ids)
{
    for (size_t i = 0; i < ids->n; i++) {
        size_t size = 0;
        const char *piece = cf_tokenizer_piece(tokenizer, ids->data[i], &size);
        json_t *object =
            json_pack("{s:i, s:o, s:b}", "id", ids->data[i], "text", cf_json_text(piece, size),
                      "special", cf_tokenizer_is_special(tokenizer, ids->data[i]));
        if (!cf_text_is_valid(piece, size)) {
            /* Half a character: its bytes tell. */
            json_t *bytes = json_array();
            for (size_t k = 0; k < size; k++) {
                json_array_append_new(bytes, json_integer((unsigned char)piece[k]));
            }
            json_object_set_new(object, "bytes", bytes);
        }
        cf_out_add_json(out, object);
    }
}

enum cf_exit cf_cli_tokenize(const struct cf_cli *cli)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_engine engine;
    struct cf_buf text = CF_BUF_INIT;
    struct cf_ids ids = {0};
    struct cf_out out;
    cf_out_init(&out, STDOUT_FILENO);
    enum cf_code code = cf_engine_open_tokenizer(&engine, cli, &err);
    if (code == CF_OK) {
        code = cf_cli_read_text(&text, cli, 0, false, &err);
    }
    if (code == CF_OK) {
        cf_tokenizer_encode(engine.tokenizer, text.data, text.size, &ids);
        if (cli->settings.json) {
            write_pieces(&out, engine.tokenizer, &ids);
        } else {
            for (size_t i = 0; i < ids.n; i++) {
                cf_out_addf(&out, "%s%d", i > 0 ? " " : "", ids.data[i]);
            }
            cf_out_add(&out, "\n", 1);
        }
    }
    enum cf_code written = cf_out_finish(&out, code == CF_OK ? &err : NULL);
    code = code != CF_OK ? code : written;
    cf_ids_release(&ids);
    cf_buf_release(&text);
    cf_engine_close(&engine);
    return code == CF_OK ? CF_EXIT_DONE : cf_cli_fail(&err);
}

/* Appends the ids of a text: numbers with white space or commas between them. */
static enum cf_code parse_ids(struct cf_ids *ids, const char *text, int32_t n_vocab,
                              struct cf_err *err)
{
    const char *at = text;
    for (;;) {
        at += strspn(at, " \t\r\n,");
        if (*at == '\0') {
            return CF_OK;
        }
        char *end = NULL;
        errno = 0;
        long id = strtol(at, &end, 10);
        size_t length = strcspn(at, " \t\r\n,");
        if (end != at + length) {
            return cf_err_set(err, CF_ERR_USAGE, "%.*s is no token id",
                              (int)(length < 40 ? length : 40), at);
        }
        if (errno != 0 || id < 0 || id >= n_vocab) {
            return cf_err_set(err, CF_ERR_RANGE, "token id %.*s is outside the vocabulary of %d",
                              (int)(length < 40 ? length : 40), at, n_vocab);
        }
        cf_ids_add(ids, (int32_t)id);
        at = end;
    }
}

enum cf_exit cf_cli_detokenize(const struct cf_cli *cli)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_engine engine;
    struct cf_ids ids = {0};
    struct cf_buf input = CF_BUF_INIT;
    struct cf_out out;
    cf_out_init(&out, STDOUT_FILENO);
    enum cf_code code = cf_engine_open_tokenizer(&engine, cli, &err);
    bool reads_input = cli->n_args == 0 || (cli->n_args == 1 && strcmp(cli->args[0], "-") == 0);
    if (code == CF_OK && reads_input) {
        code = cf_cli_read_text(&input, cli, 0, false, &err);
    }
    for (int i = 0; code == CF_OK && i < (reads_input ? 1 : cli->n_args); i++) {
        code = parse_ids(&ids, reads_input ? input.data : cli->args[i],
                         cf_tokenizer_n_vocab(engine.tokenizer), &err);
    }
    for (size_t i = 0; code == CF_OK && i < ids.n; i++) {
        size_t size = 0;
        const char *piece = cf_tokenizer_piece(engine.tokenizer, ids.data[i], &size);
        if (piece == NULL) {
            code = cf_err_set(&err, CF_ERR_RANGE, "the vocabulary has no token %d", ids.data[i]);
        } else {
            cf_out_add_text(&out, piece, size);
        }
    }
    enum cf_code written = cf_out_finish(&out, code == CF_OK ? &err : NULL);
    code = code != CF_OK ? code : written;
    cf_ids_release(&ids);
    cf_buf_release(&input);
    cf_engine_close(&engine);
    return code == CF_OK ? CF_EXIT_DONE : cf_cli_fail(&err);
}

struct logits_output {
    struct cf_out *out;
    int32_t n_vocab;
    bool last_only;
    int32_t last;
};

static void write_logits(void *arg, int32_t position, const float *logits)
{
    struct logits_output *output = arg;
    if (!output->last_only || position == output->last) {
        cf_out_add(output->out, logits, (size_t)output->n_vocab * sizeof *logits);
    }
}

static enum cf_code logits_ids(struct cf_ids *ids, const struct cf_cli *cli,
                               const struct cf_engine *engine, struct cf_err *err)
{
    const char *list = cli->values[CF_CLI_IDS];
    const char *text = cli->values[CF_CLI_TEXT];
    if ((list == NULL) == (text == NULL)) {
        return cf_err_set(err, CF_ERR_USAGE, "logits needs either --ids or --text");
    }
    enum cf_code code = CF_OK;
    if (list != NULL) {
        code = parse_ids(ids, list, engine->model->n_vocab, err);
    } else {
        cf_tokenizer_encode(engine->tokenizer, text, strlen(text), ids);
    }
    if (code == CF_OK && ids->n == 0) {
        return cf_err_set(err, CF_ERR_RANGE, "there is no token to evaluate");
    }
    if (code == CF_OK && ids->n > (size_t)cf_session_n_ctx(engine->session)) {
        return cf_err_set(err, CF_ERR_CONTEXT, "%zu tokens are more than the context of %d", ids->n,
                          cf_session_n_ctx(engine->session));
    }
    return code;
}

enum cf_exit cf_cli_logits(const struct cf_cli *cli)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_engine engine = {0};
    struct cf_ids ids = {0};
    struct cf_out out;
    const char *path = cli->values[CF_CLI_OUTPUT];
    int fd = STDOUT_FILENO;
    enum cf_code code = cf_engine_open(&engine, cli, cf_cli_has(cli, CF_CLI_TEXT), &err);
    if (code == CF_OK) {
        code = logits_ids(&ids, cli, &engine, &err);
    }
    if (code == CF_OK && path == NULL && isatty(STDOUT_FILENO) == 1) {
        code = cf_err_set(&err, CF_ERR_USAGE, "logits are binary: use -o FILE or a pipe");
    }
    if (code == CF_OK && path != NULL) {
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        if (fd < 0) {
            code = cf_err_set_errno(&err, errno, "cannot write %s", path);
        }
    }
    if (code == CF_OK) {
        cf_out_init(&out, fd);
        struct cf_interrupt interrupt = cf_engine_interrupt();
        struct logits_output output = {.out = &out,
                                       .n_vocab = engine.model->n_vocab,
                                       .last_only = cf_cli_has(cli, CF_CLI_LAST),
                                       .last = (int32_t)ids.n - 1};
        code = cf_session_eval_all(engine.session, 0, ids.data, (int32_t)ids.n, write_logits,
                                   &output, &interrupt, &err);
        enum cf_code written = cf_out_finish(&out, code == CF_OK ? &err : NULL);
        code = code != CF_OK ? code : written;
        if (fd != STDOUT_FILENO && close(fd) != 0 && code == CF_OK) {
            code = cf_err_set_errno(&err, errno, "cannot write %s", path);
        }
    }
    cf_ids_release(&ids);
    cf_engine_close(&engine);
    return code == CF_OK ? CF_EXIT_DONE : cf_cli_fail(&err);
}
