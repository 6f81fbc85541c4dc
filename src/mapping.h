/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mapping: a whole file, read-only in memory without being read.
 *
 * What is mapped can change or shrink under us, and then a read raises SIGBUS.  A signal handler
 * asks cf_mapping_find whether the address lies in a file of ours, to say which. */
#ifndef CF_MAPPING_H
#define CF_MAPPING_H

#include "err.h"

struct cf_mapping {
    const unsigned char *data; /* page-aligned; NULL for an empty file */
    size_t size;
    char *path; /* as it was given */
};

/* Maps the regular file at path.  CF_ERR_NOT_FOUND, CF_ERR_ACCESS, CF_ERR_IO, and CF_ERR_FORMAT
 * for what is no regular file. */
enum cf_code cf_mapping_open(struct cf_mapping *mapping, const char *path, struct cf_err *err);
/* Safe on a zeroed mapping. */
void cf_mapping_close(struct cf_mapping *mapping);

/* Memory of a mapped file that is not needed any more: its pages leave the process, and come back
 * from the file when they are read after all.  Memory of another kind is left alone. */
void cf_mapping_forget(const void *data, size_t size);

/* The path of the mapped file that holds ADDRESS, or NULL.  Async-signal-safe; knows the 64
 * mappings opened first among those that are open. */
const char *cf_mapping_find(const void *address);

#endif
