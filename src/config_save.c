/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config_file.h"

#include <stdlib.h>
#include <string.h>

#include "path.h"
#include "text.h"

enum { NAME_MAX_SIZE = 40 };

static bool is_good_name(const char *name)
{
    size_t size = strlen(name);
    if (size == 0 || size > NAME_MAX_SIZE || name[0] == ' ' || name[size - 1] == ' ' ||
        !cf_text_is_valid(name, size)) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)name[i] < 0x20 || strchr("[]\x7f", name[i]) != NULL) {
            return false;
        }
    }
    return true;
}

/* One line of the file, without blanks before it: its first byte and the end of its text. */
struct line {
    size_t begin; /* of the whole line */
    size_t next;  /* of the line after it */
    const char *text;
    size_t size;
};

static bool next_line(struct line *line, const struct cf_buf *file)
{
    if (line->next >= file->size) {
        return false;
    }
    line->begin = line->next;
    const char *at = file->data + line->begin;
    const char *end = memchr(at, '\n', file->size - line->begin);
    line->next = end != NULL ? (size_t)(end - file->data) + 1 : file->size;
    end = end != NULL ? end : file->data + file->size;
    while (at < end && (*at == ' ' || *at == '\t')) {
        at++;
    }
    line->text = at;
    line->size = (size_t)(end - at);
    return true;
}

/* Whether the line is [preset NAME], blanks aside. */
static bool is_head(const struct line *line, const char *name)
{
    const char *at = line->text;
    const char *end = at + line->size;
    const char *close = memchr(at, ']', line->size);
    if (line->size == 0 || *at != '[' || close == NULL || close >= end) {
        return false;
    }
    for (at++; *at == ' ' || *at == '\t'; at++) {
    }
    if (strncmp(at, "preset", 6) != 0 || at[6] != ' ') {
        return false;
    }
    for (at += 6; *at == ' '; at++) {
    }
    while (close > at && (close[-1] == ' ' || close[-1] == '\t')) {
        close--;
    }
    return (size_t)(close - at) == strlen(name) && memcmp(at, name, strlen(name)) == 0;
}

/* Finds the section from its head to its last value: what stands behind that, up to the next
 * section, belongs to that one.  Both are the file's size when there is none. */
static void find_section(const struct cf_buf *file, const char *name, size_t *begin, size_t *end)
{
    *begin = file->size;
    *end = file->size;
    bool is_inside = false;
    struct line line = {.next = 0};
    while (next_line(&line, file)) {
        bool is_section = line.size > 0 && line.text[0] == '[';
        if (is_section && is_inside) {
            return;
        }
        if (is_section && is_head(&line, name)) {
            is_inside = true;
            *begin = line.begin;
            *end = line.next;
        } else if (is_inside && line.size > 0 && strchr("#;\r", line.text[0]) == NULL) {
            *end = line.next;
        }
    }
}

static void add_section(struct cf_buf *out, const char *name, const struct cf_settings *settings)
{
    cf_buf_addf(out, "[preset %s]\n", name);
    for (int i = 0; i < CF_N_SETTINGS; i++) {
        const struct cf_setting_info *info = cf_setting_info((enum cf_setting)i);
        if ((info->flags & CF_SET_PRESET) != 0) {
            cf_buf_addf(out, "%s = ", info->name);
            cf_settings_format(settings, info->setting, out);
            cf_buf_add_char(out, '\n');
        }
    }
}

enum cf_code cf_config_save_preset(const char *path, const char *name,
                                   const struct cf_settings *settings, struct cf_err *err)
{
    if (!is_good_name(name)) {
        return cf_err_set(err, CF_ERR_USAGE,
                          "a preset's name has 1 to %d bytes and no brackets: '%s'",
                          (int)NAME_MAX_SIZE, name);
    }
    struct cf_buf file = CF_BUF_INIT;
    struct cf_buf out = CF_BUF_INIT;
    enum cf_code code = cf_path_read_file(&file, path, CF_CONFIG_MAX_SIZE, err);
    if (code != CF_OK && code != CF_ERR_NOT_FOUND) {
        goto done;
    }
    size_t begin, end;
    find_section(&file, name, &begin, &end);
    cf_buf_add(&out, file.data, begin);
    if (begin == file.size && begin > 0) {
        cf_buf_add_str(&out, file.data[begin - 1] == '\n' ? "\n" : "\n\n");
    }
    add_section(&out, name, settings);
    cf_buf_add(&out, file.data + end, file.size - end);
    code = cf_path_make_parent(path, err);
    if (code == CF_OK) {
        code = cf_path_write_file(path, out.data, out.size, err);
    }
done:
    cf_buf_release(&file);
    cf_buf_release(&out);
    return code;
}
