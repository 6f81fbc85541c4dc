/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_schema: the schema's versions and bringing a file from one to the next.  Private to the
 * store, but for tests that make up a version of their own. */
#ifndef CF_STORE_SCHEMA_H
#define CF_STORE_SCHEMA_H

#include "store.h"

/* Version i + 1 is made from version i by cf_store_schema[i]: lines, NULL behind the last.  Made
 * from data/schema/ by embed.awk. */
extern const char *const *const cf_store_schema[];
extern const int cf_store_schema_n;

/* cf_store_open with a schema of one's own. */
enum cf_code cf_store_open_schema(struct cf_store **store, const char *path,
                                  const struct cf_store_options *options,
                                  const char *const *const *schema, int n_schema,
                                  struct cf_err *err);

/* Whether the file is a database of ours and of which version (0: empty); touches nothing.
 * CF_ERR_FORMAT, CF_ERR_NEWER, CF_ERR_CORRUPT. */
enum cf_code cf_store_identify(int *version, struct cf_store *store, int n_schema,
                               struct cf_err *err);
/* Makes the schema or brings it up to date from VERSION, one transaction a version; a file that
 * holds something is copied first. */
enum cf_code cf_store_migrate(struct cf_store *store, int version, const char *const *const *schema,
                              int n_schema, struct cf_err *err);
/* The newest of the copies that migrations made; false: there is none. */
bool cf_store_find_migration_backup(struct cf_buf *path, const struct cf_store *store);
/* Removes the copies that migrations made. */
enum cf_code cf_store_remove_migration_backups(struct cf_store *store, struct cf_err *err);

/* Copies the whole database into a new file at PATH (0600, synced), which must not exist. */
enum cf_code cf_store_copy_file(struct cf_store *store, const char *path, struct cf_err *err);

#endif
