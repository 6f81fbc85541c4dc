/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The matrices that are multiplied with, from the file's layout to the kernels' tiles.
 *
 * The tiles lie in anonymous memory in huge pages: a mapped file comes in pages of 4 KB, and
 * walking the page table for them makes decoding 7 % slower (124 M parameters, Q8_0).  For that
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

/* Where the weights go. */
struct arranging {
    struct cf_model *model;
    struct cf_pool *pool;
    enum cf_dtype dtype;
    bool is_converted; /* to dtype; else each matrix keeps its own */
    void *scratch;
};

enum cf_dtype cf_model_converted_dtype(enum cf_dtype dtype, bool is_head, int32_t n_in)
{
    if (is_head && (dtype == CF_Q4_0 || dtype == CF_Q4_1)) {
        dtype = CF_Q8_0;
    }
    return (size_t)n_in % cf_dtype_n_block(dtype) == 0 ? dtype : CF_F16;
}

/* Embeddings of their own are only read by rows, from where they are mapped, unless they are to be
 * converted. */
static size_t n_matrices(const struct arranging *to)
{
    return (size_t)to->model->n_layer * PER_LAYER + 1 +
           (to->is_converted && !to->model->is_tied ? 1 : 0);
}

static struct cf_matrix *matrix_at(const struct arranging *to, size_t i)
{
    struct cf_model *model = to->model;
    const size_t n_in_layers = (size_t)model->n_layer * PER_LAYER;
    if (i >= n_in_layers) {
        return i == n_in_layers ? &model->lm_head : &model->wte;
    }
    struct cf_layer *layer = &model->layers[i / PER_LAYER];
    struct cf_matrix *const of_layer[PER_LAYER] = {&layer->attn_qkv, &layer->attn_proj,
                                                   &layer->mlp_up, &layer->mlp_down};
    return of_layer[i % PER_LAYER];
}

static enum cf_dtype dtype_at(const struct arranging *to, size_t i)
{
    const struct cf_matrix *w = matrix_at(to, i);
    const bool is_head = i >= (size_t)to->model->n_layer * PER_LAYER;
    return to->is_converted ? cf_model_converted_dtype(to->dtype, is_head, w->n_in) : w->dtype;
}

static size_t tiles_size(const struct arranging *to, size_t i)
{
    const struct cf_matrix *w = matrix_at(to, i);
    size_t size = cf_tiles_size(dtype_at(to, i), w->n_out, w->n_in);
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Slice by slice, so that of the file no more than a slice is held beside the tiles: a Conv1D's
 * outputs lie side by side, so it goes as a whole. */
static void arrange_matrix(const struct arranging *to, struct cf_matrix *w, enum cf_dtype dtype,
                           unsigned char *tiles)
{
    const size_t row_size = cf_dtype_row_size(w->dtype, (size_t)w->n_in);
    const size_t n_out = (size_t)w->n_out;
    size_t n = w->layout == CF_IN_OUT ? n_out : slice_size / row_size / SLICE_STEP * SLICE_STEP;
    n = n < SLICE_STEP ? SLICE_STEP : n;
    for (size_t first = 0; first < n_out; first += n) {
        struct cf_matrix slice = *w;
        unsigned char *at = tiles + cf_tiles_size(dtype, (int32_t)first, w->n_in);
        slice.data = (const unsigned char *)w->data + first * row_size;
        slice.n_out = (int32_t)(n_out - first < n ? n_out - first : n);
        if (dtype == w->dtype) {
            cf_tiles_make(to->pool, &slice, at);
        } else {
            cf_tiles_convert(cf_kernels_current(), to->pool, &slice, dtype, at, to->scratch);
        }
        cf_mapping_forget(slice.data, row_size * (size_t)slice.n_out);
    }
    w->data = tiles;
    w->dtype = dtype;
    w->layout = CF_TILES;
}

static void arrange(struct arranging *to, unsigned char *tiles)
{
    size_t scratch_size = 0;
    for (size_t i = 0; to->is_converted && i < n_matrices(to); i++) {
        size_t size = cf_tiles_convert_scratch_size(dtype_at(to, i), matrix_at(to, i)->n_in,
                                                    cf_pool_n_threads(to->pool));
        scratch_size = size > scratch_size ? size : scratch_size;
    }
    to->scratch = scratch_size > 0 ? cf_aligned_alloc(scratch_size) : NULL;
    for (size_t i = 0; i < n_matrices(to); i++) {
        const size_t size = tiles_size(to, i);
        arrange_matrix(to, matrix_at(to, i), dtype_at(to, i), tiles);
        tiles += size;
    }
    free(to->scratch);
    if (to->model->is_tied) {
        to->model->wte = to->model->lm_head;
    }
    to->model->dtype = to->dtype;
}

enum cf_code cf_model_tile(struct cf_model *model, enum cf_dtype dtype, struct cf_err *err)
{
    struct cf_model_files *files = model->files;
    struct arranging to = {.model = model, .dtype = dtype, .is_converted = dtype != model->dtype};
    if (to.is_converted && !cf_from_f32_knows(dtype)) {
        return cf_err_set(err, CF_ERR_UNSUPPORTED, "%s: weights cannot be converted to %s",
                          files->path, cf_dtype_name(dtype));
    }
    size_t size = 0;
    for (size_t i = 0; i < n_matrices(&to); i++) {
        size += tiles_size(&to, i);
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
    enum cf_code code = cf_pool_new(&to.pool, size < one_thread_size ? 1 : cf_cpu_n_cores(), err);
    if (code == CF_OK) {
        arrange(&to, begin);
        cf_pool_free(to.pool);
    }
    return code;
}

void cf_model_tiles_free(struct cf_model_files *files)
{
    if (files->tiles != NULL) {
        (void)munmap(files->tiles, files->tiles_size);
    }
}
