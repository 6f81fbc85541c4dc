/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The matrices that are multiplied with, from the file's layout to the kernels' tiles.
 *
 * The tiles lie in anonymous memory in huge pages: a mapped file comes in pages of 4 KB, and
 * walking the page table for them costs a fifth of the speed at which memory is read.  For that
 * reason they are made anew at each start and not kept on disk: making them is bound by the memory
 * that has to be filled anyway (124 M parameters of Q8_0 take 50 ms on two cores of Zen 3), and a
 * mapped copy of them would be read more slowly ever after.  Of the whole model there is never a
 * second copy: what has been arranged is no longer held of the file. */
#include <stdlib.h>
#include <sys/mman.h>

#include "cpu.h"
#include "kernels/kernels.h"
#include "mapping.h"
#include "model_parts.h"
#include "pool.h"

enum { PER_LAYER = 4, ALIGNMENT = 64, SLICE_STEP = 1024 };

/* Below this size waking threads is not worth it. */
static const size_t one_thread_size = (size_t)4 << 20;
static const size_t slice_size = (size_t)16 << 20;
static const size_t huge_page_size = (size_t)2 << 20;

static size_t n_matrices(const struct cf_model *model)
{
    return (size_t)model->n_layer * PER_LAYER + 1;
}

static struct cf_matrix *matrix_at(struct cf_model *model, size_t i)
{
    struct cf_layer *layer = &model->layers[i / PER_LAYER];
    if (i == (size_t)model->n_layer * PER_LAYER) {
        return &model->lm_head;
    }
    struct cf_matrix *const of_layer[PER_LAYER] = {&layer->attn_qkv, &layer->attn_proj,
                                                   &layer->mlp_up, &layer->mlp_down};
    return of_layer[i % PER_LAYER];
}

static size_t tiles_size(const struct cf_matrix *w)
{
    size_t size = cf_tiles_size(w->dtype, w->n_out, w->n_in);
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Slice by slice, so that of the file no more than a slice is held beside the tiles: a Conv1D's
 * outputs lie side by side, so it goes as a whole. */
static void arrange_matrix(struct cf_matrix *w, struct cf_pool *pool, unsigned char *to)
{
    const size_t row_size = cf_dtype_row_size(w->dtype, (size_t)w->n_in);
    const size_t n_out = (size_t)w->n_out;
    size_t n = w->layout == CF_IN_OUT ? n_out : slice_size / row_size / SLICE_STEP * SLICE_STEP;
    n = n < SLICE_STEP ? SLICE_STEP : n;
    for (size_t first = 0; first < n_out; first += n) {
        struct cf_matrix slice = *w;
        slice.data = (const unsigned char *)w->data + first * row_size;
        slice.n_out = (int32_t)(n_out - first < n ? n_out - first : n);
        cf_tiles_make(pool, &slice, to + cf_tiles_size(w->dtype, (int32_t)first, w->n_in));
        cf_mapping_forget(slice.data, row_size * (size_t)slice.n_out);
    }
    w->data = to;
    w->layout = CF_TILES;
}

static void arrange(struct cf_model *model, struct cf_pool *pool, unsigned char *to)
{
    for (size_t i = 0; i < n_matrices(model); i++) {
        struct cf_matrix *w = matrix_at(model, i);
        arrange_matrix(w, pool, to);
        to += tiles_size(w);
    }
    if (model->is_tied) {
        model->wte = model->lm_head;
    }
}

enum cf_code cf_model_tile(struct cf_model *model, struct cf_err *err)
{
    struct cf_model_files *files = model->files;
    size_t size = 0;
    for (size_t i = 0; i < n_matrices(model); i++) {
        size += tiles_size(matrix_at(model, i));
    }
    size_t mapped = size + huge_page_size; /* to begin at the border of a huge page */
    void *memory = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return cf_err_set(err, CF_ERR_TOO_LARGE, "%s: no memory for %zu MB of weights", files->path,
                          (size >> 20) + 1);
    }
    files->tiles = memory;
    files->tiles_size = mapped;
    size_t skip = huge_page_size - (uintptr_t)memory % huge_page_size;
    unsigned char *begin = (unsigned char *)memory + skip;
#ifdef MADV_HUGEPAGE
    (void)madvise(begin, size, MADV_HUGEPAGE);
#endif
    struct cf_pool *pool = NULL;
    enum cf_code code = cf_pool_new(&pool, size < one_thread_size ? 1 : cf_cpu_n_cores(), err);
    if (code == CF_OK) {
        arrange(model, pool, begin);
        cf_pool_free(pool);
    }
    return code;
}

void cf_model_tiles_free(struct cf_model_files *files)
{
    if (files->tiles != NULL) {
        (void)munmap(files->tiles, files->tiles_size);
    }
}
