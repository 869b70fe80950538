/* SPDX-License-Identifier: Apache-2.0 */
#include "core/check.h"

#include "base/buf.h"
#include "core/call.h"
#include "store/blob.h"

#include <stdlib.h>

#define LINE_MAX_BYTES (64u << 10)

void
vg_check_init(struct vg_check *ck, const struct vg_env *env, vg_finding_fn *found, void *arg)
{
    *ck = (struct vg_check) { .env = env, .found = found, .arg = arg };
}

void
vg_check_fini(struct vg_check *ck)
{
    free(ck->referred.items);
    free(ck->pending.items);
}

/* --- findings -----------------------------------------------------------------------------------
 */

/* Bytes that text of a terminal may begin with: no control characters, those of UTF-8's C1 neither.
 */
static size_t
plain_bytes(struct vg_str s)
{
    unsigned char c = (unsigned char)s.ptr[0];
    size_t len = c < 0x80 ? 1 : c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    if (c < 0x20 || c == 0x7F || len > s.len || !vg_str_is_utf8(vg_str_slice(s, 0, len)))
        return 0;
    return c == 0xC2 && (unsigned char)s.ptr[1] < 0xA0 ? 0 : len;
}

static void
add_printable(struct vg_buf *b, struct vg_str s)
{
    while (s.len > 0) {
        size_t n = plain_bytes(s);
        if (n == 0)
            vg_buf_addf(b, "\\x%02x", (unsigned)(unsigned char)s.ptr[0]);
        else if (s.ptr[0] == '\\')
            vg_buf_adds(b, VG_STR("\\\\"));
        else
            vg_buf_add(b, s.ptr, n);
        s = vg_str_slice(s, VG_MAX(n, (size_t)1), s.len);
    }
}

static void VG_PRINTF(4, 0) report(struct vg_check *ck, enum vg_finding kind, struct vg_str where,
                                   const char *fmt, va_list ap)
{
    vg_auto_buf struct vg_buf text, line;
    vg_buf_init(&text, NULL, LINE_MAX_BYTES);
    vg_buf_init(&line, NULL, 8 * LINE_MAX_BYTES);
    vg_buf_adds(&line, vg_str_of(ck->service ? ck->service->name : "store"));
    if (where.ptr)
        vg_buf_addc(&line, ' ');
    add_printable(&line, where);
    vg_buf_adds(&line, VG_STR(": "));
    vg_buf_vaddf(&text, fmt, ap);
    add_printable(&line, vg_buf_str(&text));
    *(kind == VG_FINDING_ERROR ? &ck->n_errors : &ck->n_orphans) += 1;
    ck->found(ck->arg, kind, vg_buf_str(&line));
}

void
vg_check_error(struct vg_check *ck, struct vg_str where, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    report(ck, VG_FINDING_ERROR, where, fmt, ap);
    va_end(ap);
}

void
vg_check_lost(struct vg_check *ck, struct vg_str where, const char *fmt, ...)
{
    va_list ap;
    ck->is_blind = true;
    va_start(ap, fmt);
    report(ck, VG_FINDING_ERROR, where, fmt, ap);
    va_end(ap);
}

static void VG_PRINTF(2, 3) orphan(struct vg_check *ck, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    report(ck, VG_FINDING_ORPHAN, VG_STR_NONE, fmt, ap);
    va_end(ap);
}

/* --- what is counted ----------------------------------------------------------------------------
 */

void
vg_check_count(struct vg_check *ck, const char *what, uint64_t n)
{
    size_t i = 0;
    while (i < ck->n_counts && strcmp(ck->counts[i].what, what) != 0)
        i++;
    VG_ASSERT(i < VG_CHECK_COUNTS_MAX);
    ck->n_counts = VG_MAX(ck->n_counts, i + 1);
    ck->counts[i].what = what;
    ck->counts[i].n += n;
}

static void
go_on(struct vg_check *ck)
{
    if (ck->progress)
        ck->progress(ck->arg, ck);
}

void
vg_check_read(struct vg_check *ck, uint64_t bytes)
{
    ck->n_bytes += bytes;
    go_on(ck);
}

static void
add_id(struct vg_check_ids *ids, struct vg_str id)
{
    if (ids->len == ids->cap) {
        ids->cap = ids->cap ? ids->cap * 2 : 1024;
        ids->items = vg_xrealloc(ids->items, ids->cap * sizeof(*ids->items));
    }
    ids->items[ids->len++] = vg_str_hash(id);
}

bool
vg_check_decoded(struct vg_check *ck, const struct vg_req *rq, struct vg_str where, vg_rc rc)
{
    if (rc != VG_OK)
        vg_check_lost(ck, where, "its record does not decode: %" VG_FMT,
                      VG_ARG(vg_err_text(rq->err)));
    return rc == VG_OK;
}

void
vg_check_refer(struct vg_check *ck, struct vg_str id)
{
    add_id(&ck->referred, id);
}

/* --- rows ---------------------------------------------------------------------------------------
 */

