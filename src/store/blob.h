/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_STORE_BLOB_H
#define VG_STORE_BLOB_H

/*
 * Large objects: immutable files in the data folder, named by random ids.
 *
 * Life of one: vg_blob_create(), _write() …, _finish() gives the id of a durable file; the service
 * stores the id in a record and calls vg_blob_keep() in that same transaction.  What was finished
 * and never kept goes at the next start.  To delete, the transaction that drops the reference calls
 * vg_blob_drop(): the file is unlinked once that is durable; who has it open reads on.
 *
 * Functions marked VG_WAITS do their work on the thread pool; off a fiber they block the thread.
 * Any thread; a writer and an open blob belong to one fiber at a time.
 */

#include "base/err.h"

struct vg_arena;
struct vg_blob;
struct vg_blob_writer;
struct vg_blobs;
struct vg_kv;
struct vg_loop;
struct vg_random;
struct vg_sess;
struct vg_tx;

/*
 * `data_dir` is the store's own folder, or with the memory engine any folder for the process alone.
 * Removes what a crash left behind. All arguments must outlive it.
 */
vg_rc vg_blobs_open(struct vg_str data_dir, struct vg_kv *kv, struct vg_random *random,
                    struct vg_blobs **ret, struct vg_err *err) VG_WAITS VG_MUST_USE;
void vg_blobs_close(struct vg_blobs *b); /* after its loop has ended; accepts NULL */
/* Starts the fiber that unlinks what was dropped; it ends with the loop. */
void vg_blobs_start(struct vg_blobs *b, struct vg_loop *loop);

/* --- writing ------------------------------------------------------------------------------------
 */

vg_rc vg_blob_create(struct vg_blobs *b, struct vg_blob_writer **ret, struct vg_err *err)
    VG_WAITS VG_MUST_USE;
vg_rc vg_blob_write(struct vg_blob_writer *w, struct vg_str data, struct vg_err *err)
    VG_WAITS VG_MUST_USE;
/*
 * Both are parts of vg_blob_finish() that may be done before it, beside each other: the bytes, all
 * of which must be written by then, and the place under its id, while it is still being written.
 * The session must stay until the writer has ended.
 */
vg_rc vg_blob_sync(struct vg_blob_writer *w, struct vg_err *err) VG_WAITS VG_MUST_USE;
vg_rc vg_blob_name(struct vg_blob_writer *w, struct vg_sess *s, struct vg_err *err)
    VG_WAITS VG_MUST_USE;
/* Makes the file durable under its id, which is in the session's arena; *w becomes NULL whatever
 * the outcome. */
vg_rc vg_blob_finish(struct vg_blob_writer **w, struct vg_sess *s, struct vg_str *ret_id,
                     struct vg_err *err) VG_WAITS VG_MUST_USE;
void vg_blob_discard(struct vg_blob_writer *w) VG_WAITS; /* accepts NULL */
/* The file as far as it is written, for programs that want a path; it moves when it is named. */
struct vg_str vg_blob_writer_path(const struct vg_blob_writer *w, struct vg_arena *arena);

/* All of the above for bytes that are in memory. */
vg_rc vg_blob_store(struct vg_blobs *b, struct vg_sess *s, struct vg_str data,
                    struct vg_str *ret_id, struct vg_err *err) VG_WAITS VG_MUST_USE;

/* In the transaction that stores the reference, and in the one that drops it. Each id is kept once
 * and dropped once. */
void vg_blob_keep(struct vg_tx *tx, struct vg_str id);
void vg_blob_drop(struct vg_blobs *b, struct vg_tx *tx, struct vg_str id);

/* --- reading ------------------------------------------------------------------------------------
 */

/*
 * For who reads several files one after the other: those among `ids` that are dropped while the
 * hold is on stay until it is released.  What was dropped before may be gone: look again whether
 * the ids are still those to be read once they are held.  All arguments must stay until then.
 */
struct vg_blob_hold {
    struct vg_blob_hold *next, **to_this;
    const struct vg_str *ids;
    size_t n;
};
void vg_blobs_hold(struct vg_blobs *b, struct vg_blob_hold *hold, const struct vg_str *ids,
                   size_t n);
void vg_blobs_release(struct vg_blobs *b, struct vg_blob_hold *hold);

/* Fails with ENOENT when there is no such file. */
vg_rc vg_blob_open(struct vg_blobs *b, struct vg_str id, struct vg_blob **ret, struct vg_err *err)
    VG_WAITS VG_MUST_USE;
uint64_t vg_blob_size(const struct vg_blob *blob);
/* Up to `len` bytes from `offset`; fewer only at the end. */
vg_rc vg_blob_read(struct vg_blob *blob, uint64_t offset, void *to, size_t len, size_t *ret_len,
                   struct vg_err *err) VG_WAITS VG_MUST_USE;
void vg_blob_close(struct vg_blob *blob); /* accepts NULL */

/* The whole content, in the arena; EFBIG over max_bytes. */
vg_rc vg_blob_load(struct vg_blobs *b, struct vg_str id, struct vg_arena *arena, size_t max_bytes,
                   struct vg_str *ret, struct vg_err *err) VG_WAITS VG_MUST_USE;
/* The file, for programs that want a path; it may be gone after a drop. */
struct vg_str vg_blob_path(struct vg_blobs *b, struct vg_arena *arena, struct vg_str id);

/* --- checking -----------------------------------------------------------------------------------
 */

/* Over a store that is open for reading only: nothing is made, nothing swept, and writing is a bug.
 */
void vg_blobs_open_readonly(struct vg_str data_dir, struct vg_kv *kv, struct vg_blobs **ret);

typedef void(vg_blob_id_fn)(void *arg, struct vg_str id);
/* All that lies in the folder but for what is being written: files of content by their ids, and
 * whatever else by its path below the folder. */
vg_rc vg_blobs_each_file(struct vg_blobs *b, vg_blob_id_fn *fn, void *arg, struct vg_err *err)
    VG_MUST_USE;
/* Those that the next start removes: never kept, or dropped. */
vg_rc vg_blobs_each_pending(struct vg_blobs *b, vg_blob_id_fn *fn, void *arg, struct vg_err *err)
    VG_MUST_USE;
/* Whether files can have such an id. */
bool vg_blob_is_id(struct vg_str id);

static inline void
vg_blob_discard_p(struct vg_blob_writer **w) VG_WAITS
{
    vg_blob_discard(*w);
}
#define vg_auto_blob_writer __attribute__((cleanup(vg_blob_discard_p)))
static inline void
vg_blob_close_p(struct vg_blob **blob)
{
    vg_blob_close(*blob);
}
#define vg_auto_blob __attribute__((cleanup(vg_blob_close_p)))

#endif
