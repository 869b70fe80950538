/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The engine on RocksDB, by its C interface and a plain rocksdb_open().
 *
 * Writes go to the write-ahead log without sync; sync() makes the log durable.  A memtable of 16
 * MB: a smaller one makes the fsyncs of its files block those of the log more often, a larger one
 * only takes memory.  The info log is silent: this build of RocksDB aborts when it cannot write it.
 * After any failed write or sync the database is not trusted any more: kv.c closes it and opens it
 * again.
 */

#include "store/engine.h"

#include "base/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <rocksdb/c.h>
#include <stdlib.h>
#include <unistd.h>

#define MEMTABLE_BYTES  (16u << 20)
#define CACHE_BYTES     (16u << 20) /* the system caches the files besides */
#define BLOCK_BYTES     (8u << 10)
#define OPEN_FILES_MAX  256
#define INFO_LOG_SILENT 6 /* above the highest level that RocksDB writes */
#define BLOOM_BITS      10.0
#define MAX_MERGES      64 /* counters are folded in the memtable */
#define LOG_TOTAL_MAX   (128u << 20)
#define BACKGROUND_JOBS 2
#define LOG_FILES_KEPT  1

struct rocks {
    struct vg_engine base;
    rocksdb_t *db;
    rocksdb_options_t *options;
    rocksdb_writeoptions_t *write_quick, *write_patient;
    rocksdb_readoptions_t *read;
    rocksdb_flushoptions_t *flush_soon, *flush_now;
    rocksdb_cache_t *cache;
    _Atomic uint64_t log_bytes;
    int synced_fd;
};

struct vg_engine_iter {
    rocksdb_readoptions_t *options;
    rocksdb_iterator_t *it;
    bool is_reverse, is_begun;
};

struct vg_engine_snap {
    const rocksdb_snapshot_t *snap;
    rocksdb_readoptions_t *read;
};

static struct rocks *
rocks_of(struct vg_engine *e)
{
    return VG_CONTAINER(e, struct rocks, base);
}

/* Takes RocksDB's message over. */
static vg_rc
fail(struct vg_err *err, const char *doing, char *msg)
{
    int errnum = strstr(msg, "No space left") ? ENOSPC : EIO;
    vg_err_set_at(err, __FILE__, __LINE__, 0, "%s: %.200s", doing, msg);
    err->os_errno = errnum;
    rocksdb_free(msg);
    return VG_FAIL;
}

/* --- counters -----------------------------------------------------------------------------------
 */

static char *
fold(struct vg_str first, const char *const *operands, const size_t *lens, int n,
     unsigned char *ret_ok, size_t *ret_len)
{
    uint64_t sum = (uint64_t)vg_counter_read(first);
    for (int i = 0; i < n; i++)
        sum += (uint64_t)vg_counter_read(vg_str_n(operands[i], lens[i]));
    char *to = malloc(8);
    *ret_ok = to != NULL;
    *ret_len = 8;
    if (to)
        vg_counter_write((int64_t)sum, to);
    return to;
}

static char *
merge_full(void *state, const char *key, size_t key_len, const char *value, size_t value_len,
           const char *const *operands, const size_t *lens, int n, unsigned char *ret_ok,
           size_t *ret_len)
{
    (void)state;
    (void)key;
    (void)key_len;
    return fold(vg_str_n(value, value ? value_len : 0), operands, lens, n, ret_ok, ret_len);
}

static char *
merge_partial(void *state, const char *key, size_t key_len, const char *const *operands,
              const size_t *lens, int n, unsigned char *ret_ok, size_t *ret_len)
{
    (void)state;
    (void)key;
    (void)key_len;
    return fold(VG_STR_NONE, operands, lens, n, ret_ok, ret_len);
}

static void
merge_free(void *state, const char *value, size_t len)
{
    (void)state;
    (void)len;
    free((void *)(uintptr_t)value);
}

static const char *
merge_name(void *state)
{
    (void)state;
    return "virga.add64"; /* in the data: never change it */
}

static void
merge_end(void *state)
{
    (void)state;
}

/* --- reads --------------------------------------------------------------------------------------
 */

static uint64_t
rocks_latest(struct vg_engine *e)
{
    return rocksdb_get_latest_sequence_number(rocks_of(e)->db);
}

static vg_rc
rocks_get(struct vg_engine *e, struct vg_engine_snap *snap, struct vg_str key,
          struct vg_arena *arena, struct vg_str *ret, struct vg_err *err)
{
    struct rocks *r = rocks_of(e);
    char *msg = NULL;
    rocksdb_pinnableslice_t *pin =
        rocksdb_get_pinned(r->db, snap ? snap->read : r->read, key.ptr, key.len, &msg);
    if (msg)
        return fail(err, "reading", msg);
    *ret = VG_STR_NONE;
    if (pin) {
        size_t len;
        const char *p = rocksdb_pinnableslice_value(pin, &len);
        *ret = vg_str_n(vg_arena_copy(arena, p, len), len);
        rocksdb_pinnableslice_destroy(pin);
    }
    return VG_OK;
}

