/* SPDX-License-Identifier: Apache-2.0 */
#include "services/s3/s3_slots.h"

#include "base/arena.h"
#include "crypto/segment.h"

#include <pthread.h>
#include <stdlib.h>

#define KEPT_MAX 16u

struct s3_slots {
    pthread_mutex_t lock; /* guards the rest */
    uint8_t *kept[KEPT_MAX];
    size_t n_kept, n_extra;
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
    VG_ASSERT(s->n_extra == 0);
    while (s->n_kept > 0)
        free(s->kept[--s->n_kept]);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

uint8_t *
s3_slot_take(struct s3_slots *s, bool is_extra)
{
    uint8_t *slot = NULL;
    pthread_mutex_lock(&s->lock);
    bool may = !is_extra || s->n_extra < S3_SLOTS_EXTRA_MAX;
    s->n_extra += may && is_extra;
    if (may && s->n_kept > 0)
        slot = s->kept[--s->n_kept];
    pthread_mutex_unlock(&s->lock);
    return slot || !may ? slot : vg_xalloc(VG_SEGMENT_STORED_BYTES);
}

void
s3_slot_give(struct s3_slots *s, uint8_t *slot, bool is_extra)
{
    pthread_mutex_lock(&s->lock);
    s->n_extra -= is_extra;
    bool is_kept = s->n_kept < KEPT_MAX;
    if (is_kept)
        s->kept[s->n_kept++] = slot;
    pthread_mutex_unlock(&s->lock);
    if (!is_kept)
        free(slot);
}
