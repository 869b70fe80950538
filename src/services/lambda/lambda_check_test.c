/* SPDX-License-Identifier: Apache-2.0 */

/* Packages held to their records, and each file of a package that versions share told once. */
#include "base/test.h"
#include "codec/base64.h"
#include "core/env.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "os/file.h"
#include "services/lambda/lambda_check.h"
#include "store/blob.h"
#include "store/key.h"

#include <stdlib.h>

struct world {
    struct vg_env env;
    struct vg_config config;
    struct vg_root root;
    struct vg_arena *arena;
    struct vg_str dir;
    struct vg_check ck;
    struct vg_buf lines;
    struct vg_err err;
};

static int
setup(void **state)
{
    struct world *w = vg_xalloc(sizeof(*w));
    char dir[] = "/tmp/vg_lambda_check_XXXXXX";
    assert_non_null(mkdtemp(dir));
    w->arena = vg_arena_new(0);
    w->dir = vg_str_dup(w->arena, vg_str_of(dir));
    w->config = (struct vg_config) { .account = VG_STR("0"),
                                     .region = VG_STR("r"),
                                     .partition = VG_STR("aws") };
    w->env.config = &w->config;
    w->env.random = vg_random_new(1, NULL);
    assert_ok(vg_kv_open_mem(&w->env.kv, &w->err));
    assert_ok(vg_blobs_open(w->dir, w->env.kv, w->env.random, &w->env.blobs, &w->err));
    vg_root_init(&w->root, &w->env, w->arena, NULL, VG_STR("1"), VG_STR("us-east-1"));
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    struct world *w = *state;
    vg_blobs_close(w->env.blobs);
    vg_kv_close(w->env.kv);
    vg_random_free(w->env.random);
    assert_ok(vg_dir_remove(w->dir, &w->err));
    vg_arena_free(w->arena);
    free(w);
    return 0;
}

static void
on_found(void *arg, enum vg_finding kind, struct vg_str line)
{
    struct world *w = arg;
    vg_buf_addf(&w->lines, "%s%" VG_FMT "\n", kind == VG_FINDING_ERROR ? "" : "(orphan) ",
                VG_ARG(line));
}

static struct vg_str
check(struct world *w)
{
    vg_buf_init(&w->lines, w->arena, 1u << 20);
    vg_check_init(&w->ck, &w->env, on_found, w);
    vg_check_service(&w->ck, &lambda_service);
    vg_check_files(&w->ck);
    vg_check_fini(&w->ck);
    return vg_buf_str(&w->lines);
}

static void
expect(struct world *w, const struct lambda_rec_function *fn, const char *fmt)
{
    struct vg_str want = vg_str_fmt(
        w->arena, "lambda arn:aws:lambda:us-east-1:1:function:f: content file %" VG_FMT ": %s",
        VG_ARG(fn->code_id), fmt);
    struct vg_str got = check(w);
    if (!vg_str_starts(got, want) || vg_str_find_char(got, '\n') != got.len - 1)
        fail_msg("\n  got  %" VG_FMT "\n  want %" VG_FMT, VG_ARG(got), VG_ARG(want));
}

static void
put(struct world *w, const struct lambda_rec_function *fn)
{
    struct vg_tx *tx;
    assert_ok(vg_tx_open(
        &w->root.rq, lambda_store_part(w->arena, w->root.scope.owner, w->root.scope.region), &tx));
    lambda_store_put(&w->root.rq, tx, fn);
    vg_blob_keep(tx, fn->code_id);
    assert_ok(vg_tx_commit(&tx, &w->err));
}

/* A version of "f" with a package of its own. */
static struct lambda_rec_function
function(struct world *w, const char *version, const char *zip)
{
    struct lambda_rec_function fn = { .name = VG_STR("f"), .version = vg_str_of(version) };
    uint8_t digest[VG_SHA256_BYTES];
    vg_sha256(vg_str_of(zip), digest);
    fn.code_sha256 = vg_base64_encode(w->arena, vg_str_n(digest, sizeof(digest)));
    fn.code_bytes = (int64_t)strlen(zip);
    assert_ok(vg_blob_store(w->env.blobs, &w->root.sess, vg_str_of(zip), &fn.code_id, &w->err));
    put(w, &fn);
    return fn;
}

static void
packages_that_versions_share_are_read_once(void **state)
{
    struct world *w = *state;
    assert_str(check(w), "");
    struct lambda_rec_function fn = function(w, "1", "one");
    fn.version = VG_STR("2");
    put(w, &fn);
    (void)function(w, "3", "three");
    fn = function(w, "10", "ten");
    fn.version = LAMBDA_LATEST; /* not changed since it was published */
    put(w, &fn);
    assert_str(check(w), "");
    assert_string_equal(w->ck.counts[0].what, "packages");
    assert_int_equal(w->ck.counts[0].n, 3);
}

static void
a_package_is_held_to_its_record(void **state)
{
    struct world *w = *state;
    struct lambda_rec_function fn = function(w, "$LATEST", "a package");
    struct vg_str path = vg_blob_path(w->env.blobs, w->arena, fn.code_id);
    assert_ok(vg_file_write(path, VG_STR("a parcel!"), 0600, &w->err));
    expect(w, &fn, "its SHA-256 is ");
    assert_ok(vg_file_write(path, VG_STR("a pack"), 0600, &w->err));
    expect(w, &fn, "it has 6 bytes, recorded are 9\n");
    assert_ok(vg_file_remove(path, &w->err));
    expect(w, &fn, "opening ");
}

static void
records_that_do_not_decode_are_named(void **state)
{
    struct world *w = *state;
    struct vg_str part = lambda_store_part(w->arena, VG_STR("1"), VG_STR("us-east-1"));
    struct vg_tx *tx;
    assert_ok(vg_tx_open(&w->root.rq, part, &tx));
    vg_tx_put(tx, part, vg_key_of(w->arena, VG_STR("fn"), VG_STR("f")), VG_STR("\xff"));
    assert_ok(vg_tx_commit(&tx, &w->err));
    assert_true(vg_str_starts(check(w), VG_STR("lambda arn:aws:lambda:us-east-1:1:function:f: its "
                                               "record does not decode: ")));
    assert_true(w->ck.is_blind);
}

#define ON(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON(packages_that_versions_share_are_read_once),
        ON(a_package_is_held_to_its_record),
        ON(records_that_do_not_decode_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
