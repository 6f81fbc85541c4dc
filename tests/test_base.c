/* SPDX-License-Identifier: GPL-3.0-or-later */
/* err, mem, buf, ids and dtype at their headers. */
#include "test.h"

#include <errno.h>

#include "base64.h"
#include "buf.h"
#include "dtype.h"
#include "err.h"
#include "ids.h"
#include "mem.h"

static void err__set__keeps_code_and_sentence(void **state)
{
    (void)state;
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_err_set(&err, CF_ERR_RANGE, "top-p is %d", 7), CF_ERR_RANGE);
    assert_int_equal(err.code, CF_ERR_RANGE);
    assert_string_equal(err.text, "top-p is 7");
    assert_int_equal(cf_err_prefix(&err, err.code, "line %d", 3), CF_ERR_RANGE);
    assert_string_equal(err.text, "line 3: top-p is 7");
    assert_int_equal(cf_err_set(NULL, CF_ERR_IO, "x"), CF_ERR_IO);
    assert_int_equal(cf_err_prefix(NULL, CF_ERR_IO, "x"), CF_ERR_IO);
}

static void err__set__leaves_the_middle_out(void **state)
{
    (void)state;
    struct cf_err err = CF_ERR_INIT;
    struct cf_err prefixed = CF_ERR_INIT;
    char name[3 * CF_ERR_TEXT_SIZE + 1];
    for (size_t shift = 0; shift < 3; shift++) {
        memset(name, 'x', sizeof name);
        for (size_t i = shift; i + 3 < sizeof name; i += 3) {
            memcpy(name + i, "\xe6\xad\xa3", 3);
        }
        name[sizeof name - 1] = '\0';
        cf_err_set_errno(&err, ENOENT, "cannot open %s", name);
        assert_true(strlen(err.text) < CF_ERR_TEXT_SIZE);
        assert_true(strlen(err.text) > CF_ERR_TEXT_SIZE - 10);
        assert_int_equal(strncmp(err.text, "cannot open ", 12), 0);
        assert_non_null(strstr(err.text, ": No such file or directory"));
        const char *gap = strstr(err.text, "…");
        assert_non_null(gap);
        assert_int_equal(strncmp(gap - 3, "\xe6\xad\xa3…\xe6\xad\xa3", 9), 0);
        prefixed = err;
        cf_err_prefix(&prefixed, prefixed.code, "%s", name);
        assert_non_null(strstr(prefixed.text, ": No such file or directory"));
    }
}

static void err__set_errno__maps_the_code(void **state)
{
    (void)state;
    struct cf_err err = CF_ERR_INIT;
    assert_int_equal(cf_err_set_errno(&err, ENOSPC, "db"), CF_ERR_FULL);
    assert_int_equal(cf_err_set_errno(&err, ENOENT, "db"), CF_ERR_NOT_FOUND);
    assert_int_equal(cf_err_set_errno(NULL, EROFS, "db"), CF_ERR_ACCESS);
    assert_string_equal(err.text, "db: No such file or directory");
}

static void buf__add__stays_sane(void **state)
{
    (void)state;
    struct cf_buf buf = CF_BUF_INIT;
    cf_buf_assert_sane(&buf);
    cf_buf_clear(&buf);
    for (int i = 0; i < 1000; i++) {
        cf_buf_addf(&buf, "%d,", i);
        cf_buf_add_char(&buf, '\0');
        cf_buf_assert_sane(&buf);
    }
    assert_memory_equal(buf.data,
                        "0,\0"
                        "1,\0"
                        "2,",
                        8);
    cf_buf_consume(&buf, 3);
    assert_memory_equal(buf.data,
                        "1,\0"
                        "2,",
                        5);
    cf_buf_truncate(&buf, 2);
    cf_buf_assert_sane(&buf);
    char *text = cf_buf_take(&buf);
    assert_string_equal(text, "1,");
    free(text);
    cf_buf_assert_sane(&buf);
    text = cf_buf_take(&buf);
    assert_string_equal(text, "");
    free(text);
    cf_buf_release(&buf);
}

static void mem__arena__keeps_pieces_apart(void **state)
{
    (void)state;
    struct cf_arena arena = {0};
    char *pieces[200];
    for (size_t i = 0; i < CF_ARRAY_SIZE(pieces); i++) {
        size_t size = i * i + 1;
        pieces[i] = cf_arena_alloc(&arena, size);
        for (size_t k = 0; k < size; k++) {
            assert_int_equal(pieces[i][k], 0);
        }
        memset(pieces[i], (int)i, size);
    }
    for (size_t i = 0; i < CF_ARRAY_SIZE(pieces); i++) {
        assert_int_equal((unsigned char)pieces[i][i * i], i);
    }
    cf_arena_release(&arena);
    assert_null(arena.blocks);
}

