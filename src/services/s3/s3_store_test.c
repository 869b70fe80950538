/* SPDX-License-Identifier: Apache-2.0 */

/* What is current, what is a version, and what a list walks over, as versioning goes on and off. */

#include "core/service_test.h"

#include "core/meter_test.h"
#include "services/s3/s3_int.h"

struct fixture {
    struct vg_service_fixture f;
    struct vg_sess sess;
    struct vg_req rq;
    struct s3_rec_bucket *bucket;
};

static void
reload(struct fixture *t)
{
    assert_ok(s3_store_bucket(&t->rq, VG_STR("bucket"), &t->bucket));
    assert_non_null(t->bucket);
}

static void
set_versioning(struct fixture *t, struct vg_str state)
{
    struct s3_bucket_edit e;
    assert_ok(s3_store_edit(&t->rq, VG_STR("bucket"), &e));
    e.bucket->versioning = state;
    s3_store_put_bucket(&e, e.bucket);
    assert_ok(s3_store_edit_commit(&e));
    reload(t);
}

static void
begin(struct fixture *t)
{
    vg_service_fixture_init(&t->f, &s3_service);
    t->f.env.meter = vg_meter_new(&t->f.env);
    vg_sess_init(&t->sess, t->f.env.kv, t->f.arena);
    t->rq = (struct vg_req) { .arena = t->f.arena,
                              .env = &t->f.env,
                              .scope = &t->f.scope,
                              .op = &s3_op_put_object,
                              .svc = t->f.svc,
                              .sess = &t->sess,
                              .err = &t->f.err };
    struct s3_bucket_edit e;
    assert_ok(s3_store_edit(&t->rq, VG_STR("bucket"), &e));
    assert_null(e.bucket);
    const struct s3_rec_bucket made = { .name = VG_STR("bucket"),
                                        .id = VG_STR("id"),
                                        .account = t->f.scope.owner,
                                        .region = t->f.scope.region };
    s3_store_put_bucket(&e, &made);
    assert_ok(s3_store_edit_commit(&e));
    reload(t);
}

static void
end(struct fixture *t)
{
    vg_meter_free(t->f.env.meter);
    vg_service_fixture_fini(&t->f);
}

/* Writes small content (or a marker where it is NULL); the version's id. */
static struct vg_str
put(struct fixture *t, const char *key, const char *text)
{
    struct s3_object_edit e;
    struct s3_rec_content content = { .size = text ? (int64_t)strlen(text) : 0 };
    struct s3_rec_version v = { .is_marker = text == NULL,
                                .size = content.size,
                                .etag = text ? vg_str_of(text) : VG_STR_NONE,
                                .content = text ? &content : NULL };
    assert_ok(s3_store_edit_object(&t->rq, t->bucket, vg_str_of(key), &e));
    assert_non_null(e.bucket);
    assert_ok(s3_store_add_version(&e, &v, text ? vg_str_of(text) : VG_STR_NONE));
    assert_ok(s3_store_object_commit(&e));
    return v.id;
}

/* A version whose record alone fills a page of the store. */
static void
put_large(struct fixture *t, const char *key, const char *etag)
{
    struct s3_object_edit e;
    struct s3_rec_content content = { .size = 1 };
    char *acl = vg_arena_alloc(t->f.arena, 1100000);
    memset(acl, 'x', 1100000);
    struct s3_rec_version v = {
        .size = 1, .etag = vg_str_of(etag), .acl = vg_str_n(acl, 1100000), .content = &content
    };
    assert_ok(s3_store_edit_object(&t->rq, t->bucket, vg_str_of(key), &e));
    assert_ok(s3_store_add_version(&e, &v, VG_STR("x")));
    assert_ok(s3_store_object_commit(&e));
}

static void
del(struct fixture *t, const char *key, struct vg_str id)
{
    struct s3_object_edit e;
    struct s3_rec_version *v;
    assert_ok(s3_store_edit_object(&t->rq, t->bucket, vg_str_of(key), &e));
    assert_ok(s3_store_edit_version(&e, id, &v));
    assert_non_null(v);
    assert_ok(s3_store_del_version(&e, v));
    assert_ok(s3_store_object_commit(&e));
}

