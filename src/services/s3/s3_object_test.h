/* SPDX-License-Identifier: Apache-2.0 */
#ifndef S3_OBJECT_TEST_H
#define S3_OBJECT_TEST_H

/* Objects for tests of what does not write contents: put by the store, without a request. */

#include "core/service_test.h"

#include "auth/auth.h"
#include "core/meter.h"
#include "core/registry.h"
#include "os/file.h"
#include "services/s3/s3_int.h"
#include "store/blob.h"

#include <stdlib.h>

struct s3_test_req {
    struct vg_sess sess;
    struct vg_req rq;
};

static inline struct vg_req *
s3_test_req(struct vg_service_fixture *f, struct s3_test_req *t)
{
    vg_sess_init(&t->sess, f->env.kv, f->arena);
    f->err = (struct vg_err) { 0 };
    t->rq = (struct vg_req) { .arena = f->arena,
                              .env = &f->env,
                              .scope = &f->scope,
                              .op = &s3_op_put_object,
                              .svc = f->svc,
                              .sess = &t->sess,
                              .err = &f->err };
    return &t->rq;
}

/* Changes the record of "bucket" as PutBucketVersioning and others do. */
static inline void
s3_test_bucket(struct vg_service_fixture *f, struct vg_str versioning, bool has_lock,
               struct vg_str ownership)
{
    struct s3_test_req t;
    struct s3_bucket_edit e;
    assert_ok(s3_store_edit(s3_test_req(f, &t), VG_STR("bucket"), &e));
    assert_non_null(e.bucket);
    e.bucket->versioning = versioning;
    e.bucket->has_object_lock = has_lock;
    if (ownership.ptr)
        e.bucket->ownership = ownership;
    s3_store_put_bucket(&e, e.bucket);
    assert_ok(s3_store_edit_commit(&e));
}

/* The members of `v` that a test wants; the rest is that of a small object. Its id. */
static inline struct vg_str
s3_test_put_version(struct vg_service_fixture *f, struct vg_str key, struct s3_rec_version v)
{
    struct s3_test_req t;
    struct s3_object_edit e;
    struct s3_rec_bucket *bucket;
    struct s3_rec_content content = { .size = 1 };
    assert_ok(s3_store_bucket(s3_test_req(f, &t), VG_STR("bucket"), &bucket));
    assert_non_null(bucket);
    if (!v.is_marker) {
        v.size = v.size ? v.size : 1;
        v.etag = v.etag.ptr ? v.etag : VG_STR("e");
        v.content = &content;
    }
    v.owner = f->scope.owner;
    v.modified_ms = vg_now_ms(&f->env);
    assert_ok(s3_store_edit_object(&t.rq, bucket, key, &e));
    assert_ok(s3_store_add_version(&e, &v, v.is_marker ? VG_STR_NONE : VG_STR("x")));
    assert_ok(s3_store_object_commit(&e));
    return v.id;
}

static inline struct vg_str
s3_test_put(struct vg_service_fixture *f, const char *key)
{
    return s3_test_put_version(f, vg_str_of(key), (struct s3_rec_version) { .is_marker = false });
}

static inline void
s3_test_prepare(struct vg_service_fixture *f)
{
    vg_service_fixture_ok(f, "CreateBucket", "{'Bucket':'bucket'}");
}

static inline void
s3_test_begin(struct vg_service_fixture *f)
{
    vg_service_fixture_begin(f, &s3_service, s3_test_prepare);
}

/* Buckets take no keys of customers unless they are told to. */
static inline void
s3_test_take_customer_keys(struct vg_service_fixture *f)
{
    vg_service_fixture_ok(f, "PutBucketEncryption",
                          "{'Bucket':'bucket','ServerSideEncryptionConfiguration':{'Rules':[{"
                          "'BlockedEncryptionTypes':{'EncryptionType':['NONE']}}]}}");
}

/* A request's JSON with ids in it. */
static inline struct vg_str VG_PRINTF(3, 4)
    s3_test_call(struct vg_service_fixture *f, const char *op, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    struct vg_str json = vg_str_vfmt(f->arena, 1u << 20, fmt, ap);
    va_end(ap);
    return vg_service_fixture_call(f, op, vg_str_cstr(f->arena, json));
}

/* The answer of such a call, or "Code: message" with the error's members, in words of a test. */
static inline void
s3_test_expect(struct vg_service_fixture *f, struct vg_str answer, const char *want)
{
    if (!vg_str_eq(answer, vg_service_fixture_text(f, want)))
        fail_msg("\n  got  %" VG_FMT "\n  want %s", VG_ARG(answer), want);
}

/* --- steps --------------------------------------------------------------------------------------
 */

