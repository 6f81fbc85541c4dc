/* SPDX-License-Identifier: GPL-3.0-or-later */
/* catalog: the models at hand: the bundled one and those installed in the data folder.
 *
 * An installed model is a folder $XDG_DATA_HOME/confab/models/NAME with Hugging Face's files, or a
 * file NAME.gguf there. */
#ifndef CF_CATALOG_H
#define CF_CATALOG_H

#include "err.h"
#include "texts.h"

/* The path of file NAME of what is installed with confab (data/): beside the program in a build
 * tree, else below the prefix.  $CONFAB_DATADIR replaces the place.  The caller frees it. */
enum cf_code cf_catalog_data_file(char **path, const char *name, struct cf_err *err);

/* The path of the model that MODEL means: a file or folder of that name, else the installed model
 * called so; NULL or "" is the bundled one.  The caller frees it.  CF_ERR_NOT_FOUND names those
 * that are installed. */
enum cf_code cf_catalog_find(char **path, const char *model, struct cf_err *err);

/* The names and paths (parallel) of the installed models, by name.  Both lists are released or
 * empty beforehand. */
enum cf_code cf_catalog_list(struct cf_texts *names, struct cf_texts *paths, struct cf_err *err);

#endif
