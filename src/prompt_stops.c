/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prompt.h"

#include <string.h>

bool cf_stops_has_id(const struct cf_stops *stops, int32_t id)
{
    for (size_t i = 0; i < stops->ids.n; i++) {
        if (stops->ids.data[i] == id) {
            return true;
        }
    }
    return false;
}

static void add_id(struct cf_stops *stops, int32_t id)
{
    if (id >= 0 && !cf_stops_has_id(stops, id)) {
        cf_ids_add(&stops->ids, id);
    }
}

/* Takes the token of that name for an end; false when there is none. */
static bool add_special(struct cf_stops *stops, const struct cf_tokenizer *tokenizer,
                        const char *name)
{
    int32_t id = cf_tokenizer_special_find(tokenizer, name, strlen(name));
    add_id(stops, id);
    return id >= 0;
}

void cf_stops_collect(struct cf_stops *stops, const struct cf_tokenizer *tokenizer,
                      const struct cf_template *template, const struct cf_texts *custom)
{
    cf_stops_release(stops);
    add_id(stops, cf_tokenizer_eos(tokenizer));
    for (int32_t id = 0; id < cf_tokenizer_n_vocab(tokenizer); id++) {
        if (cf_tokenizer_is_end(tokenizer, id)) {
            add_id(stops, id);
        }
    }
    bool has_custom = custom != NULL && custom->n > 0;
    for (size_t i = 0; i < template->stop.n; i++) {
        const char *text = template->stop.items[i];
        if (!add_special(stops, tokenizer, text) && !has_custom) {
            cf_texts_add(&stops->strings, text);
        }
    }
    for (size_t i = 0; has_custom && i < custom->n; i++) {
        (void)add_special(stops, tokenizer, custom->items[i]);
        cf_texts_add(&stops->strings, custom->items[i]);
    }
}

void cf_stops_release(struct cf_stops *stops)
{
    cf_ids_release(&stops->ids);
    cf_texts_release(&stops->strings);
}
