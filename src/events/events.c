/* SPDX-License-Identifier: Apache-2.0 */

/* The sweeper and the running of timers. */

#include "events/events.h"

#include "base/arena.h"
#include "base/fault.h"
#include "base/log.h"
#include "clock/clock.h"
#include "events/events_int.h"
#include "os/clock.h"

#include <stdlib.h>

#define SWEEP_ROWS       64
#define ORDER_SPAN_MS    1000 /* virtual: timers due this far apart run one after the other … */
#define ORDER_WAIT_MS    500 /* … but the later one does not wait longer than this, in real time */
#define STORE_RETRY_MS   1000
#define SUSPECT_LOOK_MS  20    /* real time */
#define MALFORMED_LOG_MS 60000 /* real time: one line for all that are met until then */
#define LOOK_AGAIN_MS    60000 /* real time; the wall clock may have been set meanwhile */
#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS   300000

/* --- waking the sweeper -------------------------------------------------------------------------
 */

static void
wake_locked(struct vg_events *ev)
{
    ev->is_changed = true;
    if (ev->sleeper)
        vg_waiter_wake(ev->sleeper, VG_OK);
}

void
ev_notify(struct vg_events *ev, unsigned group, int64_t due_ms)
{
    pthread_mutex_lock(&ev->lock);
    if (due_ms < ev->next_ms[group]) {
        ev->next_ms[group] = due_ms;
        wake_locked(ev);
    }
    pthread_mutex_unlock(&ev->lock);
}

static void
on_move(void *arg)
{
    struct vg_events *ev = arg;
    pthread_mutex_lock(&ev->lock);
    wake_locked(ev);
    pthread_mutex_unlock(&ev->lock);
}

/* --- one timer ----------------------------------------------------------------------------------
 */

static int64_t
backoff_ms(uint32_t failed)
{
    return failed > 9 ? BACKOFF_MAX_MS
                      : VG_MIN(BACKOFF_MAX_MS, (int64_t)BACKOFF_FIRST_MS << (failed - 1));
}

/* After the work: removes the timer or sets it anew, unless it was put again meanwhile. */
static vg_rc
mark(struct ev_run *r, struct vg_sess *s, struct vg_str id, int64_t generation, vg_rc outcome,
     int64_t *ret_due_ms, struct vg_err *err) VG_WAITS
{
    vg_auto_tx struct vg_tx *tx = NULL;
    struct events_rec_timer rec;
    struct ev_head head;
    struct vg_str gone = VG_STR_NONE;
    bool is_there = false;
    uint32_t epoch = vg_kv_epoch(r->ev->setup.kv);
    vg_rc rc = vg_kv_begin(s, &r->part, 1, &tx, err);
    if (rc == VG_OK && id.ptr)
        rc = ev_timer_read(s, tx, r->part, id, &rec, &is_there, err);
    if (rc != VG_OK)
        return rc;
    if (is_there && rec.generation == generation) {
        struct events_rec_timer next = rec;
        next.attempts++;
        next.begun = 0;
        next.due_ms = vg_clock_now_ms(r->ev->setup.clock) + backoff_ms(next.attempts);
        bool is_over =
            outcome == VG_OK || (rec.max_attempts > 0 && next.attempts >= rec.max_attempts);
        ev_timer_write(r->ev, tx, r->part, id, &rec, is_over ? NULL : &next);
        gone = ev_due_key(s->arena, rec.due_ms, id);
    }
    rc = ev_pointer_fix(r->ev, tx, r->part, r->pointer_ms, &head, err);
    if (rc != VG_OK)
        return rc;
    *ret_due_ms = head.due_ms;
    struct vg_str first =
        head.due_ms == EV_NEVER ? VG_STR_NONE : ev_due_key(s->arena, head.due_ms, head.id);
    vg_bound_raise(r->ev->bounds, r->part, first, gone, epoch);
    vg_tx_use_reserve(tx); /* the work may have made room, and is not to be done again for ever */
    return vg_tx_commit(&tx, err);
}

