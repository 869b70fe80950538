/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_STORE_KV_H
#define VG_STORE_KV_H

/*
 * Ordered keys inside partitions.
 *
 * A partition is what changes together: one table's slot, one queue's shard, one account's roles. A
 * writing transaction names its partitions, waits its turn for them in one fixed order, reads,
 * writes and commits as one batch; it is serializable and never conflicts.  Nothing waits between
 * open and commit.  Reads that lead to no write use vg_kv_get() or a snapshot and wait for nobody.
 *
 * Durability is the gate's affair: a commit is visible at once and durable by a shared fsync a
 * little later.  Every read and write raises `seen_seq` of the session when it met something not
 * yet durable; the engine calls vg_kv_gate() before anything leaves.
 *
 * Partition ids and keys are tuples from vg_key_*() (store/key.h): bytewise order is tuple order.
 * Values given out live in the session's arena.  All functions may be called on any loop; a session
 * and a transaction belong to one fiber.  Functions that wait block the thread when called off a
 * fiber (start-up, tests).
 */

#include "base/err.h"

struct vg_arena;
struct vg_kv;
struct vg_tx;
struct vg_snap;

/* What one request (or one timer, one delivery) has seen and where its memory is. */
struct vg_sess {
    struct vg_kv *kv;
    struct vg_arena *arena;
    uint64_t seen_seq;          /* highest commit met that may not be durable yet; 0: none */
    uint64_t commit_seq;        /* of the last commit: what a cache keeps with an entry */
    uint32_t epoch;             /* of the store when seen_seq was first set */
    uint32_t n_reads, n_writes; /* counted for budgets and the meter */
    struct vg_tx *open;         /* the open transaction, for the "nothing waits inside" assert */
};

/* --- engines -----------------------------------------------------------------------------------
 */

enum vg_durability {
    VG_DURABLE_DISK, /* gate waits for fsync                       */
    VG_DURABLE_OS,   /* gate does not wait; kill -9 loses nothing  */
};

struct vg_kv_options {
    struct vg_str path; /* folder; rocks only */
    enum vg_durability durability;
};

/*
 * Locks the data folder (a second process is told who has it), checks its VERSION and opens the
 * store in it.  vg_kv_open_mem() keeps everything in memory, and its gate never waits.
 */
vg_rc vg_kv_open_rocks(const struct vg_kv_options *opt, struct vg_kv **ret, struct vg_err *err)
    VG_MUST_USE;
vg_rc vg_kv_open_mem(struct vg_kv **ret, struct vg_err *err) VG_MUST_USE;
struct vg_folder;
/*
 * The store of a folder that vg_folder_look() has opened, and which is the store's from now on, for
 * reading only: no file is changed.  Its blocks' checksums are held to as they are read.
 */
vg_rc vg_kv_open_readonly(struct vg_folder *folder, struct vg_kv **ret, struct vg_err *err)
    VG_MUST_USE;
/* Of such a store: fails when it ends before what had been made durable. */
vg_rc vg_kv_check_end(struct vg_kv *kv, struct vg_err *err) VG_MUST_USE;
/* Flushes, makes durable, closes. No session may be in use. Accepts NULL. */
void vg_kv_close(struct vg_kv *kv);

void vg_sess_init(struct vg_sess *s, struct vg_kv *kv, struct vg_arena *arena);

/*
 * Waits until all that the session has seen and written is durable.  VG_FAIL: the disk failed, and
 * what became of it is not known; the store is being opened again.
 */
vg_rc vg_kv_gate(struct vg_sess *s, struct vg_err *err) VG_WAITS VG_MUST_USE;

/* VG_FAIL with ENOSPC while the disk has too little room for more writing: before large ones. */
vg_rc vg_kv_check_room(struct vg_kv *kv, struct vg_err *err) VG_MUST_USE;

/*
 * For caches in memory.  An entry keeps `commit_seq` of the session that wrote it (or `seen_seq` of
 * the one that read it), and who uses it calls vg_sess_see().  When vg_kv_epoch() has changed the
 * store was opened again after a disk error: what is cached may never have been made durable, so
 * caches start anew.
 */
void vg_sess_see(struct vg_sess *s, uint64_t seq);
uint32_t vg_kv_epoch(const struct vg_kv *kv);

/* --- reads -------------------------------------------------------------------------------------
 */

/* One point read of the latest state; absent gives VG_OK and ret->ptr == NULL. */
vg_rc vg_kv_get(struct vg_sess *s, struct vg_str part, struct vg_str key, struct vg_str *ret,
                struct vg_err *err) VG_MUST_USE;