/* The current version's text; "" when there is none. */
static struct vg_str
current(struct fixture *t, const char *key)
{
    struct s3_rec_version *v;
    struct vg_str text = VG_STR("");
    assert_ok(s3_store_current(&t->rq, t->bucket, vg_str_of(key), &v));
    if (v)
        assert_ok(s3_store_small(&t->rq, t->bucket, vg_str_of(key), v, &text));
    return text;
}

/* All versions, as "key=etag", a star before the latest of a key, "-" for a marker; `max` a page.
 */
static const char *
listed(struct fixture *t, uint32_t max)
{
    struct vg_buf b;
    struct s3_entries page = { .has_more = true };
    struct vg_str from = VG_STR_NONE;
    int64_t order = 0;
    vg_buf_init(&b, t->f.arena, 1 << 20);
    while (page.has_more) {
        assert_ok(s3_store_versions(&t->rq, t->bucket, from, order, max, &page));
        for (size_t i = 0; i < page.len; i++) {
            const struct s3_entry *e = &page.items[i];
            vg_buf_addf(&b, "%s%s%" VG_FMT "=%" VG_FMT, b.len ? " " : "", e->is_latest ? "*" : "",
                        VG_ARG(e->key),
                        VG_ARG(e->version->is_marker ? VG_STR("-") : e->version->etag));
            from = e->key;
            order = e->version->order;
        }
    }
    return vg_str_cstr(t->f.arena, vg_buf_str(&b));
}

static int64_t
stored(struct fixture *t)
{
    return vg_metered(&t->f.env, t->f.arena, VG_METER_STORED, VG_STR("bucket"));
}

static void
without_versioning_a_key_has_one_version(void **state)
{
    (void)state;
    struct fixture t;
    begin(&t);
    put(&t, "a", "one");
    put(&t, "b", "two");
    struct vg_str id = put(&t, "a", "three");
    assert_str(id, "null");
    assert_str(current(&t, "a"), "three");
    assert_string_equal(listed(&t, 10), "*a=three *b=two");
    assert_int_equal(stored(&t), 5 + 3);
    del(&t, "a", VG_STR("null"));
    assert_str(current(&t, "a"), "");
    assert_string_equal(listed(&t, 1), "*b=two");
    assert_int_equal(stored(&t), 3);
    end(&t);
}

/* The store's pages end at 1 MiB, those of keys and of versions at different places. */
static void
lists_of_large_versions_are_whole(void **state)
{
    (void)state;
    struct fixture t;
    begin(&t);
    put_large(&t, "a", "1");
    put_large(&t, "c", "2");
    put_large(&t, "e", "3");
    set_versioning(&t, VG_STR("Enabled"));
    put(&t, "b", "4");
    put_large(&t, "b", "5");
    put_large(&t, "d", "6");
    put_large(&t, "d", "7");
    put_large(&t, "e", "8");
    put(&t, "e", NULL);
    put(&t, "f", "9");
    for (uint32_t max = 1; max < 12; max++)
        assert_string_equal(listed(&t, max), "*a=1 *b=5 b=4 *c=2 *d=7 d=6 *e=- e=8 e=3 *f=9");
    end(&t);
}

/* "the bucket owner … pays for storage", also of what others write, and from elsewhere:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/RequesterPaysBuckets.html */
static void
what_is_stored_is_the_owners(void **state)
{
    (void)state;
    struct fixture t;
    begin(&t);
    const struct vg_scope own = t.f.scope;
    t.f.scope.owner = VG_STR("111111111111");
    t.f.scope.region = VG_STR("eu-west-1");
    put(&t, "a", "one");
    assert_int_equal(stored(&t), 3);
    t.f.scope = own;
    del(&t, "a", VG_STR("null"));
    assert_int_equal(stored(&t), 0);
    end(&t);
}

