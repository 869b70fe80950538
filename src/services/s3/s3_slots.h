/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_SLOTS_H
#define S3_SLOTS_H

/*
 * The memory that contents pass through: slots, each for one segment with its tag.
 *
 * Whoever streams may always have a few slots.  Further ones let its sides run ahead, which spares
 * waking them for each segment; all streams together may have S3_SLOTS_EXTRA_MAX of those, so that
 * one that is alone is fast and many together stay small.  A few that were given back are kept:
 * what was used last is taken first, while it is still in the processor's cache.
 */

#include "base/base.h"

#include <stddef.h>
#include <stdint.h>

/* 6 MiB, beside which 64 connections have some 8 MiB of their own. */
#define S3_SLOTS_EXTRA_MAX 96u

struct s3_slots;

struct s3_slots *s3_slots_new(void);
void s3_slots_free(struct s3_slots *s); /* when all were given back; accepts NULL */

/* VG_SEGMENT_STORED_BYTES, with anything in them; NULL: a further one that is not to be had. Any
 * thread. */
uint8_t *s3_slot_take(struct s3_slots *s, bool is_extra);
/* As it was taken. Any thread. */
void s3_slot_give(struct s3_slots *s, uint8_t *slot, bool is_extra);

#endif
