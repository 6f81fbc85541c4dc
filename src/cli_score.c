/* SPDX-License-Identifier: GPL-3.0-or-later */
/* score: probability, rank and entropy of each token of a text. */
#include "base.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli_json.h"
#include "cli_scorer.h"
#include "mem.h"

static void write_score(struct cf_out *out, const struct cf_cli *cli,
                        const struct cf_token_score *score, const char *piece, size_t size)
{
    bool is_scored = score->p >= 0;
    if (cli->settings.json) {
        json_t *object =
            json_pack("{s:i, s:o}", "id", score->id, "text", cf_json_text(piece, size));
        json_object_set_new(object, "p", is_scored ? json_real(score->p) : json_null());
        json_object_set_new(object, "rank", is_scored ? json_integer(score->rank) : json_null());
        json_object_set_new(object, "entropy", is_scored ? json_real(score->entropy) : json_null());
        cf_out_add_json(out, object);
        return;
    }
    cf_out_addf(out, "%d\t", score->id);
    cf_out_add_piece(out, piece, size);
    if (is_scored) {
        cf_out_addf(out, "\t%.6g\t%d\t%.4f\n", score->p, score->rank, score->entropy);
    } else {
        cf_out_addf(out, "\t-\t-\t-\n");
    }
}

static enum cf_code score_text(const struct cf_cli *cli, struct cf_engine *engine, int32_t stride,
                               struct cf_err *err)
{
    struct cf_buf text = CF_BUF_INIT;
    struct cf_ids ids = {0};
    struct cf_token_score *scores = NULL;
    struct cf_score_sum sum = {0};
    struct cf_out out;
    cf_out_init(&out, STDOUT_FILENO);
    enum cf_code code = cf_cli_read_file(&text, cli, 0, err);
    if (code == CF_OK) {
        cf_tokenizer_encode(engine->tokenizer, text.data, text.size, &ids);
        scores = cf_calloc(ids.n > 0 ? ids.n : 1, sizeof *scores);
        code = ids.n < 2 ? cf_err_set(err, CF_ERR_RANGE,
                                      "the text has fewer than two tokens: nothing to predict")
                         : cf_score_ids(scores, engine, ids.data, ids.n, stride, err);
    }
    for (size_t i = 0; code == CF_OK && i < ids.n; i++) {
        size_t size = 0;
        const char *piece = cf_tokenizer_piece(engine->tokenizer, ids.data[i], &size);
        write_score(&out, cli, &scores[i], piece, size);
        if (scores[i].p >= 0) {
            sum.n_tokens++;
            sum.n_bytes += (int64_t)size;
            sum.nats += scores[i].nats;
        }
    }
    if (code == CF_OK && cli->settings.json) {
        json_t *object = json_pack("{s:s, s:I, s:I}", "event", "total", "tokens",
                                   (json_int_t)sum.n_tokens, "bytes", (json_int_t)sum.n_bytes);
        json_object_set_new(object, "perplexity", json_real(cf_score_perplexity(&sum)));
        json_object_set_new(object, "bits_per_byte", json_real(cf_score_bits_per_byte(&sum)));
        cf_out_add_json(&out, object);
    }
    enum cf_code written = cf_out_finish(&out, code == CF_OK ? err : NULL);
    code = code != CF_OK ? code : written;
    if (code == CF_OK && !cli->settings.quiet) {
        fprintf(stderr, "%lld tokens, perplexity %.4f, %.4f bits per byte\n",
                (long long)sum.n_tokens, cf_score_perplexity(&sum), cf_score_bits_per_byte(&sum));
    }
    free(scores);
    cf_ids_release(&ids);
    cf_buf_release(&text);
    return code;
}

enum cf_exit cf_cli_score(const struct cf_cli *cli)
{
    struct cf_err err = CF_ERR_INIT;
    struct cf_engine engine = {0};
    int64_t stride = 0;
    enum cf_code code = cf_cli_number(&stride, cli, CF_CLI_STRIDE, 1, INT32_MAX, 0, &err);
    if (code == CF_OK) {
        code = cf_engine_open(&engine, cli, true, &err);
    }
    if (code == CF_OK) {
        code = cf_cli_has(cli, CF_CLI_CHAT) ? cf_score_chat(cli, &engine, (int32_t)stride, &err)
                                            : score_text(cli, &engine, (int32_t)stride, &err);
    }
    cf_engine_close(&engine);
    return code == CF_OK ? CF_EXIT_DONE : cf_cli_fail(&err);
}
