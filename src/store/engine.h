/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_STORE_ENGINE_H
#define VG_STORE_ENGINE_H

/*
 * What lies under kv.c: one ordered map of byte strings with atomic batches, snapshots and a log
 * that can be made durable.  Turns, partitions, own writes and the gate are kv.c's and the same
 * over every engine.  All functions may be called on any thread at once, but close(), which comes
 * alone and last.
 */

#include "base/err.h"
#include "store/tree.h"

struct vg_arena;
struct vg_engine;
struct vg_engine_iter;
struct vg_engine_snap;

enum vg_write_kind { VG_WRITE_PUT = 1, VG_WRITE_DEL, VG_WRITE_ADD };

/* One key's write, in a batch ordered by key; each key comes once. */
struct vg_write {
    struct vg_node node; /* the key: partition, 0x00, key inside */
    size_t part_len;     /* bytes of the key that are the partition's id */
    enum vg_write_kind kind;
    struct vg_str value;
    int64_t delta;
};

/* [from, to) of whole keys, both present. */
struct vg_span {
    struct vg_str from, to;
    bool is_reverse;
};

struct vg_engine_ops {
    const char *name;
    /* `is_clean`: write everything out first, so that the next start is quick. */
    void (*close)(struct vg_engine *e, bool is_clean);

    /* Grows with every write; a write is in effect before the number covers it. */
    uint64_t (*latest)(struct vg_engine *e);

    /* `snap` may be NULL: the latest state. Absent: ret->ptr == NULL. The value is the arena's. */
    vg_rc (*get)(struct vg_engine *e, struct vg_engine_snap *snap, struct vg_str key,
                 struct vg_arena *arena, struct vg_str *ret, struct vg_err *err);

    /* Positioned before the first row; the span's strings must outlive it. Never waits. */
    struct vg_engine_iter *(*iter_open)(struct vg_engine *e, struct vg_engine_snap *snap,
                                        const struct vg_span *span);
    /* The next row in *ret_key and *ret_value, good until the next call; key.ptr == NULL: the end.
     */
    vg_rc (*iter_next)(struct vg_engine_iter *it, struct vg_str *ret_key, struct vg_str *ret_value,
                       struct vg_err *err);
    void (*iter_close)(struct vg_engine_iter *it);

    struct vg_engine_snap *(*snap_open)(struct vg_engine *e);
    void (*snap_close)(struct vg_engine *e, struct vg_engine_snap *snap);

    /* All of it or nothing. VG_TIMEOUT: the engine is behind and may_block is false; try again. */
    vg_rc (*write)(struct vg_engine *e, const struct vg_tree *writes, bool may_block,
                   struct vg_err *err);
    /* Everything up to latest() as of the call survives a power cut. Blocks. */
    vg_rc (*sync)(struct vg_engine *e, struct vg_err *err);

    /* What a start would have to replay; flush() begins to shorten it, in the background. */
    uint64_t (*log_bytes)(struct vg_engine *e);
    vg_rc (*flush)(struct vg_engine *e, struct vg_err *err);
};

struct vg_engine {
    const struct vg_engine_ops *ops;
};

/* Asserts that every member is there. */
const struct vg_engine_ops *vg_engine_ops_of(const struct vg_engine *e);

/* Opens (or opens again) the engine under a store; `arg` as given to vg_kv_new(). */
typedef vg_rc(vg_engine_open_fn)(void *arg, struct vg_engine **ret, struct vg_err *err);

vg_rc vg_mem_open(struct vg_engine **ret, struct vg_err *err) VG_MUST_USE;
/*
 * `path`: RocksDB's own folder.  `synced`: a small file beside it that keeps how far sync() has
 * come; when the database ends before that, something is missing and opening fails.
 */
vg_rc vg_rocks_open(struct vg_str path, struct vg_str synced, struct vg_engine **ret,
                    struct vg_err *err) VG_MUST_USE;

/* The same of a database that is there, for reading only: nothing is written, nor recovered in its
 * files. Where it ends does not matter: that is vg_rocks_check_end()'s. */
vg_rc vg_rocks_open_readonly(struct vg_str path, struct vg_str synced, struct vg_engine **ret,
                             struct vg_err *err) VG_MUST_USE;
/* Of an engine of either: fails where it ends before what sync() had made durable. */
vg_rc vg_rocks_check_end(struct vg_engine *e, struct vg_str path, struct vg_str synced,
                         struct vg_err *err) VG_MUST_USE;

/* The engine `fault` (fault.c): `inner`, which it takes over, with fault points before its calls.
 */
struct vg_engine *vg_fault_wrap(struct vg_engine *inner);

/* 8 bytes, big-endian, two's complement. */
int64_t vg_counter_read(struct vg_str value); /* absent or malformed: 0 */
void vg_counter_write(int64_t v, char to[8]);

#endif
