/* SPDX-License-Identifier: Apache-2.0 */
#include "clock/clock.h"

#include "base/arena.h"
#include "clock/records.h"
#include "store/key.h"
#include "store/kv.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define LISTENERS_MAX 8
#define RECORD_BYTES  256
#define MOVES_PAGE    1000
#define MOVES_MIN     16

struct move {
    int64_t wall_ms, virtual_ms;
    bool is_frozen;
};

/* All moves, oldest first. Filled in place; one that is full is replaced by a copy with more room.
 */
struct moves {
    struct moves *older; /* the one it replaced: readers may still hold it, so it goes at close */
    size_t cap;
    _Atomic size_t n; /* those before it do not change */
    struct move list[];
};

struct listener {
    void (*fn)(void *arg);
    void *arg;
};

struct vg_clock {
    int64_t (*wall_ms)(void);
    _Atomic(struct moves *) moves;
    pthread_mutex_t publish; /* guards adding to `moves` */
    struct listener listeners[LISTENERS_MAX];
    size_t n_listeners;
};

static struct vg_str
part_of(struct vg_arena *arena)
{
    return vg_key_of(arena, VG_STR("clock"));
}

static size_t
n_moves(const struct moves *m)
{
    return m ? atomic_load(&m->n) : 0;
}

static struct moves *
with_room(struct moves *old)
{
    size_t n = n_moves(old);
    if (old && n < old->cap)
        return old;
    size_t cap = n ? n * 2 : MOVES_MIN;
    struct moves *m = vg_xalloc(sizeof(*m) + cap * sizeof(m->list[0]));
    if (n)
        memcpy(m->list, old->list, n * sizeof(m->list[0]));
    m->older = old;
    m->cap = cap;
    atomic_init(&m->n, n);
    return m;
}

/* Puts the move of that number into force, unless who came next has done it. */
static void
publish(struct vg_clock *clock, size_t number, struct move one)
{
    pthread_mutex_lock(&clock->publish);
    struct moves *m = atomic_load(&clock->moves);
    if (number == n_moves(m)) {
        m = with_room(m);
        m->list[number] = one;
        atomic_store(&m->n, number + 1);
        atomic_store(&clock->moves, m);
    }
    pthread_mutex_unlock(&clock->publish);
}

static struct vg_str
key_of(struct vg_arena *arena, size_t number)
{
    struct vg_key key;
    vg_key_init(&key, arena);
    vg_key_i64(&key, (int64_t)number);
    return vg_key_done(&key);
}

/* Puts into force what the store has and memory has not; in the transaction, if there is one. */
static vg_rc
catch_up(struct vg_clock *clock, struct vg_sess *s, struct vg_tx *tx, struct vg_err *err)
{
    struct vg_str part = part_of(s->arena);
    struct vg_page page;
    do {
        size_t n = n_moves(atomic_load(&clock->moves));
        const struct vg_range range = { .from = key_of(s->arena, n), .max = MOVES_PAGE };
        vg_rc rc =
            tx ? vg_tx_scan(tx, part, &range, &page, err) : vg_kv_scan(s, part, &range, &page, err);
        if (rc != VG_OK)
            return rc;
        for (size_t i = 0; i < page.len; i++) {
            struct clock_rec_move rec;
            rc = clock_rec_move_decode(s->arena, page.rows[i].value, &rec, err);
            if (rc != VG_OK)
                return vg_err_wrap(err, "reading the clock's moves");
            publish(clock, n + i, (struct move) { rec.wall_ms, rec.virtual_ms, rec.is_frozen });
        }
    } while (page.has_more);
    return VG_OK;
}

vg_rc
vg_clock_open(struct vg_sess *s, int64_t (*wall_ms)(void), struct vg_clock **ret,
              struct vg_err *err)
{
    struct vg_clock *clock = vg_xalloc(sizeof(*clock));
    clock->wall_ms = wall_ms;
    pthread_mutex_init(&clock->publish, NULL);
    vg_rc rc = catch_up(clock, s, NULL, err);
    if (rc != VG_OK) {
        vg_clock_close(clock);
        return rc;
    }
    *ret = clock;
    return VG_OK;
}

void
vg_clock_close(struct vg_clock *clock)
{
    if (clock == NULL)
        return;
    struct moves *m = atomic_load(&clock->moves);
    while (m) {
        struct moves *older = m->older;
        free(m);
        m = older;
    }
    pthread_mutex_destroy(&clock->publish);
    free(clock);
}