static struct vg_engine_iter *
rocks_iter_open(struct vg_engine *e, struct vg_engine_snap *snap, const struct vg_span *span)
{
    struct vg_engine_iter *it = vg_xalloc(sizeof(*it));
    it->options = rocksdb_readoptions_create();
    rocksdb_readoptions_set_iterate_lower_bound(it->options, span->from.ptr, span->from.len);
    rocksdb_readoptions_set_iterate_upper_bound(it->options, span->to.ptr, span->to.len);
    if (snap)
        rocksdb_readoptions_set_snapshot(it->options, snap->snap);
    it->it = rocksdb_create_iterator(rocks_of(e)->db, it->options);
    it->is_reverse = span->is_reverse;
    return it;
}

static vg_rc
rocks_iter_next(struct vg_engine_iter *it, struct vg_str *ret_key, struct vg_str *ret_value,
                struct vg_err *err)
{
    if (!it->is_begun && it->is_reverse)
        rocksdb_iter_seek_to_last(it->it); /* within the bounds */
    else if (!it->is_begun)
        rocksdb_iter_seek_to_first(it->it);
    else if (it->is_reverse)
        rocksdb_iter_prev(it->it);
    else
        rocksdb_iter_next(it->it);
    it->is_begun = true;
    if (rocksdb_iter_valid(it->it)) {
        ret_key->ptr = rocksdb_iter_key(it->it, &ret_key->len);
        ret_value->ptr = rocksdb_iter_value(it->it, &ret_value->len);
        return VG_OK;
    }
    char *msg = NULL;
    rocksdb_iter_get_error(it->it, &msg);
    if (msg)
        return fail(err, "scanning", msg);
    *ret_key = VG_STR_NONE;
    return VG_OK;
}

static void
rocks_iter_close(struct vg_engine_iter *it)
{
    rocksdb_iter_destroy(it->it);
    rocksdb_readoptions_destroy(it->options);
    free(it);
}

static struct vg_engine_snap *
rocks_snap_open(struct vg_engine *e)
{
    struct vg_engine_snap *s = vg_xalloc(sizeof(*s));
    s->snap = rocksdb_create_snapshot(rocks_of(e)->db);
    s->read = rocksdb_readoptions_create();
    rocksdb_readoptions_set_snapshot(s->read, s->snap);
    return s;
}

static void
rocks_snap_close(struct vg_engine *e, struct vg_engine_snap *snap)
{
    rocksdb_readoptions_destroy(snap->read);
    rocksdb_release_snapshot(rocks_of(e)->db, snap->snap);
    free(snap);
}

/* --- writes -------------------------------------------------------------------------------------
 */

static rocksdb_writebatch_t *
batch_of(const struct vg_tree *writes)
{
    rocksdb_writebatch_t *b = rocksdb_writebatch_create();
    for (struct vg_node *n = vg_tree_at_or_after(writes, VG_STR("")); n; n = vg_tree_next(n)) {
        const struct vg_write *w = VG_CONTAINER(n, struct vg_write, node);
        char counter[8];
        switch (w->kind) {
        case VG_WRITE_PUT:
            rocksdb_writebatch_put(b, n->key.ptr, n->key.len, w->value.ptr, w->value.len);
            break;
        case VG_WRITE_DEL:
            rocksdb_writebatch_delete(b, n->key.ptr, n->key.len);
            break;
        case VG_WRITE_ADD:
            vg_counter_write(w->delta, counter);
            rocksdb_writebatch_merge(b, n->key.ptr, n->key.len, counter, sizeof(counter));
            break;
        }
    }
    return b;
}

static vg_rc
rocks_write(struct vg_engine *e, const struct vg_tree *writes, bool may_block, struct vg_err *err)
{
    struct rocks *r = rocks_of(e);
    rocksdb_writebatch_t *b = batch_of(writes);
    size_t len;
    rocksdb_writebatch_data(b, &len);
    char *msg = NULL;
    rocksdb_write(r->db, may_block ? r->write_patient : r->write_quick, b, &msg);
    rocksdb_writebatch_destroy(b);
    if (msg == NULL) {
        r->log_bytes += len;
        return VG_OK;
    }
    if (!may_block && strstr(msg, "Incomplete") == msg) { /* "Incomplete: Write stall" */
        rocksdb_free(msg);
        return VG_TIMEOUT;
    }
    return fail(err, "writing", msg);
}

