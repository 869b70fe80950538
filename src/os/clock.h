/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_OS_CLOCK_H
#define VG_OS_CLOCK_H

/* The system's clocks and its randomness: the one place that asks for them. Any thread. */

#include "base/base.h"

int64_t vg_mono_ms(void); /* CLOCK_MONOTONIC */
int64_t vg_mono_us(void);
int64_t vg_wall_ms(void); /* CLOCK_REALTIME since 1970 */

/* Fills from the kernel's generator; never fails (aborts when the system has none). */
void vg_os_random(void *to, size_t bytes);

#endif