/* A range inside a partition: [from, to) in key order; absent bounds are the partition's ends. */
struct vg_range {
    struct vg_str from, to;
    bool is_reverse;  /* from the high end down */
    uint32_t max;     /* rows at most; 0 means 1,000 */
    size_t max_bytes; /* stop after the row that passes this; 0: 1 MiB */
};

struct vg_row {
    struct vg_str key, value;
};

struct vg_page {
    struct vg_row *rows;
    size_t len;
    bool has_more; /* rows remain in the range beyond the last one given */
};

/* One consistent page of the latest state. */
vg_rc vg_kv_scan(struct vg_sess *s, struct vg_str part, const struct vg_range *range,
                 struct vg_page *ret, struct vg_err *err) VG_MUST_USE;

/* A view frozen at one instant, over any partitions, for reads that must agree (TransactGetItems).
 */
vg_rc vg_snap_open(struct vg_sess *s, struct vg_snap **ret, struct vg_err *err) VG_MUST_USE;
vg_rc vg_snap_get(struct vg_snap *snap, struct vg_str part, struct vg_str key, struct vg_str *ret,
                  struct vg_err *err) VG_MUST_USE;
vg_rc vg_snap_scan(struct vg_snap *snap, struct vg_str part, const struct vg_range *range,
                   struct vg_page *ret, struct vg_err *err) VG_MUST_USE;
void vg_snap_close(struct vg_snap *snap); /* accepts NULL */

/* --- writing transactions ------------------------------------------------------------------------
 */

/* Waits its turn for all of `parts` (at most 128; duplicates are one; none: only blind writes). */
vg_rc vg_kv_begin(struct vg_sess *s, const struct vg_str *parts, size_t n_parts, struct vg_tx **ret,
                  struct vg_err *err) VG_WAITS VG_MUST_USE;

/* Reads see the transaction's own writes; `part` must be one that it named. */
vg_rc vg_tx_get(struct vg_tx *tx, struct vg_str part, struct vg_str key, struct vg_str *ret,
                struct vg_err *err) VG_MUST_USE;
vg_rc vg_tx_scan(struct vg_tx *tx, struct vg_str part, const struct vg_range *range,
                 struct vg_page *ret, struct vg_err *err) VG_MUST_USE;

/*
 * Into a partition that was named, or blindly into any other.  Copied; nothing fails before commit.
 * A blind put or delete is for keys that nobody reads before writing them (an index entry, an
 * outbox record): it does not wait for who has that partition's turn and may have read the key.
 */
void vg_tx_put(struct vg_tx *tx, struct vg_str part, struct vg_str key, struct vg_str value);
void vg_tx_del(struct vg_tx *tx, struct vg_str part, struct vg_str key);
/* Adds to a 64-bit big-endian counter (absent: 0); read it with vg_kv_counter(). */
void vg_tx_add(struct vg_tx *tx, struct vg_str part, struct vg_str key, int64_t delta);

/*
 * What this writes makes room, or ends what had to be done once: some of the disk is kept for such,
 * so that it can be committed while other writes are refused.  For small transactions only.
 */
void vg_tx_use_reserve(struct vg_tx *tx);

/*
 * Makes all of it visible as one and lets go of the turns; *tx becomes NULL, whatever the outcome.
 * Fails with os_errno ENOSPC, having written nothing, while the disk has too little room.  Waits
 * only when the engine is behind with its own writing.
 */
vg_rc vg_tx_commit(struct vg_tx **tx, struct vg_err *err) VG_WAITS VG_MUST_USE;
/* Drops the writes and lets go. Accepts NULL. */
void vg_tx_abort(struct vg_tx *tx);

/* fn(arg) once this transaction is committed, on the same fiber; not after a failure or an abort.
 */
void vg_tx_on_commit(struct vg_tx *tx, void (*fn)(void *arg), void *arg);
/* Whose it is: for helpers that write into a caller's transaction. */
struct vg_sess *vg_tx_sess(struct vg_tx *tx);

int64_t vg_kv_counter(struct vg_str value); /* absent or malformed: 0 */

static inline void
vg_tx_abort_p(struct vg_tx **tx)
{
    vg_tx_abort(*tx);
}
#define vg_auto_tx __attribute__((cleanup(vg_tx_abort_p)))
static inline void
vg_snap_close_p(struct vg_snap **snap)
{
    vg_snap_close(*snap);
}
#define vg_auto_snap __attribute__((cleanup(vg_snap_close_p)))

#endif
