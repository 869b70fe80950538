/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Content files.  While being written a file lies in blobs/tmp, which is emptied at the start.
 * Under its id it has, until its reference is stored, a durable record "new"; after the reference
 * is dropped, one "gone".  So only these records are ever swept, never the folder.
 */

#include "store/blob.h"

#include "base/arena.h"
#include "base/fault.h"
#include "base/log.h"
#include "crypto/random.h"
#include "os/clock.h"
#include "os/fiber.h"
#include "os/file.h"
#include "store/key.h"
#include "store/kv.h"
#include "store/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ID_LEN         26u
#define GROUPS         16u
#define SWEEP_RETRY_MS 5000
#define SWEEP_PAUSE_MS 50         /* for what is dropped together; not at once upon an answer */
#define AHEAD_BYTES    (4u << 20) /* written before the disk is told to begin */

struct vg_blobs {
    struct vg_arena *arena;
    struct vg_str dir, tmp;
    struct vg_kv *kv;
    struct vg_random *random;
    pthread_mutex_t lock; /* guards the rest */
    struct vg_waiter *sleeper;
    bool has_gone;
    struct vg_blob_hold *holds;
};

struct vg_blob_writer {
    struct vg_blobs *blobs;
    int fd;
    uint64_t size;
    bool is_synced;
    struct vg_sess *named_by; /* NULL as long as the file lies in tmp */
    char id[ID_LEN + 1];
};

struct vg_blob {
    int fd;
    uint64_t size;
};

/* --- names --------------------------------------------------------------------------------------
 */

bool
vg_blob_is_id(struct vg_str id)
{
    for (size_t i = 0; i < id.len; i++)
        if (!(id.ptr[i] >= 'a' && id.ptr[i] <= 'z') && !(id.ptr[i] >= '0' && id.ptr[i] <= '9'))
            return false;
    return id.len == ID_LEN;
}

static struct vg_str
folder_of(struct vg_blobs *b, struct vg_arena *arena, struct vg_str id)
{
    return vg_str_fmt(arena, "%" VG_FMT "/%" VG_FMT, VG_ARG(b->dir),
                      VG_ARG(vg_str_slice(id, 0, 2)));
}

struct vg_str
vg_blob_path(struct vg_blobs *b, struct vg_arena *arena, struct vg_str id)
{
    return vg_str_fmt(arena, "%" VG_FMT "/%" VG_FMT, VG_ARG(folder_of(b, arena, id)), VG_ARG(id));
}

static struct vg_str
tmp_path(struct vg_blobs *b, struct vg_arena *arena, struct vg_str id)
{
    return vg_str_fmt(arena, "%" VG_FMT "/%" VG_FMT, VG_ARG(b->tmp), VG_ARG(id));
}

static struct vg_str
group_part(struct vg_arena *arena, unsigned group)
{
    struct vg_key k;
    vg_key_init(&k, arena);
    vg_key_str(&k, VG_STR("blobs"));
    vg_key_i64(&k, (int64_t)group);
    return vg_key_done(&k);
}

static struct vg_str
part_of(struct vg_arena *arena, struct vg_str id)
{
    return group_part(arena, (unsigned)(vg_str_hash(id) % GROUPS));
}

/* --- work off the loop --------------------------------------------------------------------------
 */

struct job {
    vg_rc (*fn)(struct job *job);
    struct vg_blobs *blobs;
    struct vg_arena *arena; /* the fiber waits: nobody else uses it meanwhile */
    struct vg_str id, data;
    int fd;
    uint64_t offset;
    void *to;
    size_t len;
    vg_rc rc;
    struct vg_err err;
};

static void
job_main(void *arg)
{
    struct job *job = arg;
    job->rc = job->fn(job);
}

static vg_rc
job_do(struct job *job, struct vg_err *err) VG_WAITS
{
    if (vg_fiber_self())
        vg_offload(job_main, job);
    else
        job_main(job);
    if (job->rc != VG_OK)
        *err = job->err;
    return job->rc;
}

/* --- writing ------------------------------------------------------------------------------------
 */