/* Not made durable itself: after a power cut an older value may stand there, which is as true. */
static void
note_synced(struct rocks *r, uint64_t seq)
{
    const uint64_t words[2] = { seq, ~seq };
    if (pwrite(r->synced_fd, words, sizeof(words), 0) != sizeof(words))
        return; /* a full disk: the older value is as true */
}

static vg_rc
rocks_sync(struct vg_engine *e, struct vg_err *err)
{
    struct rocks *r = rocks_of(e);
    char *msg = NULL;
    uint64_t seq = rocksdb_get_latest_sequence_number(r->db);
    rocksdb_flush_wal(r->db, 1, &msg);
    if (msg)
        return fail(err, "making the log durable", msg);
    note_synced(r, seq);
    return VG_OK;
}

static uint64_t
rocks_log_bytes(struct vg_engine *e)
{
    return rocks_of(e)->log_bytes;
}

static vg_rc
rocks_flush(struct vg_engine *e, struct vg_err *err)
{
    struct rocks *r = rocks_of(e);
    char *msg = NULL;
    r->log_bytes = 0;
    rocksdb_flush(r->db, r->flush_soon, &msg);
    return msg ? fail(err, "flushing", msg) : VG_OK;
}

/* --- life ---------------------------------------------------------------------------------------
 */

static void
rocks_free(struct rocks *r)
{
    rocksdb_options_destroy(r->options);
    rocksdb_writeoptions_destroy(r->write_quick);
    rocksdb_writeoptions_destroy(r->write_patient);
    rocksdb_readoptions_destroy(r->read);
    rocksdb_flushoptions_destroy(r->flush_soon);
    rocksdb_flushoptions_destroy(r->flush_now);
    rocksdb_cache_destroy(r->cache);
    if (r->synced_fd >= 0)
        close(r->synced_fd);
    free(r);
}

static void
rocks_close(struct vg_engine *e, bool is_clean)
{
    struct rocks *r = rocks_of(e);
    struct vg_err err;
    char *msg = NULL;
    if (is_clean && rocks_sync(e, &err) == VG_OK) {
        rocksdb_flush(r->db, r->flush_now, &msg);
        rocksdb_free(msg); /* then the next start replays the log: slower, nothing is lost */
    }
    rocksdb_close(r->db);
    rocks_free(r);
}

static const struct vg_engine_ops rocks_ops = {
    .name = "rocks",
    .close = rocks_close,
    .latest = rocks_latest,
    .get = rocks_get,
    .iter_open = rocks_iter_open,
    .iter_next = rocks_iter_next,
    .iter_close = rocks_iter_close,
    .snap_open = rocks_snap_open,
    .snap_close = rocks_snap_close,
    .write = rocks_write,
    .sync = rocks_sync,
    .log_bytes = rocks_log_bytes,
    .flush = rocks_flush,
};

/* --- for reading only ---------------------------------------------------------------------------
 */

static vg_rc
readonly(struct vg_err *err)
{
    return vg_err_set(err, "the store is open for reading only");
}

static vg_rc
readonly_write(struct vg_engine *e, const struct vg_tree *writes, bool may_block,
               struct vg_err *err)
{
    (void)e, (void)writes, (void)may_block;
    return readonly(err);
}

static vg_rc
readonly_sync(struct vg_engine *e, struct vg_err *err)
{
    (void)e;
    return readonly(err);
}

static void
readonly_close(struct vg_engine *e, bool is_clean)
{
    (void)is_clean;
    rocksdb_close(rocks_of(e)->db);
    rocks_free(rocks_of(e));
}

static const struct vg_engine_ops readonly_ops = {
    .name = "rocks-readonly",
    .close = readonly_close,
    .latest = rocks_latest,
    .get = rocks_get,
    .iter_open = rocks_iter_open,
    .iter_next = rocks_iter_next,
    .iter_close = rocks_iter_close,
    .snap_open = rocks_snap_open,
    .snap_close = rocks_snap_close,
    .write = readonly_write,
    .sync = readonly_sync,
    .log_bytes = rocks_log_bytes,
    .flush = readonly_sync,
};

/* --- opening ------------------------------------------------------------------------------------
 */

