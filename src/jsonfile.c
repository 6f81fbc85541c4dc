/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "jsonfile.h"

#include "mapping.h"

enum cf_code cf_jsonfile_load(json_t **object, const char *path, size_t size_max,
                              struct cf_err *err)
{
    struct cf_mapping mapping;
    enum cf_code code = cf_mapping_open(&mapping, path, err);
    if (code != CF_OK) {
        return code;
    }
    json_t *json = NULL;
    json_error_t json_err = {.text = "it is empty", .line = 1};
    if (mapping.size > size_max) {
        code = cf_err_set(err, CF_ERR_TOO_LARGE, "%s: larger than %zu bytes", path, size_max);
        goto out;
    }
    if (mapping.size > 0) {
        json =
            json_loadb((const char *)mapping.data, mapping.size, JSON_REJECT_DUPLICATES, &json_err);
    }
    if (json == NULL) {
        code = cf_err_set(err, CF_ERR_FORMAT, "%s, line %d: no sound JSON: %s", path, json_err.line,
                          json_err.text);
        goto out;
    }
    if (!json_is_object(json)) {
        code = cf_err_set(err, CF_ERR_FORMAT, "%s: no JSON object", path);
        goto out;
    }
    *object = json;
    json = NULL;
out:
    json_decref(json);
    cf_mapping_close(&mapping);
    return code;
}
