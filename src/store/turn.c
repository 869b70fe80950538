/* SPDX-License-Identifier: Apache-2.0 */
#include "store/turn.h"

#include "base/arena.h"
#include "store/wait.h"

#include <pthread.h>
#include <stdlib.h>

#define PASSED_MAX 4

struct waiting {
    struct waiting *next;
    struct vg_wait wait;
    int passed;   /* times it woke and found the turn taken again */
    bool is_mine; /* handed over */
};

struct turn {
    pthread_mutex_t lock; /* guards the rest, and each waiting in the queue */
    bool is_taken;
    struct waiting *first, **last;
};

struct vg_turns {
    struct turn turns[VG_TURN_STRIPES];
};

struct vg_turns *
vg_turns_new(void)
{
    struct vg_turns *t = vg_xalloc(sizeof(*t));
    for (size_t i = 0; i < VG_TURN_STRIPES; i++) {
        pthread_mutex_init(&t->turns[i].lock, NULL);
        t->turns[i].last = &t->turns[i].first;
    }
    return t;
}

void
vg_turns_free(struct vg_turns *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < VG_TURN_STRIPES; i++) {
        VG_ASSERT(!t->turns[i].is_taken && t->turns[i].first == NULL);
        pthread_mutex_destroy(&t->turns[i].lock);
    }
    free(t);
}

uint16_t
vg_turn_of(struct vg_str part)
{
    return (uint16_t)(vg_str_hash(part) % VG_TURN_STRIPES);
}

static void
dequeue(struct turn *t, struct waiting *w)
{
    struct waiting **at = &t->first;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    if (w->next == NULL)
        t->last = at;
}

static void
take(struct turn *t) VG_WAITS
{
    pthread_mutex_lock(&t->lock);
    if (!t->is_taken) {
        t->is_taken = true;
        pthread_mutex_unlock(&t->lock);
        return;
    }
    struct waiting w = { 0 };
    vg_wait_init(&w.wait);
    *t->last = &w;
    t->last = &w.next;
    for (;;) {
        pthread_mutex_unlock(&t->lock);
        vg_wait_park(&w.wait);
        pthread_mutex_lock(&t->lock);
        if (w.is_mine || !t->is_taken)
            break;
        w.passed++;
        vg_wait_init(&w.wait);
    }
    t->is_taken = true;
    dequeue(t, &w);
    pthread_mutex_unlock(&t->lock);
}

static void
release(struct turn *t)
{
    pthread_mutex_lock(&t->lock);
    struct waiting *head = t->first;
    if (head && head->passed >= PASSED_MAX)
        head->is_mine = true;
    else
        t->is_taken = false;
    if (head)
        vg_wait_wake(&head->wait);
    pthread_mutex_unlock(&t->lock);
}

void
vg_turns_take(struct vg_turns *t, const uint16_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        VG_ASSERT(i == 0 || ids[i - 1] < ids[i]);
        take(&t->turns[ids[i]]);
    }
}

void
vg_turns_release(struct vg_turns *t, const uint16_t *ids, size_t n)
{
    while (n-- > 0)
        release(&t->turns[ids[n]]);
}
