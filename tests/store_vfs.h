/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file system under SQLite that fails on demand: a full disk, no shared memory, and a power cut
 * that drops what was not synced.  One at a time, one thread. */
#ifndef STORE_VFS_H
#define STORE_VFS_H

#include <base.h>

/* The name to open a store with. */
#define STORE_VFS "failing"

struct store_vfs {
    int64_t bytes_left; /* that may still be written; then the disk is full.  Negative: no limit */
    int64_t steps_left; /* writes and syncs until the power goes.  Negative: it stays */
    bool has_no_shm;    /* as on a network file system: no write-ahead log */
    bool tracks;        /* remembers what was not synced, for store_vfs_cut */
    uint32_t random;    /* decides which of the unsynced sectors survive */
    bool is_cut;        /* the power is gone: everything fails */
};

extern struct store_vfs store_vfs;

/* Makes the VFS known to SQLite and sets everything to work. */
void store_vfs_init(void);
/* The power goes now, if it has not already: from here on everything fails. */
void store_vfs_cut(void);
/* After everything was closed: the files become what the disk held, and all works again. */
void store_vfs_restart(void);

#endif