struct s3_step {
    const char *op, *json;
    const char *want; /* what its answer begins with, "~" and what it has in it, or "ok" */
};

static inline void
s3_test_steps(struct vg_service_fixture *f, const struct s3_step *steps, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct vg_str answer = vg_service_fixture_call(f, steps[i].op, steps[i].json);
        struct vg_str want = vg_service_fixture_text(f, steps[i].want);
        answer = vg_service_fixture_text(f, vg_str_cstr(f->arena, answer)); /* it may have ' too */
        bool is_it = vg_str_starts(answer, want);
        if (vg_str_eq(want, VG_STR("ok")))
            is_it = vg_service_fixture_is_ok(answer);
        else if (vg_str_starts(want, VG_STR("~")))
            is_it = vg_str_find(answer, vg_str_slice(want, 1, want.len)) != VG_NPOS;
        if (!is_it)
            fail_msg("%s %s\n  got  %" VG_FMT "\n  want %s", steps[i].op, steps[i].json,
                     VG_ARG(answer), steps[i].want);
    }
}

static inline void
s3_test_play(void (*prepare)(struct vg_service_fixture *f), const struct s3_step *steps, size_t n)
{
    struct vg_service_fixture f;
    vg_service_fixture_begin(&f, &s3_service, prepare);
    s3_test_steps(&f, steps, n);
    vg_service_fixture_fini(&f);
}

/* --- calls that ask policies --------------------------------------------------------------------
 */

#define S3_TEST_DIR_BYTES 64

/* s3_test_begin() with files and what counts their bytes; the folder's name goes to `dir`. */
static inline void
s3_test_begin_files(struct vg_service_fixture *f, char dir[S3_TEST_DIR_BYTES])
{
    static const char name[] = "/tmp/vg_s3_XXXXXX";
    s3_test_begin(f);
    f->env.meter = vg_meter_new(&f->env);
    memcpy(dir, name, sizeof(name));
    assert_non_null(mkdtemp(dir));
    assert_ok(vg_blobs_open(vg_str_of(dir), f->env.kv, f->env.random, &f->env.blobs, &f->err));
}

static inline void
s3_test_end_files(struct vg_service_fixture *f, const char *dir)
{
    struct vg_err err = { 0 };
    vg_blobs_close(f->env.blobs);
    vg_meter_free(f->env.meter);
    vg_service_fixture_fini(f);
    assert_ok(vg_dir_remove(vg_str_of(dir), &err));
}

static inline int64_t
s3_test_now_ms(const void *clock)
{
    (void)clock;
    return 1700000000000;
}

/*
 * From now on the caller is the account itself, who may all that `session_policy` (absent: all)
 * does not keep from him.  What it needs lives as long as the program.
 */
static inline void
s3_test_caller(struct vg_service_fixture *f, const char *session_policy)
{
    static struct vg_auth *auth;
    if (!auth) {
        struct vg_sess sess;
        vg_sess_init(&sess, f->env.kv, f->arena);
        const struct vg_auth_options opt = { .account = f->config.account,
                                             .partition = f->config.partition,
                                             .root_key_id = VG_STR("test"),
                                             .root_secret = VG_STR("test"),
                                             .random = vg_random_new(1, NULL),
                                             .now_ms = s3_test_now_ms };
        assert_ok(vg_auth_open(&opt, &sess, &auth, &f->err));
    }
    struct vg_principal *caller = VG_NEW(f->arena, struct vg_principal);
    *caller = *vg_auth_root(auth);
    if (session_policy)
        caller->session_policy = vg_service_fixture_text(f, session_policy);
    f->env.auth = auth;
    f->scope.caller = caller;
}

/* Whether the caller may make a call at all. */
static inline bool VG_PRINTF(3, 4)
    s3_test_is_allowed(struct vg_service_fixture *f, const char *name, const char *fmt, ...)
{
    struct s3_test_req t;
    struct vg_req *rq = s3_test_req(f, &t);
    va_list ap;
    va_start(ap, fmt);
    struct vg_str json = vg_str_vfmt(f->arena, 1u << 20, fmt, ap);
    va_end(ap);
    for (const struct vg_op *const *o = s3_service.ops; *o; o++)
        if (vg_str_eq((*o)->name, vg_str_of(name)))
            rq->op = *o;
    void *in = vg_arena_alloc(f->arena, rq->op->in->size);
    json = vg_service_fixture_text(f, vg_str_cstr(f->arena, json));
    assert_ok(vg_wire_from_json(rq->op->in, json, f->arena, in, &f->err));
    return vg_authorize(rq, NULL, 0, in) == VG_OK;
}

#endif