static void
bury(struct vg_events *ev, const struct vg_timer *t, const struct vg_err *err) VG_WAITS
{
    if (ev->setup.dead)
        ev->setup.dead(ev->setup.arg, t, err);
    else
        vg_log(VG_LOG_DEBUG, "timer.dead", { "op", t->op }, { "error", vg_err_text(err) });
}

/* Calls the work; then, after its last failure, the dead-letter callback. */
static vg_rc
do_work(struct vg_events *ev, const struct vg_timer *t) VG_WAITS
{
    struct vg_err err = { 0 };
    if (VG_FAULT("events.run.before"))
        return VG_FAIL;
    vg_rc rc = ev->setup.run(ev->setup.arg, t, &err);
    if (VG_FAULT("events.run.after"))
        rc = vg_err_set(&err, "events.run.after was armed to fail");
    if (rc == VG_OK || t->max_attempts == 0 || t->attempt < t->max_attempts
        || vg_fiber_is_cancelled())
        return rc;
    bury(ev, t, &err);
    return rc;
}

/* --- work that ends the process -----------------------------------------------------------------
 *
 * An attempt is counted when it has ended, which a crash of the process prevents; so work that
 * causes the crash would do so for ever.  What may have been at work in an earlier process is
 * therefore noted as begun before it is done again, and when the next process finds that note, one
 * attempt more was cut off.  A crash takes innocent work along; so what was cut off is then done
 * one at a time, and the next crash is blamed on one of them only.
 */

static bool
was_cut_off(const struct vg_events *ev, const struct events_rec_timer *rec)
{
    return rec->begun != 0 && rec->begun != ev->first_generation;
}

/* It was due in an earlier process, and has an end to its attempts. */
static bool
may_have_been_at_work(const struct vg_events *ev, const struct events_rec_timer *rec)
{
    return rec->max_attempts > 0 && rec->generation < ev->first_generation
           && rec->due_ms <= ev->started_at_ms;
}

/* Rewrites the timer unless it was put again. Not gated: it must outlive the process, no more. */
static vg_rc
note(struct ev_run *r, struct vg_sess *s, struct vg_str id, const struct events_rec_timer *rec,
     struct vg_err *err) VG_WAITS
{
    vg_auto_tx struct vg_tx *tx = NULL;
    struct events_rec_timer old;
    bool is_there;
    vg_rc rc = vg_kv_begin(s, &r->part, 1, &tx, err);
    if (rc == VG_OK)
        rc = ev_timer_read(s, tx, r->part, id, &old, &is_there, err);
    if (rc != VG_OK || !is_there || old.generation != rec->generation)
        return rc;
    ev_timer_write(r->ev, tx, r->part, id, &old, rec);
    return vg_tx_commit(&tx, err);
}

/* VG_GONE: the process stops. */
static vg_rc
take_suspects_place(struct vg_events *ev) VG_WAITS
{
    for (;;) {
        pthread_mutex_lock(&ev->lock);
        bool is_free = !ev->is_suspect_running;
        ev->is_suspect_running = true;
        pthread_mutex_unlock(&ev->lock);
        if (is_free)
            return VG_OK;
        vg_fiber_sleep(SUSPECT_LOOK_MS);
        if (vg_fiber_is_cancelled())
            return VG_GONE;
    }
}

static void
leave_suspects_place(struct vg_events *ev)
{
    pthread_mutex_lock(&ev->lock);
    ev->is_suspect_running = false;
    pthread_mutex_unlock(&ev->lock);
}

/* --- one run ------------------------------------------------------------------------------------
 */

struct found {
    struct ev_head head;
    struct events_rec_timer rec;
    bool is_there;
};

/*
 * The partition's earliest timer, if it is due and not later than the index entry that led here.  A
 * later one is the entry's fault: it is stale, or was read before another run moved it.  Running it
 * now would pass what is due between the two elsewhere, so the entry is mended and found again.
 */
static vg_rc
find_due(struct ev_run *r, struct vg_sess *s, struct found *ret, struct vg_err *err) VG_WAITS
{
    *ret = (struct found) { .is_there = false };
    vg_rc rc = ev_head_read(r->ev, s, NULL, r->part, &ret->head, err);
    if (rc != VG_OK)
        return rc;
    bool is_due = ret->head.due_ms <= r->pointer_ms
                  && ret->head.due_ms <= vg_clock_now_ms(r->ev->setup.clock);
    if (is_due)
        rc = ev_timer_read(s, NULL, r->part, ret->head.id, &ret->rec, &ret->is_there, err);
    if (rc == VG_OK)
        rc = vg_kv_gate(s, err); /* nothing is done of what could still be lost */
    return rc;
}