static void
set_options(struct rocks *r)
{
    rocksdb_options_t *o = r->options = rocksdb_options_create();
    rocksdb_options_set_paranoid_checks(o, 1);
    rocksdb_options_set_write_buffer_size(o, MEMTABLE_BYTES);
    rocksdb_options_set_max_write_buffer_number(o, 3);
    rocksdb_options_set_max_total_wal_size(o, LOG_TOTAL_MAX);
    rocksdb_options_set_max_background_jobs(o, BACKGROUND_JOBS);
    rocksdb_options_set_max_open_files(o, OPEN_FILES_MAX);
    rocksdb_options_set_max_file_opening_threads(o, 1); /* else sixteen are started to open few */
    rocksdb_options_set_info_log_level(o, INFO_LOG_SILENT);
    rocksdb_options_set_keep_log_file_num(o, LOG_FILES_KEPT);
    rocksdb_options_set_stats_dump_period_sec(o, 0);
    rocksdb_options_set_max_successive_merges(o, MAX_MERGES);
    /* A crash may cut the log anywhere in its unsynced tail: what stands before is the state. */
    rocksdb_options_set_wal_recovery_mode(o, rocksdb_point_in_time_recovery);
    rocksdb_options_set_merge_operator(o, rocksdb_mergeoperator_create(NULL, merge_end, merge_full,
                                                                       merge_partial, merge_free,
                                                                       merge_name));

    rocksdb_block_based_table_options_t *t = rocksdb_block_based_options_create();
    r->cache = rocksdb_cache_create_lru(CACHE_BYTES);
    rocksdb_block_based_options_set_block_cache(t, r->cache);
    rocksdb_block_based_options_set_block_size(t, BLOCK_BYTES);
    rocksdb_block_based_options_set_filter_policy(t, rocksdb_filterpolicy_create_bloom(BLOOM_BITS));
    rocksdb_options_set_block_based_table_factory(o, t);
    rocksdb_block_based_options_destroy(t);

    r->write_quick = rocksdb_writeoptions_create();
    rocksdb_writeoptions_set_no_slowdown(r->write_quick, 1);
    r->write_patient = rocksdb_writeoptions_create();
    r->read = rocksdb_readoptions_create();
    r->flush_soon = rocksdb_flushoptions_create();
    rocksdb_flushoptions_set_wait(r->flush_soon, 0);
    r->flush_now = rocksdb_flushoptions_create();
}

/* An older end than what was made durable: the log was cut or damaged, or files were put back. */
vg_rc
vg_rocks_check_end(struct vg_engine *e, struct vg_str path, struct vg_str synced,
                   struct vg_err *err)
{
    struct rocks *r = rocks_of(e);
    uint64_t words[2] = { 0, 0 }, latest = rocksdb_get_latest_sequence_number(r->db);
    ssize_t n = pread(r->synced_fd, words, sizeof(words), 0);
    if (n != sizeof(words) || words[0] != ~words[1] || words[0] <= latest)
        return VG_OK;
    return vg_err_set(
        err,
        "the store in %" VG_FMT " ends at write %llu, but %llu had been made durable: "
        "its log is cut off or damaged. Restore the folder, or remove %" VG_FMT
        " to go on without the rest",
        VG_ARG(path), (unsigned long long)latest, (unsigned long long)words[0], VG_ARG(synced));
}

vg_rc
vg_rocks_open(struct vg_str path, struct vg_str synced, struct vg_engine **ret, struct vg_err *err)
{
    struct rocks *r = vg_xalloc(sizeof(*r));
    r->base.ops = &rocks_ops;
    set_options(r);
    vg_auto_arena struct vg_arena *tmp = vg_arena_new(0);
    char *msg = NULL;
    r->synced_fd = open(vg_str_cstr(tmp, synced), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (r->synced_fd < 0) {
        vg_err_errno(err, errno, "opening %" VG_FMT, VG_ARG(synced));
        rocks_free(r);
        return VG_FAIL;
    }
    rocksdb_options_set_create_if_missing(r->options, 1);
    r->db = rocksdb_open(r->options, vg_str_cstr(tmp, path), &msg);
    if (msg) {
        rocks_free(r);
        return fail(err, "opening the store", msg);
    }
    vg_rc rc = vg_rocks_check_end(&r->base, path, synced, err);
    if (rc != VG_OK) {
        rocksdb_close(r->db);
        rocks_free(r);
        return rc;
    }
    *ret = &r->base;
    return VG_OK;
}

/* The log is replayed into memory; at most LOG_TOTAL_MAX. */
vg_rc
vg_rocks_open_readonly(struct vg_str path, struct vg_str synced, struct vg_engine **ret,
                       struct vg_err *err)
{
    struct rocks *r = vg_xalloc(sizeof(*r));
    r->base.ops = &readonly_ops;
    set_options(r);
    vg_auto_arena struct vg_arena *tmp = vg_arena_new(0);
    char *msg = NULL;
    r->synced_fd =
        open(vg_str_cstr(tmp, synced), O_RDONLY | O_CLOEXEC); /* -1: nothing was synced */
    r->db = rocksdb_open_for_read_only(r->options, vg_str_cstr(tmp, path), 0, &msg);
    if (msg) {
        rocks_free(r);
        return fail(err, "opening the store", msg);
    }
    *ret = &r->base;
    return VG_OK;
}
