/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_vfs.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 8, SECTOR = 512, PATH_SIZE = 256 };

struct store_vfs store_vfs;

/* A write or (size 0) truncation that no sync has followed. */
struct change {
    struct change *next;
    sqlite3_int64 offset;
    size_t size;
    bool is_truncation;
    unsigned char bytes[];
};

/* What the disk would hold of one file. */
struct disk_file {
    char path[PATH_SIZE]; /* "" is free */
    unsigned char *bytes;
    size_t size;
    struct change *first, **last;
};

static struct disk_file disk[FILES_MAX];

struct file {
    sqlite3_file base;
    struct disk_file *disk; /* NULL: not tracked */
    sqlite3_file *real;
    unsigned char room[]; /* of the file of the system, aligned as we are */
};

static sqlite3_vfs vfs;
static sqlite3_vfs *system_vfs;

static uint32_t next_random(void)
{
    store_vfs.random = store_vfs.random * 1664525U + 1013904223U;
    return store_vfs.random >> 8;
}

/* ---- The disk ---- */

static void apply_bytes(struct disk_file *file, sqlite3_int64 offset, const void *bytes,
                        size_t size)
{
    size_t end = (size_t)offset + size;
    if (end > file->size) {
        file->bytes = realloc(file->bytes, end);
        memset(file->bytes + file->size, 0, end - file->size);
        file->size = end;
    }
    memcpy(file->bytes + offset, bytes, size);
}

static void apply(struct disk_file *file, const struct change *change, bool in_pieces)
{
    if (change->is_truncation) {
        if ((size_t)change->offset < file->size && (!in_pieces || next_random() % 2 != 0)) {
            file->size = (size_t)change->offset;
        }
        return;
    }
    size_t done = 0;
    while (done < change->size) {
        size_t piece = SECTOR - (size_t)(change->offset + (sqlite3_int64)done) % SECTOR;
        piece = piece < change->size - done ? piece : change->size - done;
        if (!in_pieces || next_random() % 2 != 0) {
            apply_bytes(file, change->offset + (sqlite3_int64)done, change->bytes + done, piece);
        }
        done += piece;
    }
}

static void forget_changes(struct disk_file *file)
{
    for (struct change *change; (change = file->first) != NULL;) {
        file->first = change->next;
        free(change);
    }
    file->last = &file->first;
}

static void forget_file(struct disk_file *file)
{
    forget_changes(file);
    free(file->bytes);
    *file = (struct disk_file){.path = ""};
}

static void remember(struct disk_file *file, sqlite3_int64 offset, const void *bytes, size_t size,
                     bool is_truncation)
{
    struct change *change = malloc(sizeof *change + size);
    *change = (struct change){.offset = offset, .size = size, .is_truncation = is_truncation};
    if (size > 0) {
        memcpy(change->bytes, bytes, size);
    }
    *file->last = change;
    file->last = &change->next;
}