/* "Working with objects in a versioning-enabled bucket": the object from before has the id null. */
static void
versions_are_kept_from_the_moment_versioning_is_on(void **state)
{
    (void)state;
    struct fixture t;
    begin(&t);
    put(&t, "a", "old");
    put(&t, "b", "old");
    set_versioning(&t, VG_STR("Enabled"));
    struct vg_str second = put(&t, "a", "second");
    put(&t, "a", "third");
    put(&t, "c", "new");
    assert_string_equal(listed(&t, 100), "*a=third a=second a=old *b=old *c=new");
    for (uint32_t max = 1; max < 6; max++)
        assert_string_equal(listed(&t, max), "*a=third a=second a=old *b=old *c=new");
    put(&t, "a", NULL);
    put(&t, "b", NULL);
    assert_str(current(&t, "a"), "");
    assert_string_equal(listed(&t, 3), "*a=- a=third a=second a=old *b=- b=old *c=new");
    struct s3_rec_version *v;
    assert_ok(s3_store_version(&t.rq, t.bucket, VG_STR("a"), second, &v));
    assert_str(v->etag, "second");
    assert_ok(s3_store_version(&t.rq, t.bucket, VG_STR("a"), VG_STR("null"), &v));
    assert_str(v->etag, "old");
    assert_ok(s3_store_version(&t.rq, t.bucket, VG_STR("a"), VG_STR("other"), &v));
    assert_null(v);
    end(&t);
}

/* "Deleting a delete marker makes the object appear again." */
static void
what_was_before_a_deleted_version_is_current_again(void **state)
{
    (void)state;
    struct fixture t;
    begin(&t);
    set_versioning(&t, VG_STR("Enabled"));
    struct vg_str first = put(&t, "a", "first"), second = put(&t, "a", "second");
    struct vg_str marker = put(&t, "a", NULL);
    del(&t, "a", marker);
    assert_str(current(&t, "a"), "second");
    del(&t, "a", first);
    assert_str(current(&t, "a"), "second");
    del(&t, "a", second);
    assert_str(current(&t, "a"), "");
    assert_string_equal(listed(&t, 10), "");
    assert_int_equal(stored(&t), 0);
    end(&t);
}

/* "Adding objects to versioning-suspended buckets": the null version is replaced, others stay. */
static void
with_versioning_suspended_only_the_null_version_is_replaced(void **state)
{
    (void)state;
    struct fixture t;
    begin(&t);
    put(&t, "a", "zero");
    set_versioning(&t, VG_STR("Enabled"));
    put(&t, "a", "one");
    set_versioning(&t, VG_STR("Suspended"));
    put(&t, "a", "two");
    assert_string_equal(listed(&t, 2), "*a=two a=one");
    put(&t, "a", "three");
    assert_string_equal(listed(&t, 2), "*a=three a=one");
    assert_int_equal(stored(&t), 5 + 3);
    end(&t);
}

static void
a_bucket_that_holds_something_is_not_deleted(void **state)
{
    (void)state;
    struct fixture t;
    struct s3_bucket_edit e;
    bool is_empty;
    begin(&t);
    set_versioning(&t, VG_STR("Enabled"));
    struct vg_str marker = put(&t, "a", NULL);
    assert_ok(s3_store_edit(&t.rq, VG_STR("bucket"), &e));
    assert_ok(s3_store_del_bucket(&e, &is_empty));
    assert_false(is_empty);
    s3_store_edit_end(&e);
    del(&t, "a", marker);
    assert_ok(s3_store_edit(&t.rq, VG_STR("bucket"), &e));
    assert_ok(s3_store_del_bucket(&e, &is_empty));
    assert_true(is_empty);
    assert_ok(s3_store_edit_commit(&e));
    struct s3_rec_bucket *gone;
    struct s3_bucket_page page;
    assert_ok(s3_store_bucket(&t.rq, VG_STR("bucket"), &gone));
    assert_null(gone);
    assert_ok(s3_store_buckets(&t.rq, t.f.scope.owner, VG_STR(""), VG_STR_NONE, 10, &page));
    assert_int_equal(page.len, 0);
    struct s3_object_edit o; /* who has read the bucket before writes nothing into it */
    assert_ok(s3_store_edit_object(&t.rq, t.bucket, VG_STR("b"), &o));
    assert_null(o.bucket);
    s3_store_object_end(&o);
    end(&t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_versioning_a_key_has_one_version),
        cmocka_unit_test(lists_of_large_versions_are_whole),
        cmocka_unit_test(what_is_stored_is_the_owners),
        cmocka_unit_test(versions_are_kept_from_the_moment_versioning_is_on),
        cmocka_unit_test(what_was_before_a_deleted_version_is_current_again),
        cmocka_unit_test(with_versioning_suspended_only_the_null_version_is_replaced),
        cmocka_unit_test(a_bucket_that_holds_something_is_not_deleted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
