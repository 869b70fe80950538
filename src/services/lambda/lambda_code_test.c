/* SPDX-License-Identifier: Apache-2.0 */
/* What packages an account may store: 75 GB in a region,
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html; the text of the error is
 * AWS's, as in https://github.com/serverless-nextjs/serverless-next.js/issues/1801. */
#include "base/test.h"
#include "core/env.h"
#include "core/fail.h"
#include "crypto/random.h"
#include "services/lambda/lambda_int.h"
#include "store/kv.h"

#include <stdlib.h>

#define QUOTA_BYTES INT64_C(80530636800)

struct world {
    struct vg_env env;
    struct vg_config config;
    struct vg_root root;
    struct vg_arena *arena;
};

static int
setup(void **state)
{
    struct world *w = vg_xalloc(sizeof(*w));
    struct vg_err err;
    assert_ok(vg_kv_open_mem(&w->env.kv, &err));
    w->arena = vg_arena_new(0);
    w->env.config = &w->config;
    w->env.random = vg_random_new(1, NULL);
    vg_root_init(&w->root, &w->env, w->arena, NULL, VG_STR("1"), VG_STR("us-east-1"));
    w->root.rq.op = &lambda_op_create_function;
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    struct world *w = *state;
    vg_random_free(w->env.random);
    vg_kv_close(w->env.kv);
    vg_arena_free(w->arena);
    free(w);
    return 0;
}

static void
open_tx(struct world *w, struct vg_tx **ret)
{
    struct vg_req *rq = &w->root.rq;
    assert_ok(
        vg_tx_open(rq, lambda_store_part(w->arena, rq->scope->owner, rq->scope->region), ret));
}

static vg_rc
keep(struct world *w, const char *id, int64_t bytes)
{
    vg_auto_tx struct vg_tx *tx = NULL;
    const struct lambda_rec_function fn = { .name = VG_STR("f"),
                                            .code_id = vg_str_of(id),
                                            .code_bytes = bytes };
    open_tx(w, &tx);
    vg_rc rc = lambda_code_keep(&w->root.rq, tx, &fn);
    return rc == VG_OK ? vg_tx_commit(&tx, w->root.rq.err) : rc;
}

static void
is_stored(struct world *w, int64_t want)
{
    int64_t got;
    assert_ok(lambda_store_code_bytes(&w->root.rq, NULL, &got));
    assert_int_equal(got, want);
}

static void
packages_beyond_the_quota_are_refused(void **state)
{
    struct world *w = *state;
    is_stored(w, 0);
    assert_ok(keep(w, "large", QUOTA_BYTES - 10));
    assert_int_equal(keep(w, "small", 11), VG_FAIL);
    assert_ptr_equal(w->root.err.def, &lambda_err_code_storage_exceeded_exception);
    assert_str(vg_err_text(&w->root.err), "Code storage limit exceeded.");
    vg_err_clear(&w->root.err);
    is_stored(w, QUOTA_BYTES - 10);
    assert_ok(keep(w, "fits", 10));
    is_stored(w, QUOTA_BYTES);

    /* What the transaction drops makes room. */
    struct vg_tx *tx;
    const struct lambda_rec_function fn = { .name = VG_STR("f"),
                                            .code_id = VG_STR("other"),
                                            .code_bytes = 20 };
    open_tx(w, &tx);
    lambda_store_code_add(&w->root.rq, tx, -20);
    assert_ok(lambda_code_keep(&w->root.rq, tx, &fn));
    assert_ok(vg_tx_commit(&tx, w->root.rq.err));
    is_stored(w, QUOTA_BYTES);
}

static void
put(struct world *w, struct vg_tx *tx, const char *name, const char *version, const char *code_id,
    int64_t bytes)
{
    const struct lambda_rec_function fn = { .name = vg_str_of(name),
                                            .version = vg_str_of(version),
                                            .code_id = vg_str_of(code_id),
                                            .code_bytes = bytes };
    lambda_store_put(&w->root.rq, tx, &fn);
}

static void
data_without_the_counter_is_added_up(void **state)
{
    struct world *w = *state;
    struct vg_tx *tx;
    open_tx(w, &tx);
    put(w, tx, "f", "1", "a", 1);
    put(w, tx, "f", "2", "b", 10);
    put(w, tx, "f", "3", "b", 10);
    put(w, tx, "f", "$LATEST", "b", 10);
    put(w, tx, "g", "1", "c", 100);
    put(w, tx, "g", "$LATEST", "d", 1000);
    assert_ok(vg_tx_commit(&tx, w->root.rq.err));
    is_stored(w, 1111);
    assert_ok(keep(w, "e", 10000));
    is_stored(w, 11111);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(packages_beyond_the_quota_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(data_without_the_counter_is_added_up, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