static struct disk_file *find_file(const char *path, bool makes)
{
    struct disk_file *spare = NULL;
    for (size_t i = 0; i < FILES_MAX; i++) {
        if (strcmp(disk[i].path, path) == 0 && *path != '\0') {
            return &disk[i];
        }
        spare = disk[i].path[0] == '\0' && spare == NULL ? &disk[i] : spare;
    }
    if (!makes || spare == NULL || strlen(path) >= PATH_SIZE) {
        return NULL;
    }
    (void)strcpy(spare->path, path);
    spare->last = &spare->first;
    int fd = open(path, O_RDONLY);
    struct stat info;
    if (fd >= 0 && fstat(fd, &info) == 0 && info.st_size > 0) {
        spare->bytes = malloc((size_t)info.st_size);
        spare->size = (size_t)read(fd, spare->bytes, (size_t)info.st_size);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return spare;
}

void store_vfs_cut(void)
{
    store_vfs.is_cut = true;
}

void store_vfs_restart(void)
{
    for (size_t i = 0; i < FILES_MAX; i++) {
        struct disk_file *file = &disk[i];
        if (file->path[0] == '\0') {
            continue;
        }
        for (const struct change *change = file->first; change != NULL; change = change->next) {
            apply(file, change, true);
        }
        int fd = open(file->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (fd < 0 || write(fd, file->bytes, file->size) != (ssize_t)file->size) {
            abort();
        }
        (void)close(fd);
        char shm[PATH_SIZE + 8];
        (void)snprintf(shm, sizeof shm, "%.*s-shm", PATH_SIZE, file->path);
        (void)unlink(shm);
        forget_file(file);
    }
    store_vfs.is_cut = false;
    store_vfs.tracks = false;
    store_vfs.steps_left = store_vfs.bytes_left = -1;
}

/* One more write or sync; false when the power is gone. */
static bool step(void)
{
    if (store_vfs.steps_left == 0) {
        store_vfs.is_cut = true;
    }
    if (store_vfs.steps_left > 0) {
        store_vfs.steps_left--;
    }
    return !store_vfs.is_cut;
}

/* ---- Files ---- */

static sqlite3_file *real(sqlite3_file *file)
{
    return ((struct file *)(void *)file)->real;
}

static int file_close(sqlite3_file *file)
{
    return real(file)->pMethods->xClose(real(file));
}

static int file_read(sqlite3_file *file, void *bytes, int size, sqlite3_int64 offset)
{
    return store_vfs.is_cut ? SQLITE_IOERR_READ
                            : real(file)->pMethods->xRead(real(file), bytes, size, offset);
}

static int file_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset)
{
    if (!step()) {
        return SQLITE_IOERR_WRITE;
    }
    if (store_vfs.bytes_left >= 0) {
        if (store_vfs.bytes_left < size) {
            return SQLITE_FULL;
        }
        store_vfs.bytes_left -= size;
    }
    struct file *own = (struct file *)(void *)file;
    if (own->disk != NULL) {
        remember(own->disk, offset, bytes, (size_t)size, false);
    }
    return real(file)->pMethods->xWrite(real(file), bytes, size, offset);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    if (!step()) {
        return SQLITE_IOERR_TRUNCATE;
    }
    struct file *own = (struct file *)(void *)file;
    if (own->disk != NULL) {
        remember(own->disk, size, NULL, 0, true);
    }
    return real(file)->pMethods->xTruncate(real(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
    (void)flags; /* the real disk need not be asked */
    if (!step()) {
        return SQLITE_IOERR_FSYNC;
    }
    struct file *own = (struct file *)(void *)file;
    if (own->disk != NULL) {
        for (const struct change *change = own->disk->first; change != NULL;
             change = change->next) {
            apply(own->disk, change, false);
        }
        forget_changes(own->disk);
    }
    return SQLITE_OK;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return store_vfs.is_cut ? SQLITE_IOERR_FSTAT
                            : real(file)->pMethods->xFileSize(real(file), size);
}

static int file_lock(sqlite3_file *file, int level)
{
    return store_vfs.is_cut ? SQLITE_IOERR_LOCK : real(file)->pMethods->xLock(real(file), level);
}

static int file_unlock(sqlite3_file *file, int level)
{
    return real(file)->pMethods->xUnlock(real(file), level);
}

static int file_check_reserved(sqlite3_file *file, int *result)
{
    return real(file)->pMethods->xCheckReservedLock(real(file), result);
}

static int file_control(sqlite3_file *file, int op, void *arg)
{
    return real(file)->pMethods->xFileControl(real(file), op, arg);
}

static int file_sector_size(sqlite3_file *file)
{
    (void)file;
    return SECTOR;
}

static int file_characteristics(sqlite3_file *file)
{
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int file_shm_map(sqlite3_file *file, int page, int size, int extends, void volatile **memory)
{
    return store_vfs.is_cut
               ? SQLITE_IOERR_SHMMAP
               : real(file)->pMethods->xShmMap(real(file), page, size, extends, memory);
}

static int file_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return real(file)->pMethods->xShmLock(real(file), offset, n, flags);
}

static void file_shm_barrier(sqlite3_file *file)
{
    real(file)->pMethods->xShmBarrier(real(file));
}

static int file_shm_unmap(sqlite3_file *file, int removes)
{
    return real(file)->pMethods->xShmUnmap(real(file), removes);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_reserved,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

static sqlite3_io_methods methods_without_shm;

static int vfs_open(sqlite3_vfs *self, const char *path, sqlite3_file *base, int flags,
                    int *out_flags)
{
    (void)self;
    struct file *file = (struct file *)(void *)base;
    *file = (struct file){.disk = NULL};
    if (store_vfs.is_cut) {
        return SQLITE_CANTOPEN;
    }
    file->real = (sqlite3_file *)(void *)file->room;
    int kept = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL;
    if (store_vfs.tracks && path != NULL && (flags & kept) != 0) {
        file->disk = find_file(path, true);
    }
    int rc = system_vfs->xOpen(system_vfs, path, file->real, flags, out_flags);
    if (rc == SQLITE_OK) {
        file->base.pMethods = store_vfs.has_no_shm ? &methods_without_shm : &methods;
    }
    return rc;
}

static int vfs_delete(sqlite3_vfs *self, const char *path, int syncs_folder)
{
    (void)self;
    if (!step()) {
        return SQLITE_IOERR_DELETE;
    }
    struct disk_file *file = find_file(path, false);
    if (file != NULL) {
        forget_file(file);
    }
    return system_vfs->xDelete(system_vfs, path, syncs_folder);
}

void store_vfs_init(void)
{
    store_vfs = (struct store_vfs){.bytes_left = -1, .steps_left = -1};
    if (system_vfs != NULL) {
        return;
    }
    system_vfs = sqlite3_vfs_find(NULL);
    methods_without_shm = methods;
    methods_without_shm.iVersion = 1;
    vfs = *system_vfs;
    vfs.pNext = NULL;
    vfs.zName = STORE_VFS;
    vfs.szOsFile = (int)sizeof(struct file) + system_vfs->szOsFile;
    vfs.xOpen = vfs_open;
    vfs.xDelete = vfs_delete;
    (void)sqlite3_vfs_register(&vfs, 0);
}
