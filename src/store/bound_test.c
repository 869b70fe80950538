/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of store/bound.h. */
#include "base/arena.h"
#include "base/test.h"
#include "os/file.h"
#include "store/bound.h"
#include "store/key.h"
#include "store/kv_int.h"
#include "store/walked_test.h"

#include <stdio.h>
#include <stdlib.h>

struct world {
    struct vg_kv *kv;
    struct vg_bounds *bounds;
    struct vg_arena *arena;
    struct vg_sess s;
    char dir[32];
};

static int
setup(void **state)
{
    struct world *w = vg_xalloc(sizeof(*w));
    struct vg_err err;
    strcpy(w->dir, "/tmp/vg_bound_XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    const struct vg_kv_options opt = { .path = vg_str_of(w->dir), .durability = VG_DURABLE_OS };
    assert_ok(vg_kv_open_rocks(&opt, &w->kv, &err));
    w->bounds = vg_bounds_new(w->kv);
    w->arena = vg_arena_new(0);
    vg_sess_init(&w->s, w->kv, w->arena);
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    struct world *w = *state;
    struct vg_err err;
    vg_bounds_free(w->bounds);
    vg_kv_close(w->kv);
    vg_arena_free(w->arena);
    assert_ok(vg_dir_remove(vg_str_of(w->dir), &err));
    free(w);
    return 0;
}

static const struct vg_str part = { "p", 1 }, a = { "a", 1 }, b = { "b", 1 }, c = { "c", 1 };

static void
is_bound(struct world *w, struct vg_str want)
{
    struct vg_str got = vg_bound_get(w->bounds, w->arena, part);
    assert_int_equal(got.ptr == NULL, want.ptr == NULL);
    assert_true(vg_str_eq(got, want));
}

static void
it_is_the_lower_of_what_went_and_what_is_left(void **state)
{
    struct world *w = *state;
    is_bound(w, VG_STR_NONE);
    vg_bound_raise(w->bounds, part, VG_STR_NONE, VG_STR_NONE, 0);
    is_bound(w, VG_STR_NONE);
    vg_bound_raise(w->bounds, part, b, a, 0); /* the commit may fail: `a` is there still */
    is_bound(w, a);
    vg_bound_raise(w->bounds, part, VG_STR_NONE, b, 0);
    is_bound(w, b);
    vg_bound_raise(w->bounds, part, a, c, 0);
    is_bound(w, a);
    vg_bound_raise(w->bounds, part, c, VG_STR_NONE, 0);
    is_bound(w, c);
}

static void
a_key_that_is_written_lowers_it_only(void **state)
{
    struct world *w = *state;
    vg_bound_lower(w->bounds, part, a); /* nothing is known: from the front */
    is_bound(w, VG_STR_NONE);
    vg_bound_raise(w->bounds, part, b, VG_STR_NONE, 0);
    vg_bound_lower(w->bounds, part, c);
    is_bound(w, b);
    vg_bound_lower(w->bounds, part, a);
    is_bound(w, a);
}

static void
it_is_of_one_epoch_of_the_store(void **state)
{
    struct world *w = *state;
    vg_bound_raise(w->bounds, part, b, VG_STR_NONE, 0);
    atomic_store(&w->kv->epoch, 1); /* as after a disk error */
    is_bound(w, VG_STR_NONE);
    vg_bound_raise(w->bounds, part, c, b, 0); /* by one who began before it */
    is_bound(w, VG_STR_NONE);
    vg_bound_raise(w->bounds, part, c, b, 1);
    is_bound(w, b);
}

/* More partitions than there are slots: some are not known, none is known wrongly. */
static void
partitions_with_one_slot_take_it_from_each_other(void **state)
{
    enum { N = 5000 };
    struct world *w = *state;
    unsigned n_known = 0;
    for (int i = 0; i < N; i++) {
        struct vg_str id = vg_str_fmt(w->arena, "p%d", i);
        vg_bound_raise(w->bounds, id, id, VG_STR_NONE, 0);
    }
    for (int i = 0; i < N; i++) {
        struct vg_str id = vg_str_fmt(w->arena, "p%d", i);
        struct vg_str got = vg_bound_get(w->bounds, w->arena, id);
        assert_true(got.ptr == NULL || vg_str_eq(got, id));
        n_known += got.ptr != NULL;
    }
    assert_in_range(n_known, 1, N - 1);
}

/* The protocol of the header, on a queue that is filled and emptied at its front. */
static struct vg_str
number(struct world *w, int64_t n)
{
    struct vg_key k;
    vg_key_init(&k, w->arena);
    vg_key_i64(&k, n);
    return vg_key_done(&k);
}

static struct vg_str
first(struct world *w, struct vg_tx *tx)
{
    struct vg_range r = { .from = vg_bound_get(w->bounds, w->arena, part), .max = 1 };
    struct vg_page page;
    struct vg_err err;
    assert_ok(vg_tx_scan(tx, part, &r, &page, &err));
    return page.len ? page.rows[0].key : VG_STR_NONE;
}

static void
what_is_consumed_in_order_is_not_walked_over_again(void **state)
{
    enum { N = 1000 };
    struct world *w = *state;
    struct vg_err err;
    vg_walked_count();
    uint64_t before = vg_walked();
    for (int64_t i = 0; i < N; i++) {
        struct vg_tx *tx;
        assert_ok(vg_kv_begin(&w->s, &part, 1, &tx, &err));
        vg_bound_lower(w->bounds, part, number(w, i));
        vg_tx_put(tx, part, number(w, i), VG_STR("x"));
        assert_ok(vg_tx_commit(&tx, &err));
        assert_ok(vg_kv_begin(&w->s, &part, 1, &tx, &err));
        struct vg_str gone = first(w, tx);
        assert_true(vg_str_eq(gone, number(w, i)));
        vg_tx_del(tx, part, gone);
        vg_bound_raise(w->bounds, part, first(w, tx), gone, 0);
        assert_ok(vg_tx_commit(&tx, &err));
    }
    assert_in_range(vg_walked() - before, 0, 5 * N); /* from the front it would be a million */
    vg_walked_end();
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(it_is_the_lower_of_what_went_and_what_is_left),
        T(a_key_that_is_written_lowers_it_only),
        T(it_is_of_one_epoch_of_the_store),
        T(partitions_with_one_slot_take_it_from_each_other),
        T(what_is_consumed_in_order_is_not_walked_over_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
