/* SPDX-License-Identifier: Apache-2.0 */
#include "services/s3/s3_side.h"

void
s3_sides_init(struct s3_sides *s)
{
    s->owner = NULL;
    VG_ASSERT(pthread_mutex_init(&s->lock, NULL) == 0);
}

void
s3_sides_fini(struct s3_sides *s)
{
    pthread_mutex_destroy(&s->lock);
}

void
s3_sides_wait(struct s3_sides *s)
{
    struct vg_waiter w;
    vg_waiter_init(&w);
    s->owner = &w;
    pthread_mutex_unlock(&s->lock);
    (void)vg_waiter_park(&w, VG_NEVER_MS, false);
    pthread_mutex_lock(&s->lock);
    s->owner = NULL;
}

void
s3_sides_tell(struct s3_sides *s)
{
    if (s->owner)
        vg_waiter_wake(s->owner, VG_OK);
}

/* After the last unlock the owner may be gone, but it runs on this thread and not before we end. */
static void
watch(void *arg)
{
    struct s3_side *side = arg;
    struct s3_sides *of = side->of;
    do
        vg_offload(side->fn, side->arg);
    while (side->has_more && side->has_more(side->arg));
    pthread_mutex_lock(&of->lock);
    side->is_running = false;
    s3_sides_tell(of);
    pthread_mutex_unlock(&of->lock);
}

void
s3_side_start(struct s3_side *side)
{
    if (vg_fiber_self() == NULL) {
        do
            side->fn(side->arg);
        while (side->has_more && side->has_more(side->arg));
    } else if (!side->is_running) {
        side->is_running = true;
        vg_fiber_start(vg_loop_self(), watch, side);
    }
}

void
s3_side_join(struct s3_side *side)
{
    pthread_mutex_lock(&side->of->lock);
    while (side->is_running)
        s3_sides_wait(side->of);
    pthread_mutex_unlock(&side->of->lock);
}
