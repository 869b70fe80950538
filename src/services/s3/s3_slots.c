/* SPDX-License-Identifier: Apache-2.0 */
#include "services/s3/s3_slots.h"

#include "base/arena.h"

#include <pthread.h>
#include <stdlib.h>

/* As many are kept as are in use, and a few when none are. */
#define KEPT_MIN 16u
#define KEPT_MAX 256u

struct s3_slots {
    pthread_mutex_t lock; /* guards the rest */
    uint8_t *kept[KEPT_MAX];
    size_t n_kept, n_taken;
};

struct s3_slots *
s3_slots_new(void)
{
    struct s3_slots *s = vg_xalloc(sizeof(*s));
    VG_ASSERT(pthread_mutex_init(&s->lock, NULL) == 0);
    return s;
}

void
s3_slots_free(struct s3_slots *s)
{
    if (s == NULL)
        return;
    VG_ASSERT(s->n_taken == 0);
    while (s->n_kept > 0)
        free(s->kept[--s->n_kept]);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

uint8_t *
s3_slot_take(struct s3_slots *s, bool is_further)
{
    uint8_t *slot = NULL;
    pthread_mutex_lock(&s->lock);
    bool may = !is_further || s->n_taken < S3_SLOTS_AHEAD_MAX;
    s->n_taken += may;
    if (may && s->n_kept > 0)
        slot = s->kept[--s->n_kept];
    pthread_mutex_unlock(&s->lock);
    return slot || !may ? slot : vg_xalloc((size_t)S3_SLOT_SEGMENTS * VG_SEGMENT_STORED_BYTES);
}

void
s3_slot_give(struct s3_slots *s, uint8_t *slot)
{
    uint8_t *surplus[2] = { slot, NULL };
    pthread_mutex_lock(&s->lock);
    s->n_taken--;
    if (s->n_kept < KEPT_MAX) {
        s->kept[s->n_kept++] = slot;
        surplus[0] = NULL;
    }
    for (size_t i = 0; i < VG_COUNT(surplus); i++)
        if (!surplus[i] && s->n_kept > VG_MAX(s->n_taken, (size_t)KEPT_MIN))
            surplus[i] = s->kept[--s->n_kept];
    pthread_mutex_unlock(&s->lock);
    free(surplus[0]);
    free(surplus[1]);
}