/* Does the work of what is due, or buries what was cut off too often. */
static vg_rc
run_timer(struct ev_run *r, struct vg_sess *s, struct found *due, int64_t *ret_due_ms,
          struct vg_err *err) VG_WAITS
{
    struct vg_events *ev = r->ev;
    struct events_rec_timer *rec = &due->rec;
    bool is_cut_off = was_cut_off(ev, rec);
    if (is_cut_off)
        rec->attempts++;
    if (is_cut_off || may_have_been_at_work(ev, rec)) {
        rec->begun = ev->first_generation;
        vg_rc rc = note(r, s, due->head.id, rec, err);
        if (rc != VG_OK)
            return rc;
    }
    bool is_over = is_cut_off && rec->attempts >= rec->max_attempts;
    const struct vg_timer t = {
        .part = r->part,
        .id = due->head.id,
        .op = rec->op,
        .payload = rec->payload,
        .due_ms = rec->due_ms,
        .max_attempts = rec->max_attempts,
        .attempt = rec->attempts + !is_over,
    };
    vg_rc outcome = VG_FAIL;
    if (is_over) {
        struct vg_err why = { 0 };
        (void)vg_err_set(&why, "the process ended during its last attempt");
        bury(ev, &t, &why);
    } else {
        outcome = do_work(ev, &t);
    }
    if (outcome == VG_OK || is_over || !vg_fiber_is_cancelled())
        return mark(r, s, due->head.id, rec->generation, outcome, ret_due_ms, err);
    /* The process stops: that was no attempt, the next one does it again. */
    bool is_noted = rec->begun != 0;
    rec->begun = 0;
    if (is_noted && note(r, s, due->head.id, rec, err) != VG_OK)
        vg_err_clear(err); /* it counts, then */
    return VG_GONE;
}

static vg_rc
run_one(struct ev_run *r, struct vg_sess *s, int64_t *ret_due_ms, struct vg_err *err) VG_WAITS
{
    struct found due;
    vg_rc rc = find_due(r, s, &due, err);
    bool is_suspect = rc == VG_OK && due.is_there && was_cut_off(r->ev, &due.rec);
    if (is_suspect) {
        rc = take_suspects_place(r->ev);
        if (rc != VG_OK)
            return rc;
        rc = find_due(r, s, &due, err); /* it may have been put again meanwhile */
    }
    if (rc == VG_OK && due.is_there)
        rc = run_timer(r, s, &due, ret_due_ms, err);
    else if (rc == VG_OK) /* only the index is to be mended */
        rc = mark(r, s, VG_STR_NONE, 0, VG_OK, ret_due_ms, err);
    if (is_suspect)
        leave_suspects_place(r->ev);
    return rc;
}

static void
run_main(void *arg)
{
    struct ev_run *r = arg;
    struct vg_events *ev = r->ev;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_sess s;
    struct vg_err err = { 0 };
    vg_sess_init(&s, ev->setup.kv, arena);
    int64_t due_ms = r->pointer_ms;
    vg_rc rc = run_one(r, &s, &due_ms, &err);
    if (rc == VG_FAIL) {
        vg_log(VG_LOG_DEBUG, "timer.retry", { "error", vg_err_text(&err) });
        vg_fiber_sleep(STORE_RETRY_MS); /* the store is out of order: keep the turn of the run */
    }
    pthread_mutex_lock(&ev->lock);
    struct ev_run **at = &ev->runs;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    ev->n_runs--;
    /* Entries of this partition may have been passed over because it ran. */
    if (rc != VG_GONE)
        ev->next_ms[r->group] = VG_MIN(ev->next_ms[r->group], VG_MIN(due_ms, r->passed_ms));
    wake_locked(ev);
    pthread_mutex_unlock(&ev->lock);
    free(r);
}

