/* SPDX-License-Identifier: GPL-3.0-or-later */
/* jsonfile: a JSON file of bounded size. */
#ifndef CF_JSONFILE_H
#define CF_JSONFILE_H

#include <jansson.h>

#include "err.h"

/* The JSON object in the file at path, which the caller releases by json_decref.  A repeated key is
 * an error.  CF_ERR_NOT_FOUND, CF_ERR_ACCESS, CF_ERR_IO; CF_ERR_TOO_LARGE above size_max bytes;
 * CF_ERR_FORMAT, with the line, when it is no JSON or no object. */
enum cf_code cf_jsonfile_load(json_t **object, const char *path, size_t size_max,
                              struct cf_err *err);

#endif