static vg_rc
do_create(struct job *job)
{
    struct vg_str path = tmp_path(job->blobs, job->arena, job->id);
    job->fd = open(vg_str_cstr(job->arena, path), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    return job->fd >= 0 ? VG_OK : vg_err_errno(&job->err, errno, "creating %" VG_FMT, VG_ARG(path));
}

vg_rc
vg_blob_create(struct vg_blobs *b, struct vg_blob_writer **ret, struct vg_err *err)
{
    vg_rc rc = vg_kv_check_room(b->kv, err);
    if (rc != VG_OK)
        return rc;
    vg_auto_arena struct vg_arena *tmp = vg_arena_new(0);
    struct job job = { .fn = do_create, .blobs = b, .arena = tmp };
    job.id = vg_random_text(b->random, tmp, VG_STR(""), VG_ALPHA_LOWER, ID_LEN);
    rc = job_do(&job, err);
    if (rc != VG_OK)
        return rc;
    struct vg_blob_writer *w = vg_xalloc(sizeof(*w));
    w->blobs = b;
    w->fd = job.fd;
    memcpy(w->id, job.id.ptr, ID_LEN);
    *ret = w;
    return VG_OK;
}

static vg_rc
do_write(struct job *job)
{
    if (VG_FAULT("store.blob.write"))
        return vg_err_errno(&job->err, EIO, "writing a content file");
    vg_rc rc = vg_fd_write_all(job->fd, job->data, &job->err);
    /* The disk works while more comes, so that the sync at the end finds little left to do; it
     * alone makes anything durable, so what this says does not matter. */
    uint64_t end = job->offset + job->data.len;
    if (rc == VG_OK && end / AHEAD_BYTES > job->offset / AHEAD_BYTES)
        (void)sync_file_range(job->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    return rc;
}

vg_rc
vg_blob_write(struct vg_blob_writer *w, struct vg_str data, struct vg_err *err)
{
    vg_rc rc = vg_kv_check_room(w->blobs->kv, err);
    if (rc != VG_OK)
        return rc;
    struct job job = { .fn = do_write, .fd = w->fd, .data = data, .offset = w->size };
    w->size += data.len;
    return job_do(&job, err);
}

static vg_rc
do_sync(struct job *job)
{
    if (VG_FAULT("store.blob.sync") || fsync(job->fd) != 0)
        return vg_err_errno(&job->err, errno ? errno : EIO, "making a content file durable");
    return VG_OK;
}

vg_rc
vg_blob_sync(struct vg_blob_writer *w, struct vg_err *err)
{
    struct job job = { .fn = do_sync, .fd = w->fd };
    vg_rc rc = w->is_synced ? VG_OK : job_do(&job, err);
    w->is_synced = rc == VG_OK;
    return rc;
}

static vg_rc
do_rename(struct job *job)
{
    struct vg_str folder = folder_of(job->blobs, job->arena, job->id);
    struct vg_str from = tmp_path(job->blobs, job->arena, job->id);
    struct vg_str to = vg_blob_path(job->blobs, job->arena, job->id);
    vg_rc rc = vg_dir_make(folder, 0700, &job->err);
    if (rc != VG_OK)
        return rc;
    if (rename(vg_str_cstr(job->arena, from), vg_str_cstr(job->arena, to)) != 0)
        return vg_err_errno(&job->err, errno, "renaming %" VG_FMT, VG_ARG(from));
    (void)VG_FAULT("store.blob.renamed");
    return vg_dir_sync(folder, &job->err);
}

/* The record that finds the file if nobody ever refers to it: durable before the file's name. */
static vg_rc
write_new(struct vg_sess *s, struct vg_str id, struct vg_err *err) VG_WAITS
{
    struct vg_str part = part_of(s->arena, id);
    struct vg_tx *tx;
    vg_rc rc = vg_kv_begin(s, &part, 1, &tx, err);
    if (rc != VG_OK)
        return rc;
    vg_tx_put(tx, part, vg_key_of(s->arena, VG_STR("new"), id), VG_STR(""));
    rc = vg_tx_commit(&tx, err);
    return rc == VG_OK ? vg_kv_gate(s, err) : rc;
}

vg_rc
vg_blob_name(struct vg_blob_writer *w, struct vg_sess *s, struct vg_err *err)
{
    struct job job = { .fn = do_rename, .blobs = w->blobs, .arena = s->arena };
    job.id = vg_str_n(w->id, ID_LEN);
    if (w->named_by)
        return VG_OK;
    vg_rc rc = write_new(s, job.id, err);
    if (rc == VG_OK)
        rc = job_do(&job, err);
    if (rc == VG_OK)
        w->named_by = s;
    return rc;
}

vg_rc
vg_blob_finish(struct vg_blob_writer **pw, struct vg_sess *s, struct vg_str *ret_id,
               struct vg_err *err)
{
    vg_auto_blob_writer struct vg_blob_writer *w = *pw;
    *pw = NULL;
    vg_rc rc = vg_blob_sync(w, err);
    if (rc == VG_OK)
        rc = vg_blob_name(w, s, err);
    if (rc != VG_OK)
        return rc;
    *ret_id = vg_str_dup(s->arena, vg_str_n(w->id, ID_LEN));
    close(w->fd);
    free(w);
    w = NULL;
    return VG_OK;
}

struct vg_str
vg_blob_writer_path(const struct vg_blob_writer *w, struct vg_arena *arena)
{
    return tmp_path(w->blobs, arena, vg_str_n(w->id, ID_LEN));
}

/* The folder is synced before the record goes: a power cut does not bring the name back for good.
 */
static vg_rc
do_unlink(struct job *job)
{
    vg_rc rc = vg_file_remove(vg_blob_path(job->blobs, job->arena, job->id), &job->err);
    struct vg_str folder = folder_of(job->blobs, job->arena, job->id);
    if (rc == VG_OK && vg_file_exists(folder))
        rc = vg_dir_sync(folder, &job->err);
    return rc;
}

static vg_rc
forget(struct vg_sess *s, struct vg_str part, struct vg_str key, struct vg_err *err) VG_WAITS
{
    struct vg_tx *tx;
    vg_rc rc = vg_kv_begin(s, &part, 1, &tx, err);
    if (rc != VG_OK)
        return rc;
    vg_tx_del(tx, part, key);
    vg_tx_use_reserve(tx);
    return vg_tx_commit(&tx, err);
}

static vg_rc
do_discard(struct job *job)
{
    unlink(vg_str_cstr(job->arena, tmp_path(job->blobs, job->arena, job->id)));
    close(job->fd); /* a large file takes its time to go */
    return VG_OK;
}

void
vg_blob_discard(struct vg_blob_writer *w)
{
    if (w == NULL)
        return;
    vg_auto_arena struct vg_arena *tmp = vg_arena_new(0);
    struct vg_err err; /* what stays goes at the next start */
    struct job job = { .fn = do_unlink, .blobs = w->blobs, .arena = tmp, .fd = w->fd };
    job.id = vg_str_n(w->id, ID_LEN);
    if (w->named_by && job_do(&job, &err) == VG_OK)
        (void)!forget(w->named_by, part_of(tmp, job.id), vg_key_of(tmp, VG_STR("new"), job.id),
                      &err);
    job.fn = do_discard;
    (void)!job_do(&job, &err);
    free(w);
}

vg_rc
vg_blob_store(struct vg_blobs *b, struct vg_sess *s, struct vg_str data, struct vg_str *ret_id,
              struct vg_err *err)
{
    vg_auto_blob_writer struct vg_blob_writer *w = NULL;
    vg_rc rc = vg_blob_create(b, &w, err);
    if (rc == VG_OK)
        rc = vg_blob_write(w, data, err);
    return rc == VG_OK ? vg_blob_finish(&w, s, ret_id, err) : rc;
}

/* --- references ---------------------------------------------------------------------------------
 */

void
vg_blob_keep(struct vg_tx *tx, struct vg_str id)
{
    struct vg_arena *a = vg_tx_sess(tx)->arena;
    vg_tx_del(tx, part_of(a, id), vg_key_of(a, VG_STR("new"), id));
}

static void
tell_gone(void *arg)
{
    struct vg_blobs *b = arg;
    pthread_mutex_lock(&b->lock);
    b->has_gone = true;
    if (b->sleeper)
        vg_waiter_wake(b->sleeper, VG_OK);
    pthread_mutex_unlock(&b->lock);
}

void
vg_blob_drop(struct vg_blobs *b, struct vg_tx *tx, struct vg_str id)
{
    struct vg_arena *a = vg_tx_sess(tx)->arena;
    vg_tx_put(tx, part_of(a, id), vg_key_of(a, VG_STR("gone"), id), VG_STR(""));
    vg_tx_on_commit(tx, tell_gone, b);
}

void
vg_blobs_hold(struct vg_blobs *b, struct vg_blob_hold *hold, const struct vg_str *ids, size_t n)
{
    pthread_mutex_lock(&b->lock);
    *hold = (struct vg_blob_hold) { .next = b->holds, .to_this = &b->holds, .ids = ids, .n = n };
    if (hold->next)
        hold->next->to_this = &hold->next;
    b->holds = hold;
    pthread_mutex_unlock(&b->lock);
}

void
vg_blobs_release(struct vg_blobs *b, struct vg_blob_hold *hold)
{
    pthread_mutex_lock(&b->lock);
    *hold->to_this = hold->next;
    if (hold->next)
        hold->next->to_this = hold->to_this;
    pthread_mutex_unlock(&b->lock);
    tell_gone(b); /* what it held may go now */
}

static bool
is_held(struct vg_blobs *b, struct vg_str id)
{
    bool is = false;
    pthread_mutex_lock(&b->lock);
    for (const struct vg_blob_hold *h = b->holds; h && !is; h = h->next)
        for (size_t i = 0; i < h->n && !is; i++)
            is = vg_str_eq(h->ids[i], id);
    pthread_mutex_unlock(&b->lock);
    return is;
}

/* --- reading ------------------------------------------------------------------------------------
 */

static vg_rc
do_open(struct job *job)
{
    if (!vg_blob_is_id(job->id))
        return vg_err_errno(&job->err, ENOENT, "no content file has such a name");
    struct vg_str path = vg_blob_path(job->blobs, job->arena, job->id);
    job->fd = open(vg_str_cstr(job->arena, path), O_RDONLY | O_CLOEXEC);
    if (job->fd < 0)
        return vg_err_errno(&job->err, errno, "opening %" VG_FMT, VG_ARG(path));
    struct stat st;
    if (fstat(job->fd, &st) != 0) {
        int errnum = errno;
        close(job->fd);
        return vg_err_errno(&job->err, errnum, "opening %" VG_FMT, VG_ARG(path));
    }
    job->offset = (uint64_t)st.st_size;
    return VG_OK;
}

vg_rc
vg_blob_open(struct vg_blobs *b, struct vg_str id, struct vg_blob **ret, struct vg_err *err)
{
    vg_auto_arena struct vg_arena *tmp = vg_arena_new(0);
    struct job job = { .fn = do_open, .blobs = b, .arena = tmp, .id = id };
    vg_rc rc = job_do(&job, err);
    if (rc != VG_OK)
        return rc;
    struct vg_blob *blob = vg_xalloc(sizeof(*blob));
    *blob = (struct vg_blob) { .fd = job.fd, .size = job.offset };
    *ret = blob;
    return VG_OK;
}

uint64_t
vg_blob_size(const struct vg_blob *blob)
{
    return blob->size;
}

static vg_rc
do_read(struct job *job)
{
    char *to = job->to;
    size_t got = 0;
    while (got < job->len) {
        ssize_t n = pread(job->fd, to + got, job->len - got, (off_t)(job->offset + got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || VG_FAULT("store.blob.read"))
            return vg_err_errno(&job->err, n < 0 ? errno : EIO, "reading a content file");
        if (n == 0)
            break;
        got += (size_t)n;
    }
    job->len = got;
    return VG_OK;
}

vg_rc
vg_blob_read(struct vg_blob *blob, uint64_t offset, void *to, size_t len, size_t *ret_len,
             struct vg_err *err)
{
    uint64_t left = offset < blob->size ? blob->size - offset : 0;
    size_t want = (size_t)VG_MIN((uint64_t)len, left);
    struct job job = { .fn = do_read, .fd = blob->fd, .offset = offset, .to = to, .len = want };
    vg_rc rc = job_do(&job, err);
    if (rc == VG_OK && job.len < want)
        rc = vg_err_errno(err, EIO, "a content file is shorter than it was");
    if (rc == VG_OK)
        *ret_len = job.len;
    return rc;
}

void
vg_blob_close(struct vg_blob *blob)
{
    if (blob == NULL)
        return;
    close(blob->fd);
    free(blob);
}

vg_rc
vg_blob_load(struct vg_blobs *b, struct vg_str id, struct vg_arena *arena, size_t max_bytes,
             struct vg_str *ret, struct vg_err *err)
{
    vg_auto_blob struct vg_blob *blob = NULL;
    vg_rc rc = vg_blob_open(b, id, &blob, err);
    if (rc != VG_OK)
        return rc;
    if (blob->size > max_bytes)
        return vg_err_errno(err, EFBIG, "a content file of %llu bytes",
                            (unsigned long long)blob->size);
    char *to = vg_arena_alloc(arena, (size_t)blob->size);
    size_t len;
    rc = vg_blob_read(blob, 0, to, (size_t)blob->size, &len, err);
    if (rc == VG_OK)
        *ret = vg_str_n(to, len);
    return rc;
}

/* --- sweeping -----------------------------------------------------------------------------------
 */

static vg_rc
remove_one(struct vg_blobs *b, struct vg_sess *s, struct vg_str part, struct vg_str key,
           struct vg_err *err) VG_WAITS
{
    struct vg_str rest = key, kind;
    struct job job = { .fn = do_unlink, .blobs = b, .arena = s->arena };
    if (!vg_key_take_str(s->arena, &rest, &kind) || !vg_key_take_str(s->arena, &rest, &job.id)
        || !vg_blob_is_id(job.id))
        return vg_err_set(err, "a content file's record is malformed");
    if (is_held(b, job.id))
        return VG_OK; /* its release wakes the sweeper */
    vg_rc rc = job_do(&job, err);
    return rc == VG_OK ? forget(s, part, key, err) : rc;
}

/* Everything recorded as `kind` at this time. */
static vg_rc
sweep(struct vg_blobs *b, struct vg_str kind, struct vg_err *err) VG_WAITS
{
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    vg_auto_buf struct vg_buf from;
    struct vg_sess s;
    vg_buf_init(&from, NULL, 4096);
    vg_sess_init(&s, b->kv, arena);
    for (unsigned g = 0; g < GROUPS; g++) {
        struct vg_page page = { .has_more = true };
        vg_buf_clear(&from);
        while (page.has_more) {
            vg_arena_clear(arena);
            struct vg_str part = group_part(arena, g);
            struct vg_range r = vg_key_range(arena, vg_key_of(arena, kind));
            if (from.len > 0)
                r.from = vg_str_dup(arena, vg_buf_str(&from));
            vg_rc rc = vg_kv_scan(&s, part, &r, &page, err);
            if (rc == VG_OK)
                rc = vg_kv_gate(&s, err); /* the drop is durable before the file goes */
            for (size_t i = 0; i < page.len && rc == VG_OK; i++)
                rc = remove_one(b, &s, part, page.rows[i].key, err);
            if (rc != VG_OK)
                return rc;
            if (page.len > 0) { /* those that are held stay behind */
                vg_buf_clear(&from);
                vg_buf_adds(&from, page.rows[page.len - 1].key);
                vg_buf_addc(&from, 0);
            }
        }
    }
    return VG_OK;
}

/* Until somebody drops something, or until then; VG_GONE: the loop ends. */
static vg_rc
sweeper_wait(struct vg_blobs *b, int64_t until_ms, bool is_for_drop) VG_WAITS
{
    struct vg_waiter w;
    vg_waiter_init(&w);
    pthread_mutex_lock(&b->lock);
    if (is_for_drop && b->has_gone)
        vg_waiter_wake(&w, VG_OK);
    b->sleeper = is_for_drop ? &w : NULL;
    pthread_mutex_unlock(&b->lock);
    vg_rc rc = vg_waiter_park(&w, until_ms, true);
    pthread_mutex_lock(&b->lock);
    b->sleeper = NULL;
    pthread_mutex_unlock(&b->lock);
    return vg_fiber_is_cancelled() ? VG_GONE : rc;
}

static void
sweeper_main(void *arg)
{
    struct vg_blobs *b = arg;
    bool is_failed = false;
    for (;;) {
        if (!is_failed && sweeper_wait(b, VG_NEVER_MS, true) == VG_GONE)
            return; /* what is left goes at the next start */
        int64_t pause_ms = is_failed ? SWEEP_RETRY_MS : SWEEP_PAUSE_MS;
        if (sweeper_wait(b, vg_mono_ms() + pause_ms, false) == VG_GONE)
            return;
        pthread_mutex_lock(&b->lock);
        b->has_gone = false;
        pthread_mutex_unlock(&b->lock);
        struct vg_err err = { 0 };
        is_failed = sweep(b, VG_STR("gone"), &err) != VG_OK;
        if (is_failed)
            vg_log(VG_LOG_DEBUG, "blobs.retry", { "error", vg_err_text(&err) });
    }
}

/* --- checking -----------------------------------------------------------------------------------
 */

/* Calls fn with each name in a folder but those that begin with a dot. */
static vg_rc
each_name(struct vg_arena *arena, struct vg_str dir,
          vg_rc (*fn)(void *arg, struct vg_str name, struct vg_err *err), void *arg,
          struct vg_err *err)
{
    DIR *d = opendir(vg_str_cstr(arena, dir));
    if (d == NULL)
        return vg_err_errno(err, errno, "opening %" VG_FMT, VG_ARG(dir));
    vg_rc rc = VG_OK;
    struct dirent *e;
    while (rc == VG_OK && (e = readdir(d)))
        if (e->d_name[0] != '.')
            rc = fn(arg, vg_str_of(e->d_name), err);
    closedir(d);
    return rc;
}

struct listing {
    struct vg_blobs *blobs;
    struct vg_arena *arena;
    vg_blob_id_fn *fn;
    void *arg;
    struct vg_str folder; /* the present one */
};

static vg_rc
list_file(void *arg, struct vg_str name, struct vg_err *err)
{
    struct listing *l = arg;
    (void)err;
    if (vg_blob_is_id(name) && vg_str_eq(vg_str_slice(name, 0, 2), l->folder))
        l->fn(l->arg, name);
    else
        l->fn(l->arg,
              vg_str_fmt(l->arena, "%" VG_FMT "/%" VG_FMT, VG_ARG(l->folder), VG_ARG(name)));
    return VG_OK;
}

static vg_rc
list_folder(void *arg, struct vg_str name, struct vg_err *err)
{
    struct listing *l = arg;
    struct stat st;
    if (vg_str_eq(name, VG_STR("tmp")))
        return VG_OK;
    vg_arena_clear(l->arena);
    l->folder = vg_str_dup(l->arena, name);
    struct vg_str path =
        vg_str_fmt(l->arena, "%" VG_FMT "/%" VG_FMT, VG_ARG(l->blobs->dir), VG_ARG(name));
    if (lstat(vg_str_cstr(l->arena, path), &st) == 0 && S_ISDIR(st.st_mode))
        return each_name(l->arena, path, list_file, l, err);
    l->fn(l->arg, name);
    return VG_OK;
}

vg_rc
vg_blobs_each_file(struct vg_blobs *b, vg_blob_id_fn *fn, void *arg, struct vg_err *err)
{
    vg_auto_arena struct vg_arena *own = vg_arena_new(0);
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct listing l = { .blobs = b, .arena = arena, .fn = fn, .arg = arg };
    if (!vg_file_exists(b->dir))
        return VG_OK; /* a store of which no daemon has opened the contents yet */
    return each_name(own, b->dir, list_folder, &l, err);
}

struct pending {
    vg_blob_id_fn *fn;
    void *arg;
    struct vg_arena *arena;
    struct vg_err *err;
    vg_rc rc;
};

static void
on_pending_gap(void *arg, const struct vg_err *why)
{
    struct pending *p = arg;
    *p->err = *why;
    p->rc = VG_FAIL;
}

static void
on_pending(void *arg, const struct vg_walk_row *row)
{
    struct pending *p = arg;
    struct vg_str rest = row->key, kind, id;
    vg_arena_clear(p->arena);
    if (vg_key_take_str(p->arena, &rest, &kind) && vg_key_take_str(p->arena, &rest, &id)
        && vg_blob_is_id(id))
        p->fn(p->arg, id);
    else
        p->rc = vg_err_set(p->err, "a content file's record is malformed");
}

vg_rc
vg_blobs_each_pending(struct vg_blobs *b, vg_blob_id_fn *fn, void *arg, struct vg_err *err)
{
    vg_auto_arena struct vg_arena *own = vg_arena_new(0);
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct pending p = { .fn = fn, .arg = arg, .arena = arena, .err = err };
    const struct vg_walk w = { .kv = b->kv,
                               .prefix = vg_key_of(own, VG_STR("blobs")),
                               .row = on_pending,
                               .gap = on_pending_gap,
                               .arg = &p };
    vg_walk(&w);
    return p.rc;
}

/* What was being written when the last process ended. */
static vg_rc
empty_tmp(struct vg_blobs *b, struct vg_err *err)
{
    DIR *d = opendir(vg_str_cstr(b->arena, b->tmp));
    if (d == NULL)
        return vg_dir_make(b->tmp, 0700, err);
    struct dirent *e;
    while ((e = readdir(d)))
        if (e->d_name[0] != '.')
            unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
    return VG_OK;
}

/* --- life ---------------------------------------------------------------------------------------
 */

static struct vg_blobs *
blobs_new(struct vg_str data_dir, struct vg_kv *kv, struct vg_random *random)
{
    struct vg_blobs *b = vg_xalloc(sizeof(*b));
    b->arena = vg_arena_new(0);
    b->dir = vg_str_cat(b->arena, data_dir, VG_STR("/blobs"));
    b->tmp = vg_str_cat(b->arena, b->dir, VG_STR("/tmp"));
    b->kv = kv;
    b->random = random;
    pthread_mutex_init(&b->lock, NULL);
    return b;
}

vg_rc
vg_blobs_open(struct vg_str data_dir, struct vg_kv *kv, struct vg_random *random,
              struct vg_blobs **ret, struct vg_err *err)
{
    struct vg_blobs *b = blobs_new(data_dir, kv, random);
    vg_rc rc = empty_tmp(b, err);
    if (rc == VG_OK)
        rc = sweep(b, VG_STR("new"), err);
    if (rc == VG_OK)
        rc = sweep(b, VG_STR("gone"), err);
    if (rc != VG_OK) {
        vg_blobs_close(b);
        return vg_err_wrap(err, "opening the content folder");
    }
    *ret = b;
    return VG_OK;
}

void
vg_blobs_open_readonly(struct vg_str data_dir, struct vg_kv *kv, struct vg_blobs **ret)
{
    *ret = blobs_new(data_dir, kv, NULL);
}

void
vg_blobs_start(struct vg_blobs *b, struct vg_loop *loop)
{
    vg_fiber_start(loop, sweeper_main, b);
}

void
vg_blobs_close(struct vg_blobs *b)
{
    if (b == NULL)
        return;
    VG_ASSERT(b->sleeper == NULL);
    pthread_mutex_destroy(&b->lock);
    vg_arena_free(b->arena);
    free(b);
}