/* --- the sweeper --------------------------------------------------------------------------------
 */

struct sweep {
    struct vg_events *ev;
    struct vg_arena *arena;
    int64_t now_ms;
    VG_VEC(struct ev_pointer) due;
};

static struct ev_run *
run_of(const struct vg_events *ev, struct vg_str part)
{
    for (struct ev_run *r = ev->runs; r; r = r->next)
        if (vg_str_eq(r->part, part))
            return r;
    return NULL;
}

/* Nobody is led anywhere by it, but it must not hold up the others of its group. */
static void
note_malformed(struct vg_events *ev, unsigned group)
{
    int64_t mono_ms = vg_mono_ms();
    ev->n_malformed++;
    if (mono_ms < ev->malformed_until_ms)
        return;
    ev->malformed_until_ms = mono_ms + MALFORMED_LOG_MS;
    vg_logf(VG_LOG_WARN, "timers.malformed",
            "an entry of the timers' index %u is malformed and passed over", group);
}

/* Collects what is due of a page; *ret_next_ms becomes that of its first entry that is not. */
static void
collect(struct sweep *sw, unsigned group, const struct vg_page *page, int64_t *ret_next_ms)
{
    for (size_t i = 0; i < page->len; i++) {
        struct ev_pointer p = { .group = group };
        if (!ev_pointer_read(sw->arena, page->rows[i].key, &p)) {
            note_malformed(sw->ev, group);
        } else if (p.due_ms <= sw->now_ms) {
            *VG_VEC_ADD(sw->arena, &sw->due) = p;
        } else {
            *ret_next_ms = p.due_ms;
            break;
        }
    }
}

/* Collects what is due in a group, and learns when the first entry is that it does not collect. */
static vg_rc
look_into(struct sweep *sw, unsigned group, size_t n_runs, struct vg_err *err)
{
    struct vg_events *ev = sw->ev;
    struct vg_sess s;
    vg_sess_init(&s, ev->setup.kv, sw->arena);
    pthread_mutex_lock(&ev->lock);
    int64_t from_ms = ev->next_ms[group];
    ev->next_ms[group] = EV_NEVER; /* whoever puts an earlier one from here on lowers it again */
    pthread_mutex_unlock(&ev->lock);
    struct vg_range r = { .from = ev_pointer_key(sw->arena, from_ms, VG_STR("")),
                          .max = (uint32_t)(SWEEP_ROWS + n_runs) };
    struct vg_page page;
    size_t before = sw->due.len;
    int64_t next_ms = EV_NEVER;
    vg_rc rc;
    do { /* once, unless a page holds nothing but malformed entries */
        rc = vg_kv_scan(&s, ev_group_part(sw->arena, group), &r, &page, err);
        if (rc != VG_OK)
            break;
        collect(sw, group, &page, &next_ms);
        if (page.has_more)
            r.from = vg_str_cat(sw->arena, page.rows[page.len - 1].key, vg_str_n("", 1));
    } while (page.has_more && next_ms == EV_NEVER && sw->due.len == before);
    if (rc != VG_OK)
        next_ms = INT64_MIN;
    else if (page.has_more && next_ms == EV_NEVER)
        next_ms = sw->due.items[sw->due.len - 1].due_ms; /* more than a page is due */
    pthread_mutex_lock(&ev->lock);
    ev->next_ms[group] = VG_MIN(ev->next_ms[group], next_ms);
    pthread_mutex_unlock(&ev->lock);
    return rc;
}

static int
by_due(const void *a, const void *b)
{
    const struct ev_pointer *x = a, *y = b;
    return (x->due_ms > y->due_ms) - (x->due_ms < y->due_ms);
}

static void
start_locked(struct vg_events *ev, const struct ev_pointer *p)
{
    struct ev_run *r = vg_xalloc(sizeof(*r) + p->part.len);
    *r = (struct ev_run) {
        .ev = ev,
        .next = ev->runs,
        .group = p->group,
        .pointer_ms = p->due_ms,
        .passed_ms = p->due_ms,
        .started_ms = vg_mono_ms(),
    };
    memcpy(r->part_bytes, p->part.ptr, p->part.len);
    r->part = vg_str_n(r->part_bytes, p->part.len);
    ev->runs = r;
    ev->n_runs++;
    vg_fiber_start(ev->loops[vg_str_hash(r->part) % ev->n_loops], run_main, r);
}