/* The move in force at a wall time; NULL before the first one. */
static const struct move *
move_at(const struct vg_clock *clock, int64_t wall_ms)
{
    const struct moves *m = atomic_load(&clock->moves);
    for (size_t i = n_moves(m); i > 0; i--)
        if (m->list[i - 1].wall_ms <= wall_ms)
            return &m->list[i - 1];
    return NULL;
}

int64_t
vg_clock_virtual_of(const struct vg_clock *clock, int64_t wall_ms)
{
    const struct move *m = move_at(clock, wall_ms);
    if (m == NULL)
        return wall_ms;
    return m->is_frozen ? m->virtual_ms : m->virtual_ms + (wall_ms - m->wall_ms);
}

int64_t
vg_clock_now_ms(const struct vg_clock *clock)
{
    return vg_clock_virtual_of(clock, clock->wall_ms());
}

bool
vg_clock_is_frozen(const struct vg_clock *clock)
{
    const struct move *m = move_at(clock, clock->wall_ms());
    return m && m->is_frozen;
}

int64_t
vg_clock_until(const struct vg_clock *clock, int64_t virtual_ms)
{
    int64_t now = vg_clock_now_ms(clock);
    if (virtual_ms <= now)
        return 0;
    return vg_clock_is_frozen(clock) ? INT64_MAX : virtual_ms - now;
}

/*
 * One move: into the store, then into force.  The partition's turn keeps moves in order, but it
 * ends with the commit, so who comes next first catches up with what is stored.
 */
static vg_rc
make_move(struct vg_clock *clock, struct vg_sess *s, int64_t set_ms, int64_t by_ms,
          struct vg_opt_bool freeze, struct vg_err *err)
{
    struct vg_str part = part_of(s->arena);
    vg_auto_tx struct vg_tx *tx = NULL;
    vg_rc rc = vg_kv_begin(s, &part, 1, &tx, err);
    if (rc == VG_OK)
        rc = catch_up(clock, s, tx, err);
    if (rc != VG_OK)
        return rc;
    size_t number = n_moves(atomic_load(&clock->moves));
    int64_t wall = clock->wall_ms(), now = vg_clock_virtual_of(clock, wall);
    struct move m = { .wall_ms = wall,
                      .virtual_ms = set_ms ? set_ms : now + by_ms,
                      .is_frozen = vg_opt_bool_or(freeze, vg_clock_is_frozen(clock)) };
    if (m.virtual_ms < now)
        return vg_err_set(err, "the clock cannot go back: what has expired stays expired");
    struct vg_buf value;
    vg_buf_init(&value, s->arena, RECORD_BYTES);
    const struct clock_rec_move rec = { .wall_ms = m.wall_ms,
                                        .virtual_ms = m.virtual_ms,
                                        .is_frozen = m.is_frozen };
    clock_rec_move_encode(&rec, &value);
    vg_tx_put(tx, part, key_of(s->arena, number), vg_buf_str(&value));
    vg_tx_use_reserve(tx); /* what expires then makes room */
    rc = vg_tx_commit(&tx, err);
    if (rc != VG_OK)
        return rc;
    publish(clock, number, m);
    for (size_t i = 0; i < clock->n_listeners; i++)
        clock->listeners[i].fn(clock->listeners[i].arg);
    return VG_OK;
}

vg_rc
vg_clock_set(struct vg_clock *clock, struct vg_sess *s, int64_t virtual_ms, struct vg_err *err)
{
    if (virtual_ms <= 0)
        return vg_err_set(err, "a time after 1970 is needed");
    return make_move(clock, s, virtual_ms, 0, (struct vg_opt_bool) { 0 }, err);
}

vg_rc
vg_clock_advance(struct vg_clock *clock, struct vg_sess *s, int64_t by_ms, struct vg_err *err)
{
    return make_move(clock, s, 0, by_ms, (struct vg_opt_bool) { 0 }, err);
}

vg_rc
vg_clock_freeze(struct vg_clock *clock, struct vg_sess *s, bool is_frozen, struct vg_err *err)
{
    return make_move(clock, s, 0, 0, (struct vg_opt_bool) { true, is_frozen }, err);
}

void
vg_clock_on_move(struct vg_clock *clock, void (*fn)(void *arg), void *arg)
{
    VG_ASSERT(clock->n_listeners < LISTENERS_MAX);
    clock->listeners[clock->n_listeners++] = (struct listener) { fn, arg };
}