static void
on_store_gap(void *arg, const struct vg_err *why)
{
    struct vg_check *ck = arg;
    ck->has_gaps = true;
    vg_check_lost(ck, VG_STR_NONE, "%" VG_FMT ": rows are left out", VG_ARG(vg_err_text(why)));
}

static void
on_store_row(void *arg, const struct vg_walk_row *row)
{
    struct vg_check *ck = arg;
    (void)row;
    ck->n_rows++;
    go_on(ck);
}

void
vg_check_store(struct vg_check *ck)
{
    const struct vg_walk w = {
        .kv = ck->env->kv, .row = on_store_row, .gap = on_store_gap, .arg = ck
    };
    struct vg_err err = { 0 };
    ck->service = NULL;
    if (vg_kv_check_end(ck->env->kv, &err) != VG_OK)
        vg_check_lost(ck, VG_STR_NONE, "%" VG_FMT, VG_ARG(vg_err_text(&err)));
    vg_walk(&w);
}

struct rows {
    struct vg_check *ck;
    vg_check_row_fn *fn;
    void *arg;
    struct vg_arena *arena;
};

static void
on_row(void *arg, const struct vg_walk_row *row)
{
    struct rows *r = arg;
    const struct vg_config *config = r->ck->env->config;
    struct vg_root root;
    vg_arena_recycle(r->arena);
    vg_root_init(&root, r->ck->env, r->arena, NULL, config->account, config->region);
    r->fn(&root.rq, row, r->arg);
    go_on(r->ck);
}

/* The walk over the whole store has said it already, if there was one. */
static void
on_gap(void *arg, const struct vg_err *why)
{
    struct rows *r = arg;
    r->ck->is_blind = true;
    if (!r->ck->has_gaps)
        vg_check_lost(r->ck, VG_STR_NONE, "%" VG_FMT ": rows are left out",
                      VG_ARG(vg_err_text(why)));
}

void
vg_check_rows(struct vg_check *ck, struct vg_str prefix, vg_check_row_fn *fn, void *arg)
{
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct rows r = { .ck = ck, .fn = fn, .arg = arg, .arena = arena };
    const struct vg_walk w = {
        .kv = ck->env->kv, .prefix = prefix, .row = on_row, .gap = on_gap, .arg = &r
    };
    vg_walk(&w);
}

void
vg_check_service(struct vg_check *ck, const struct vg_service *service)
{
    ck->service = service;
    if (service->check)
        service->check(ck);
    ck->service = NULL;
}

/* --- content files ------------------------------------------------------------------------------
 */

static int
by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void
sort(struct vg_check_ids *ids)
{
    if (ids->len > 0)
        qsort(ids->items, ids->len, sizeof(*ids->items), by_value);
}

/* How often it is among them, which are sorted. */
static size_t
times(const struct vg_check_ids *ids, uint64_t hash)
{
    size_t from = 0, to = ids->len, n = 0;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        if (ids->items[mid] < hash)
            from = mid + 1;
        else
            to = mid;
    }
    while (from + n < ids->len && ids->items[from + n] == hash)
        n++;
    return n;
}

static void
on_pending(void *arg, struct vg_str id)
{
    struct vg_check *ck = arg;
    add_id(&ck->pending, id);
}

static void
on_file(void *arg, struct vg_str id)
{
    struct vg_check *ck = arg;
    if (!vg_blob_is_id(id)) {
        orphan(ck, "blobs/%" VG_FMT " is no content file", VG_ARG(id));
        return;
    }
    size_t n = times(&ck->referred, vg_str_hash(id));
    bool is_pending = times(&ck->pending, vg_str_hash(id)) > 0;
    if (n > 1)
        vg_check_error(ck, VG_STR_NONE, "content file %" VG_FMT ": %zu records refer to it",
                       VG_ARG(id), n);
    if (n > 0 && is_pending)
        vg_check_error(ck, VG_STR_NONE,
                       "content file %" VG_FMT
                       ": a record refers to it, but the next start would remove it",
                       VG_ARG(id));
    ck->n_pending += n == 0 && is_pending;
    if (n == 0 && !is_pending && !ck->is_blind)
        orphan(ck, "content file %" VG_FMT ": no record refers to it", VG_ARG(id));
    go_on(ck);
}

void
vg_check_files(struct vg_check *ck)
{
    struct vg_err err = { 0 };
    ck->service = NULL;
    if (vg_blobs_each_pending(ck->env->blobs, on_pending, ck, &err) != VG_OK && !ck->has_gaps)
        vg_check_lost(ck, VG_STR_NONE, "%" VG_FMT, VG_ARG(vg_err_text(&err)));
    sort(&ck->referred);
    sort(&ck->pending);
    if (vg_blobs_each_file(ck->env->blobs, on_file, ck, &err) != VG_OK)
        vg_check_error(ck, VG_STR_NONE, "%" VG_FMT, VG_ARG(vg_err_text(&err)));
}