/*
 * Whether one due then would overtake one at work that is due well before it; *deadline_ms: until
 * when that is a reason to wait.  In the ordinary course nothing waits: what is due now runs beside
 * what has been running for a while.  After a move of the clock work is done in its order.
 */
static bool
would_overtake(const struct vg_events *ev, int64_t due_ms, int64_t mono_ms, int64_t *deadline_ms)
{
    bool is = false;
    for (const struct ev_run *r = ev->runs; r; r = r->next) {
        int64_t until_ms = r->started_ms + ev->setup.order_wait_ms;
        if (r->pointer_ms < due_ms - ORDER_SPAN_MS && mono_ms < until_ms) {
            *deadline_ms = VG_MIN(*deadline_ms, until_ms);
            is = true;
        }
    }
    return is;
}

/* Starts what may start, earliest first; returns until when (monotonic) the rest waits at most. */
static int64_t
start_due(struct sweep *sw)
{
    struct vg_events *ev = sw->ev;
    int64_t deadline_ms = VG_NEVER_MS, mono_ms = vg_mono_ms();
    size_t i = 0;
    if (sw->due.len)
        qsort(sw->due.items, sw->due.len, sizeof(sw->due.items[0]), by_due);
    pthread_mutex_lock(&ev->lock);
    int64_t unseen_ms = EV_NEVER; /* what came after its group was looked into */
    for (unsigned g = 0; g < EV_GROUPS; g++)
        unseen_ms = VG_MIN(unseen_ms, ev->next_ms[g]);
    for (; i < sw->due.len; i++) {
        const struct ev_pointer *p = &sw->due.items[i];
        struct ev_run *r = run_of(ev, p->part);
        if (r) {
            r->passed_ms = VG_MIN(r->passed_ms, p->due_ms); /* its end looks from there on again */
            continue;
        }
        if (ev->n_runs >= ev->setup.running_max)
            break;
        if (unseen_ms < p->due_ms) {
            ev->is_changed |= unseen_ms > INT64_MIN; /* looks at it at once, unless that failed */
            break;
        }
        if (would_overtake(ev, p->due_ms, mono_ms, &deadline_ms))
            break;
        start_locked(ev, p);
    }
    bool is_held = i < sw->due.len;
    for (; i < sw->due.len; i++) {
        const struct ev_pointer *p = &sw->due.items[i];
        ev->next_ms[p->group] = VG_MIN(ev->next_ms[p->group], p->due_ms);
    }
    pthread_mutex_unlock(&ev->lock);
    return is_held ? deadline_ms : 0;
}

/* Sleeps until a group is due, a run ends or the clock moves. `held_ms`: things are due but must
 * wait, until then at most; 0: nothing is held. False: stop. */
static bool
sleep_until_due(struct vg_events *ev, int64_t held_ms) VG_WAITS
{
    struct vg_waiter w;
    vg_waiter_init(&w);
    int64_t next_ms = EV_NEVER;
    pthread_mutex_lock(&ev->lock);
    for (unsigned g = 0; g < EV_GROUPS; g++)
        next_ms = VG_MIN(next_ms, ev->next_ms[g]);
    ev->sleeper = &w;
    bool is_changed = ev->is_changed;
    pthread_mutex_unlock(&ev->lock);
    int64_t mono_ms = vg_mono_ms(), deadline_ms = mono_ms + LOOK_AGAIN_MS;
    if (is_changed) {
        deadline_ms = mono_ms;
    } else if (held_ms > 0) {
        deadline_ms = VG_MIN(deadline_ms, held_ms);
    } else {
        int64_t until_ms = vg_clock_until(ev->setup.clock, next_ms);
        if (until_ms < LOOK_AGAIN_MS)
            deadline_ms = mono_ms + until_ms;
    }
    vg_rc rc = vg_waiter_park(&w, deadline_ms, true);
    pthread_mutex_lock(&ev->lock);
    ev->sleeper = NULL;
    pthread_mutex_unlock(&ev->lock);
    return rc != VG_GONE && !vg_fiber_is_cancelled();
}

