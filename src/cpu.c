/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cpu.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

/* The lowest CPU that shares a core with CPU, itself where the kernel does not tell. */
static size_t first_sibling(size_t cpu)
{
    static const char *const names[] = {"core_cpus_list", "thread_siblings_list"};
    for (size_t i = 0; i < CF_ARRAY_SIZE(names); i++) {
        char path[96];
        (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%zu/topology/%s", cpu,
                       names[i]);
        FILE *file = fopen(path, "re");
        if (file == NULL) {
            continue;
        }
        char line[64];
        bool is_read = fgets(line, sizeof line, file) != NULL;
        fclose(file);
        if (is_read && line[0] >= '0' && line[0] <= '9') {
            return strtoul(line, NULL, 10);
        }
    }
    return cpu;
}

int cf_cpu_n_cores(void)
{
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) {
        return 1;
    }
    cpu_set_t cores;
    CPU_ZERO(&cores);
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &allowed)) {
            size_t core = first_sibling(cpu);
            if (core < CPU_SETSIZE) {
                CPU_SET(core, &cores);
            }
        }
    }
    int n = CPU_COUNT(&cores);
    return n > 0 ? n : 1;
}