static void mem__grow__makes_room_for_what_comes(void **state)
{
    (void)state;
    size_t capacity = 0;
    int *items = cf_grow(NULL, 0, &capacity, 1, sizeof *items);
    assert_true(capacity >= 1);
    size_t first = capacity;
    assert_ptr_equal(cf_grow(items, 0, &capacity, first, sizeof *items), items);
    assert_int_equal(capacity, first);
    for (size_t i = 0; i < first; i++) {
        items[i] = (int)i;
    }
    items = cf_grow(items, first, &capacity, 1, sizeof *items);
    assert_true(capacity >= 2 * first);
    items = cf_grow(items, first, &capacity, 1000, sizeof *items);
    assert_true(capacity >= first + 1000);
    assert_int_equal(items[first - 1], (int)first - 1);
    free(items);
}

static void ids__common_prefix__stops_at_the_first_difference(void **state)
{
    (void)state;
    struct cf_ids a = {0};
    struct cf_ids b = {0};
    for (int32_t i = 0; i < 100; i++) {
        cf_ids_add(&a, i);
    }
    cf_ids_add_all(&b, a.data, 60);
    assert_int_equal(cf_ids_common_prefix(a.data, a.n, b.data, b.n), 60);
    b.data[41] = -1;
    assert_int_equal(cf_ids_common_prefix(a.data, a.n, b.data, b.n), 41);
    assert_int_equal(cf_ids_common_prefix(NULL, 0, b.data, b.n), 0);
    cf_ids_release(&a);
    cf_ids_release(&b);
}

static void dtype__row_size__follows_the_blocks(void **state)
{
    (void)state;
    assert_int_equal(cf_dtype_row_size(CF_F32, 3), 12);
    assert_int_equal(cf_dtype_row_size(CF_Q8_0, 64), 68);
    assert_int_equal(cf_dtype_row_size(CF_Q6_K, 512), 420);
    enum cf_dtype dtype = CF_F32;
    assert_true(cf_dtype_find(&dtype, "Q8_0"));
    assert_int_equal(dtype, CF_Q8_0);
    assert_false(cf_dtype_find(&dtype, "q9"));
    assert_false(cf_dtype_is_known(4));
    assert_string_equal(cf_dtype_name(CF_BF16), "bf16");
}

static void base64__every_length__comes_back(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *text;
    } known[] = {{"", ""},
                 {"f", "Zg=="},
                 {"fo", "Zm8="},
                 {"foo", "Zm9v"},
                 {"foob", "Zm9vYg=="},
                 {"fooba", "Zm9vYmE="},
                 {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < CF_ARRAY_SIZE(known); i++) { /* RFC 4648, section 10 */
        struct cf_buf text = CF_BUF_INIT;
        struct cf_buf bytes = CF_BUF_INIT;
        cf_base64_encode(&text, known[i].bytes, strlen(known[i].bytes));
        assert_string_equal(text.data, known[i].text);
        assert_true(cf_base64_decode(&bytes, text.data, text.size));
        assert_string_equal(bytes.data, known[i].bytes);
        cf_buf_release(&text);
        cf_buf_release(&bytes);
    }
    unsigned char all[256];
    for (int i = 0; i < 256; i++) {
        all[i] = (unsigned char)i;
    }
    struct cf_buf text = CF_BUF_INIT;
    struct cf_buf bytes = CF_BUF_INIT;
    cf_base64_encode(&text, all, sizeof all);
    assert_true(cf_base64_decode(&bytes, text.data, text.size));
    assert_int_equal(bytes.size, sizeof all);
    assert_memory_equal(bytes.data, all, sizeof all);
    static const char *const wrong[] = {
        "Z", "Zg", "Zg=", "=Zg=", "Zh==", "Zm9=", "Zm9v!", "Zm 9", "Z===", "====", "Zg==Zg=="};
    for (size_t i = 0; i < CF_ARRAY_SIZE(wrong); i++) {
        assert_false(cf_base64_decode(&bytes, wrong[i], strlen(wrong[i])));
        assert_int_equal(bytes.size, sizeof all);
    }
    cf_buf_release(&text);
    cf_buf_release(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(err__set__keeps_code_and_sentence),
        cmocka_unit_test(err__set__leaves_the_middle_out),
        cmocka_unit_test(err__set_errno__maps_the_code),
        cmocka_unit_test(buf__add__stays_sane),
        cmocka_unit_test(mem__arena__keeps_pieces_apart),
        cmocka_unit_test(mem__grow__makes_room_for_what_comes),
        cmocka_unit_test(ids__common_prefix__stops_at_the_first_difference),
        cmocka_unit_test(base64__every_length__comes_back),
        cmocka_unit_test(dtype__row_size__follows_the_blocks),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