/* One look at all groups that are due; VG_FAIL: the store is out of order. */
static vg_rc
sweep(struct vg_events *ev, struct vg_arena *arena, int64_t *ret_held_ms, struct vg_err *err)
{
    struct sweep sw = { .ev = ev, .arena = arena, .now_ms = vg_clock_now_ms(ev->setup.clock) };
    bool is_due[EV_GROUPS];
    pthread_mutex_lock(&ev->lock);
    ev->is_changed = false;
    uint32_t epoch = vg_kv_epoch(ev->setup.kv);
    for (unsigned g = 0; g < EV_GROUPS && epoch != ev->epoch; g++)
        ev->next_ms[g] = INT64_MIN; /* opened again: entries that were gone may be there */
    ev->epoch = epoch;
    size_t n_runs = ev->n_runs;
    for (unsigned g = 0; g < EV_GROUPS; g++)
        is_due[g] = ev->next_ms[g] <= sw.now_ms;
    pthread_mutex_unlock(&ev->lock);
    vg_rc rc = VG_OK;
    for (unsigned g = 0; g < EV_GROUPS && rc == VG_OK; g++)
        if (is_due[g])
            rc = look_into(&sw, g, n_runs, err);
    /* After a failure nothing starts, for it may not be the first, but what was found is kept. */
    *ret_held_ms = start_due(&sw);
    return rc;
}

static void
sweeper_main(void *arg)
{
    struct vg_events *ev = arg;
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    int64_t held_ms;
    do {
        struct vg_err err = { 0 };
        vg_arena_clear(arena);
        if (sweep(ev, arena, &held_ms, &err) != VG_OK) {
            vg_log(VG_LOG_DEBUG, "timers.retry", { "error", vg_err_text(&err) });
            held_ms = vg_mono_ms() + STORE_RETRY_MS;
        }
    } while (sleep_until_due(ev, held_ms));
}

/* --- life ---------------------------------------------------------------------------------------
 */

struct vg_events *
vg_events_new(const struct vg_events_setup *setup)
{
    struct vg_events *ev = vg_xalloc(sizeof(*ev));
    ev->setup = *setup;
    if (ev->setup.order_wait_ms == 0)
        ev->setup.order_wait_ms = ORDER_WAIT_MS;
    if (ev->setup.running_max == 0)
        ev->setup.running_max = EV_RUNNING_MAX;
    ev->first_generation = vg_wall_ms() << 20; /* above those of earlier runs */
    ev->generation = ev->first_generation;
    ev->started_at_ms = vg_clock_now_ms(setup->clock);
    ev->epoch = vg_kv_epoch(setup->kv);
    pthread_mutex_init(&ev->lock, NULL);
    ev->bounds = vg_bounds_new(setup->kv);
    for (unsigned g = 0; g < EV_GROUPS; g++)
        ev->next_ms[g] = INT64_MIN; /* not known: the first sweep looks into each */
    vg_clock_on_move(setup->clock, on_move, ev);
    return ev;
}

void
vg_events_start(struct vg_events *ev, struct vg_loop *const *loops, size_t n_loops)
{
    ev->loops = loops;
    ev->n_loops = n_loops;
    vg_fiber_start(loops[0], sweeper_main, ev);
}

struct vg_events_state
vg_events_state(struct vg_events *ev)
{
    int64_t now_ms = vg_clock_now_ms(ev->setup.clock);
    pthread_mutex_lock(&ev->lock);
    struct vg_events_state st = { .n_running = ev->n_runs };
    for (unsigned g = 0; g < EV_GROUPS; g++)
        st.has_due = st.has_due || ev->next_ms[g] <= now_ms;
    pthread_mutex_unlock(&ev->lock);
    return st;
}

void
vg_events_free(struct vg_events *ev)
{
    if (ev == NULL)
        return;
    VG_ASSERT(ev->runs == NULL && ev->sleeper == NULL);
    pthread_mutex_destroy(&ev->lock);
    vg_bounds_free(ev->bounds);
    free(ev);
}
