/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_SLOTS_H
#define S3_SLOTS_H

/*
 * The memory that contents pass through: slots, each for a few segments with their tags.
 *
 * Whoever streams may always have a slot.  Further ones let its sides run ahead, which spares
 * waking them for each segment; they are given as long as few slots are in use, so that a stream
 * that is alone is fast, and many together stay within the processor's cache.  What was used last
 * is taken first.
 */

#include "crypto/segment.h"

/* Segments a slot: what is handed on at once, so that the way costs little beside the work. */
#define S3_SLOT_SEGMENTS 2u
#define S3_SLOT_BYTES    ((size_t)S3_SLOT_SEGMENTS * VG_SEGMENT_BYTES) /* of content */

/* In use, up to which there are further ones; 2.5 MiB. */
#define S3_SLOTS_AHEAD_MAX 20u

struct s3_slots;

struct s3_slots *s3_slots_new(void);
void s3_slots_free(struct s3_slots *s); /* when all were given back; accepts NULL */

/* Room for so many segments as they are stored, with anything in it; NULL: a further one that is
 * not to be had. Any thread. */
uint8_t *s3_slot_take(struct s3_slots *s, bool is_further);
void s3_slot_give(struct s3_slots *s, uint8_t *slot); /* any thread */

#endif
