/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cpu: what the machine offers to compute with. */
#ifndef CF_CPU_H
#define CF_CPU_H

#include "base.h"

/* The physical cores that this process may run on: hyper-threads of one core count once (they share
 * its arithmetic units and its memory port), CPUs outside the affinity mask not at all.  At
 * least 1. Source: Linux, Documentation/ABI/stable/sysfs-devices-system-cpu
 * (topology/core_cpus_list). */
int cf_cpu_n_cores(void);

#endif
