/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who writes a streaming reply, so that another process can tell whether it still does.  A pid
 * alone is not enough: it comes again after a restart, and later in the same run.  Boot id, pid and
 * start time together never do. */
#include "store_db.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A process that can't be seen is taken for dead when its reply has rested for so long. */
enum { UNSEEN_MS = 10 * 60 * 1000 };

struct owner {
    char boot[40];
    uint64_t space; /* inode of the pid namespace; 0: unknown */
    int64_t pid;
    uint64_t start; /* clock ticks since boot; 0: unknown */
};

static size_t read_small_file(const char *path, char *bytes, size_t capacity)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    ssize_t n;
    do {
        n = read(fd, bytes, capacity - 1);
    } while (n < 0 && errno == EINTR);
    (void)close(fd);
    size_t size = n > 0 ? (size_t)n : 0;
    bytes[size] = '\0';
    return size;
}

/* Field 22 of /proc/PID/stat (proc(5)); the name in field 2 may hold anything, so from its end.  A
 * zombie writes no more. */
static bool read_start(uint64_t *start, int64_t pid)
{
    char path[48];
    char stat_text[1024];
    (void)snprintf(path, sizeof path, "/proc/%" PRId64 "/stat", pid);
    if (read_small_file(path, stat_text, sizeof stat_text) == 0) {
        return false;
    }
    char *field = strrchr(stat_text, ')');
    if (field == NULL || field[1] == '\0') {
        return false;
    }
    field += 2;
    if (*field == 'Z' || *field == 'X') {
        return false;
    }
    for (int i = 3; i < 22 && field != NULL; i++) {
        field = strchr(field, ' ');
        field = field != NULL ? field + 1 : NULL;
    }
    return field != NULL && sscanf(field, "%" SCNu64, start) == 1;
}

static void read_self(struct owner *self)
{
    *self = (struct owner){.boot = "-", .pid = getpid()};
    char boot[64];
    if (read_small_file("/proc/sys/kernel/random/boot_id", boot, sizeof boot) > 0) {
        (void)sscanf(boot, "%39s", self->boot);
    }
    struct stat info;
    if (stat("/proc/self/ns/pid", &info) == 0) {
        self->space = (uint64_t)info.st_ino;
    }
    (void)read_start(&self->start, self->pid);
}

void cf_owner_self(char owner[CF_OWNER_SIZE])
{
    struct owner self;
    read_self(&self);
    (void)snprintf(owner, CF_OWNER_SIZE, "%s %" PRIu64 " %" PRId64 " %" PRIu64, self.boot,
                   self.space, self.pid, self.start);
}

bool cf_owner_is_alive(const char *owner, int64_t saved_ms)
{
    struct owner self;
    struct owner other;
    read_self(&self);
    if (sscanf(owner, "%39s %" SCNu64 " %" SCNd64 " %" SCNu64, other.boot, &other.space, &other.pid,
               &other.start) != 4 ||
        other.pid <= 0) {
        return false;
    }
    if (strcmp(self.boot, other.boot) != 0) {
        return false;
    }
    if (self.space != other.space) {
        int64_t rested_ms = cf_db_now_ms() - saved_ms;
        return rested_ms < UNSEEN_MS;
    }
    if (self.start == 0) {
        /* No /proc here: the pid is all there is. */
        return kill((pid_t)other.pid, 0) == 0 || errno == EPERM;
    }
    uint64_t start = 0;
    return read_start(&start, other.pid) && start == other.start;
}
