/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_STORE_KV_INT_H
#define VG_STORE_KV_INT_H

/* What kv.c (sessions, reads), tx.c (transactions) and gate.c (durability) share. */

#include "store/engine.h"
#include "store/kv.h"
#include "store/turn.h"
#include "store/wait.h"

#include <pthread.h>
#include <stdatomic.h>

#define VG_KV_GUARDS 16u
#define VG_KV_MARKS  65536u
#define VG_KV_LOOPS  64u

struct vg_folder;
struct vg_gate_waiting;

/* Held for reading around every call of the engine, for writing while it is closed and opened. One
 * cache line each; a thread always takes the same one. */
struct vg_kv_guard {
    _Alignas(64) pthread_rwlock_t lock;
};

/* Who waits at the gate, by loop; the last list is that of plain threads. */
struct vg_gate_list {
    pthread_mutex_t lock; /* guards the rest */
    struct vg_loop *loop;
    struct vg_gate_waiting *first; /* newest first */
    struct vg_gate_waiting *done;  /* to be woken on their loop */
    bool is_posted;                /* which is on its way */
};

struct vg_kv_setup {
    vg_engine_open_fn *open;
    void *open_arg;
    void (*fini)(void *open_arg); /* at close; may be NULL */
    bool is_gated;                /* replies wait for sync() */
    bool has_syncer;              /* a thread for the gate, flushes, disk room, reopening */
    struct vg_str room_path;      /* where free space is watched; absent: nowhere */
    /* A test's measure of it; NULL: the file system's. */
    bool (*free_bytes)(void *open_arg, uint64_t *ret);
};

struct vg_kv {
    struct vg_kv_setup setup;
    struct vg_kv_guard guards[VG_KV_GUARDS];
    struct vg_engine *engine; /* NULL while closed after an error; changes under all guards */
    const struct vg_engine_ops *ops;
    uint64_t base; /* our sequence numbers are the engine's plus this: they never go back */
    _Atomic uint32_t epoch;
    _Atomic uint64_t durable;
    _Atomic bool is_broken; /* a write or sync failed: nothing is acknowledged until reopened */
    struct vg_turns *turns;
    _Atomic uint64_t *marks; /* VG_KV_MARKS: 16 bits writers in between, 48 bits sequence */

    pthread_mutex_t snaps_lock;
    struct vg_snap *snaps; /* open ones: let go before the engine is closed */

    pthread_mutex_t room_lock; /* guards has_ballast */
    bool has_ballast;
    _Atomic bool is_full; /* writes are refused */
    _Atomic uint64_t room_bytes, written_bytes;

    struct vg_gate_list lists[VG_KV_LOOPS + 1];
    pthread_mutex_t lock; /* guards changes of wanted, is_broken and is_stopping, with need */
    pthread_cond_t need;
    _Atomic uint64_t wanted;
    bool is_stopping;
    pthread_t syncer;
    _Atomic bool is_dirty; /* written to since the syncer last found everything quiet */
    _Atomic uint64_t n_commits;
    int64_t ticked_ms; /* from here on the syncer's own */
    uint64_t ticked_commits;
    int quiet_ticks;
    int64_t retry_ms;
};

/* `setup` is copied. On failure fini() has not been called. */
vg_rc vg_kv_new(const struct vg_kv_setup *setup, struct vg_kv **ret, struct vg_err *err)
    VG_MUST_USE;

/* The engine cannot be closed between the two, and nothing may wait. */
vg_rc vg_kv_enter(struct vg_kv *kv, struct vg_err *err) VG_MUST_USE;
void vg_kv_leave(struct vg_kv *kv);

/* The latest sequence; inside enter and leave. */
uint64_t vg_kv_latest(struct vg_kv *kv);

/* --- gate.c --- */

vg_rc vg_gate_init(struct vg_kv *kv, struct vg_err *err) VG_MUST_USE;
void vg_gate_fini(struct vg_kv *kv); /* stops the syncer */
/* After a commit. */
void vg_gate_note_commit(struct vg_kv *kv);
/* After a failed write. */
void vg_gate_break(struct vg_kv *kv);

/* Marks; `hash` of a whole key or a partition's id. */
void vg_mark_enter(struct vg_kv *kv, uint32_t mark);
void vg_mark_leave(struct vg_kv *kv, uint32_t mark, uint64_t seq);
/* The highest sequence that a reader of this may just have met; inside enter and leave. */
uint64_t vg_mark_seen(struct vg_kv *kv, uint32_t mark);

static inline uint32_t
vg_mark_of(struct vg_str s)
{
    return (uint32_t)(vg_str_hash(s) >> 24) % VG_KV_MARKS;
}

/* --- room.c --- */

void vg_room_before_open(struct vg_kv *kv);
void vg_room_look(struct vg_kv *kv);                 /* blocks for some microseconds */
void vg_room_note(struct vg_kv *kv, uint64_t bytes); /* to be written; now and then looks */
/* vg_kv_check_room() for what makes room. */
vg_rc vg_room_check_reserve(struct vg_kv *kv, struct vg_err *err) VG_MUST_USE;

/* --- reads, for kv.c and tx.c --- */

/* partition 0x00 key; in the arena. */
struct vg_str vg_kv_whole_key(struct vg_arena *arena, struct vg_str part, struct vg_str key);

struct vg_scan {
    struct vg_str part;
    const struct vg_range *range;
    struct vg_engine_snap *snap; /* or NULL */
    const struct vg_tree *own;   /* struct vg_write laid over the engine's rows, or NULL */
};
/* Inside enter and leave. */
vg_rc vg_kv_scan_page(struct vg_sess *s, const struct vg_scan *scan, struct vg_page *ret,
                      struct vg_err *err) VG_MUST_USE;

struct vg_snap {
    struct vg_sess *sess;
    struct vg_engine_snap *snap; /* NULL: taken away by a reopening */
    uint64_t seq;                /* nothing newer is in it */
    struct vg_snap *next, **link;
};

#endif
