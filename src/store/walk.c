/* SPDX-License-Identifier: Apache-2.0 */
#include "store/walk.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "store/key.h"
#include "store/kv_int.h"

#define PAGE_ROWS  1000u
#define PAGE_BYTES (1u << 20)

/* Where a walk is: the rows of one page as the engine has them. */
struct place {
    const struct vg_walk *w;
    struct vg_arena *arena; /* of the page */
    struct vg_buf from;     /* the first key that is still to come */
    struct vg_str to;
    VG_VEC(struct vg_row) rows;
    bool is_end;
};

/* Up to a page of rows from p->from on; fails behind the rows that could be read. */
static vg_rc
read_page(struct place *p, struct vg_err *err)
{
    struct vg_kv *kv = p->w->kv;
    const struct vg_span span = { .from = vg_buf_str(&p->from), .to = p->to };
    struct vg_str key, value;
    size_t bytes = 0;
    p->rows.items = NULL;
    p->rows.len = p->rows.cap = 0;
    vg_rc rc = vg_kv_enter(kv, err);
    if (rc != VG_OK)
        return rc;
    struct vg_engine_iter *it = kv->ops->iter_open(kv->engine, NULL, &span);
    while ((rc = kv->ops->iter_next(it, &key, &value, err)) == VG_OK && key.ptr) {
        *VG_VEC_ADD(p->arena, &p->rows) =
            (struct vg_row) { vg_str_dup(p->arena, key), vg_str_dup(p->arena, value) };
        bytes += key.len + value.len;
        if (p->rows.len == PAGE_ROWS || bytes > PAGE_BYTES)
            break;
    }
    p->is_end = rc == VG_OK && !key.ptr;
    kv->ops->iter_close(it);
    vg_kv_leave(kv);
    return rc;
}

/* --- rows ---------------------------------------------------------------------------------------
 */

/* Partition, what separates it (store/key.c), key; false when there is no such order in it. */
static bool
split(struct vg_arena *arena, struct vg_str whole, struct vg_walk_row *ret)
{
    struct vg_str rest = whole, text;
    int64_t number;
    while (vg_key_take_str(arena, &rest, &text) || vg_key_take_i64(&rest, &number))
        continue;
    ret->part = vg_str_slice(whole, 0, whole.len - rest.len);
    ret->is_beside = rest.len > 0 && rest.ptr[0] == VG_KEY_BESIDE;
    if (ret->is_beside)
        rest = vg_str_slice(rest, 1, rest.len);
    ret->key = vg_str_slice(rest, 1, rest.len);
    return ret->part.len > 0 && rest.len > 0 && rest.ptr[0] == '\0';
}

static void
give_rows(struct place *p)
{
    const struct vg_walk *w = p->w;
    for (size_t i = 0; i < p->rows.len; i++) {
        struct vg_walk_row row = { .value = p->rows.items[i].value };
        struct vg_err err = { 0 };
        if (split(p->arena, p->rows.items[i].key, &row)) {
            w->row(w->arg, &row);
        } else {
            (void)!vg_err_set(&err, "a key is in no partition");
            w->gap(w->arg, &err);
        }
    }
    if (p->rows.len == 0)
        return;
    vg_buf_clear(&p->from);
    vg_buf_adds(&p->from, p->rows.items[p->rows.len - 1].key);
    vg_buf_addc(&p->from, '\0');
}

/* --- gaps ---------------------------------------------------------------------------------------
 */

/*
 * Behind what cannot be read.  Which keys follow it is not known, so those are tried that differ
 * from the last one ever earlier, until there is something to read; it may leave out more than need
 * be.
 */
static void
pass_gap(struct place *p, size_t fixed)
{
    struct vg_err ignored;
    if (p->from.len == fixed)
        vg_buf_add(&p->from, "\x20\x00", 2); /* of this beginning nothing was read */
    for (size_t len = p->from.len; len > fixed; len--) {
        p->from.len = len;
        unsigned char *last = (unsigned char *)p->from.ptr + len - 1;
        while (*last < 0xFF) {
            ++*last;
            vg_arena_clear(p->arena);
            if (read_page(p, &ignored) == VG_OK || p->rows.len > 0)
                return;
        }
    }
    p->rows.len = 0;
    p->is_end = true;
}

void
vg_walk(const struct vg_walk *w)
{
    vg_auto_arena struct vg_arena *own = vg_arena_new(0);
    struct vg_range all = vg_key_range(own, w->prefix);
    struct place p = { .w = w, .arena = vg_arena_new(0) };
    p.to = all.to.ptr ? all.to : VG_STR("\xFF");
    vg_buf_init(&p.from, NULL, 2 * VG_KEY_MAX_BYTES);
    vg_buf_adds(&p.from, w->prefix);
    while (!p.is_end) {
        struct vg_err err = { 0 };
        vg_arena_clear(p.arena);
        vg_rc rc = read_page(&p, &err);
        give_rows(&p);
        if (rc == VG_OK)
            continue;
        w->gap(w->arg, &err);
        pass_gap(&p, w->prefix.len);
        give_rows(&p);
    }
    vg_buf_fini(&p.from);
    vg_arena_free(p.arena);
}
