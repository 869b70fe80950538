/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What is kept is held to what is recorded of it: objects are put by the operations, then something
 * is changed behind their back, and the check names exactly that.
 */

#include "services/s3/s3_object_test.h"

#include "codec/base64.h"
#include "core/check.h"
#include "core/meter_test.h"
#include "os/file.h"
#include "services/s3/s3_store_int.h"
#include "store/blob.h"
#include "store/key.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define BIG 200000u /* four segments */

static char dir[S3_TEST_DIR_BYTES];

struct found {
    struct vg_check ck;
    struct vg_buf lines;
};

static void
begin(struct vg_service_fixture *f)
{
    s3_test_begin_files(f, dir);
    s3_test_caller(f, NULL);
    s3_test_take_customer_keys(f);
}

static void
end(struct vg_service_fixture *f)
{
    s3_test_end_files(f, dir);
}

/* --- the check ----------------------------------------------------------------------------------
 */

static void
on_found(void *arg, enum vg_finding kind, struct vg_str line)
{
    struct found *r = arg;
    vg_buf_addf(&r->lines, "%s%" VG_FMT "\n", kind == VG_FINDING_ERROR ? "" : "(orphan) ",
                VG_ARG(line));
}

static struct found *
check(struct vg_service_fixture *f)
{
    struct found *r = VG_NEW(f->arena, struct found);
    vg_buf_init(&r->lines, f->arena, 1u << 20);
    vg_check_init(&r->ck, &f->env, on_found, r);
    vg_check_service(&r->ck, &s3_service);
    vg_check_files(&r->ck);
    vg_check_fini(&r->ck);
    return r;
}

static uint64_t
counted(const struct found *r, const char *what)
{
    for (size_t i = 0; i < r->ck.n_counts; i++)
        if (strcmp(r->ck.counts[i].what, what) == 0)
            return r->ck.counts[i].n;
    return 0;
}

/* What the check says now: "~" and what is in the one line it says, or the whole of it. */
static void
expect(struct vg_service_fixture *f, const char *want)
{
    struct vg_str got = vg_buf_str(&check(f)->lines);
    bool is_it = vg_str_eq(got, vg_str_of(want));
    if (want[0] == '~')
        is_it = vg_str_find(got, vg_str_of(want + 1)) != VG_NPOS
                && vg_str_find_char(got, '\n') == got.len - 1;
    if (!is_it)
        fail_msg("\n  got  %" VG_FMT "\n  want %s", VG_ARG(got), want);
}

/* --- what there is ------------------------------------------------------------------------------
 */

/* s3_test_call() that takes large ones, and must succeed. */
static struct vg_str VG_PRINTF(3, 4)
    call(struct vg_service_fixture *f, const char *op, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    struct vg_str json = vg_str_vfmt(f->arena, 16u << 20, fmt, ap);
    va_end(ap);
    return vg_service_fixture_ok(f, op, vg_str_cstr(f->arena, json));
}

static const char *
body(struct vg_service_fixture *f, size_t n)
{
    char *text = vg_arena_alloc(f->arena, n + 1);
    for (size_t i = 0; i < n; i++)
        text[i] = (char)(i * 7 + i / 251 + i / 65536);
    return vg_str_cstr(f->arena, vg_base64_encode(f->arena, vg_str_n(text, n)));
}

static void
put(struct vg_service_fixture *f, const char *key, size_t n, const char *more)
{
    call(f, "PutObject", "{'Bucket':'bucket','Key':'%s','Body':'%s'%s}", key, body(f, n), more);
}

static struct vg_str
member(struct vg_str json, const char *name)
{
    size_t at = vg_str_find(json, vg_str_of(name));
    assert_true(at != VG_NPOS);
    struct vg_str rest = vg_str_slice(json, at + strlen(name), json.len);
    vg_str_cut(&rest, ':');
    vg_str_cut(&rest, '"');
    return vg_str_cut(&rest, '"');
}

/* An upload of the key with parts of these sizes; its id. */
static struct vg_str
upload(struct vg_service_fixture *f, const char *key, const char *more, const size_t *sizes,
       size_t n)
{
    struct vg_str id =
        member(call(f, "CreateMultipartUpload", "{'Bucket':'bucket','Key':'%s'%s}", key, more),
               "UploadId");
    for (size_t i = 0; i < n; i++)
        call(f, "UploadPart",
             "{'Bucket':'bucket','Key':'%s','UploadId':'%" VG_FMT "','PartNumber':%zu,'Body':'%s'}",
             key, VG_ARG(id), i + 1, body(f, sizes[i]));
    return id;
}

static void
complete(struct vg_service_fixture *f, const char *key, struct vg_str id, size_t n)
{
    static const struct vg_str mark = VG_STR_INIT("\"ETag\":\"\\\"");
    struct vg_str list = call(
        f, "ListParts", "{'Bucket':'bucket','Key':'%s','UploadId':'%" VG_FMT "'}", key, VG_ARG(id));
    struct vg_buf parts;
    vg_buf_init(&parts, f->arena, 4096);
    for (size_t i = 0; i < n; i++) {
        size_t at = vg_str_find(list, mark);
        assert_true(at != VG_NPOS);
        list = vg_str_slice(list, at + mark.len, list.len);
        vg_buf_addf(&parts, "%s{'PartNumber':%zu,'ETag':'%" VG_FMT "'}", i ? "," : "", i + 1,
                    VG_ARG(vg_str_slice(list, 0, 32)));
    }
    call(f, "CompleteMultipartUpload",
         "{'Bucket':'bucket','Key':'%s','UploadId':'%" VG_FMT
         "','MultipartUpload':{'Parts':[%" VG_FMT "]}}",
         key, VG_ARG(id), VG_ARG(vg_buf_str(&parts)));
}

#define MIB5 ((size_t)5 << 20)
#define CUSTOMER                                                                                   \
    ",'SSECustomerAlgorithm':'AES256','SSECustomerKey':"                                           \
    "'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=','SSECustomerKeyMD5':"                          \
    "'hRasmdxgYDKV3nvbahU1MA=='"

static void
versioning_on(struct vg_service_fixture *f)
{
    s3_test_bucket(f, VG_STR("Enabled"), false, VG_STR_NONE);
}

/* --- changes behind its back --------------------------------------------------------------------
 */

/* The latest version of a key, changed by fn. */
static void
change(struct vg_service_fixture *f, const char *key, void (*fn)(struct s3_rec_version *v))
{
    struct s3_test_req t;
    struct s3_object_edit e;
    struct s3_rec_bucket *bucket;
    assert_ok(s3_store_bucket(s3_test_req(f, &t), VG_STR("bucket"), &bucket));
    assert_ok(s3_store_edit_object(&t.rq, bucket, vg_str_of(key), &e));
    assert_non_null(e.latest);
    fn(e.latest);
    s3_store_put_version(&e, e.latest);
    assert_ok(s3_store_object_commit(&e));
}

static struct s3_rec_version *
version(struct vg_service_fixture *f, const char *key, struct s3_rec_bucket **ret_bucket)
{
    struct s3_test_req t;
    struct s3_rec_version *v;
    assert_ok(s3_store_bucket(s3_test_req(f, &t), VG_STR("bucket"), ret_bucket));
    assert_ok(s3_store_current(&t.rq, *ret_bucket, vg_str_of(key), &v));
    assert_non_null(v);
    return v;
}

/* One row of a partition: another value, or none. */
static void
set_row(struct vg_service_fixture *f, struct vg_str part, struct vg_str key, struct vg_str value)
{
    struct s3_test_req t;
    struct vg_tx *tx;
    assert_ok(vg_tx_open(s3_test_req(f, &t), part, &tx));
    if (value.ptr)
        vg_tx_put(tx, part, key, value);
    else
        vg_tx_del(tx, part, key);
    assert_ok(vg_tx_commit(&tx, &f->err));
}

static struct vg_str
path_of(struct vg_service_fixture *f, const struct s3_rec_content *c)
{
    return vg_blob_path(f->env.blobs, f->arena, c->blob);
}

static void
flip(struct vg_service_fixture *f, struct vg_str path, off_t at)
{
    unsigned char c;
    int fd = open(vg_str_cstr(f->arena, path), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &c, 1, at), 1);
    c ^= 0x40;
    assert_int_equal(pwrite(fd, &c, 1, at), 1);
    close(fd);
}

/* --- tests --------------------------------------------------------------------------------------
 */

static void
what_was_written_is_clean(void **state)
{
    (void)state;
    static const size_t sizes[] = { MIB5, 70000 }, small[] = { 0, 100, 9000 };
    struct vg_service_fixture f;
    begin(&f);
    put(&f, "empty", 0, "");
    put(&f, "small", 100, "");
    put(&f, "big", BIG, "");
    put(&f, "customer", 100, CUSTOMER);
    put(&f, "customer big", BIG, CUSTOMER);
    complete(&f, "parts", upload(&f, "parts", "", sizes, 2), 2);
    struct vg_str crc = upload(
        &f, "crc", ",'ChecksumAlgorithm':'CRC32C','ChecksumType':'FULL_OBJECT'", sizes + 1, 1);
    complete(&f, "crc", crc, 1);
    (void)upload(&f, "under way", "", small, 3);
    versioning_on(&f);
    put(&f, "small", 10, ""); /* the one without a row gets one */
    put(&f, "big", BIG + 1, "");
    call(&f, "DeleteObject", "{'Bucket':'bucket','Key':'small'}");
    struct found *r = check(&f);
    assert_str(vg_buf_str(&r->lines), "");
    assert_int_equal(counted(r, "objects"), 9);
    assert_int_equal(counted(r, "parts"), 6);
    assert_int_equal(counted(r, "not decrypted (customers' keys)"), 2);
    assert_int_equal(r->ck.n_bytes, 100 + BIG + MIB5 + 70000 + 70000 + 9100 + 10 + BIG + 1);
    end(&f);
}

/* A service that was never used, and has not even a key. */
static void
nothing_is_clean_and_stays_nothing(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct s3_test_req t;
    uint8_t key[S3_KEY_BYTES];
    bool is_there = true;
    begin(&f);
    expect(&f, "");
    assert_ok(s3_store_find_master_key(s3_test_req(&f, &t), f.scope.owner, key, &is_there));
    assert_false(is_there);
    end(&f);
}

static void
damaged_files_name_their_objects(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct s3_rec_bucket *bucket;
    begin(&f);
    put(&f, "a/b\\u0001", BIG, "");
    put(&f, "other", BIG, "");
    struct vg_str path = path_of(&f, version(&f, "a/b\1", &bucket)->content);
    flip(&f, path, 70000);
    expect(&f, "~s3 bucket/a/b\\x01: content file ");
    expect(&f, "~ is damaged: segment 2 of 4 does not decrypt\n");
    flip(&f, path, 0);
    expect(&f, "~ is damaged: segment 1 of 4 does not decrypt (and 1 more)\n");
    assert_int_equal(truncate(vg_str_cstr(f.arena, path), 1000), 0);
    expect(&f, "~ is damaged: it has 1000 bytes instead of 200064\n");
    assert_ok(vg_file_remove(path, &f.err));
    expect(&f, "~: No such file or directory\n");
    expect(&f, "~s3 bucket/a/b\\x01: content file ");
    end(&f);
}

/* Only the length of what a customer's key has sealed can be told. */
static void
customers_objects_have_their_length(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct s3_rec_bucket *bucket;
    begin(&f);
    put(&f, "k", BIG, CUSTOMER);
    struct vg_str path = path_of(&f, version(&f, "k", &bucket)->content);
    flip(&f, path, 0);
    expect(&f, "");
    assert_int_equal(truncate(vg_str_cstr(f.arena, path), 1000), 0);
    expect(&f, "~s3 bucket/k: content file ");
    end(&f);
}

static void
other_etag(struct s3_rec_version *v)
{
    v->etag = VG_STR("5d41402abc4b2a76b9719d911017c592");
}

static void
other_sum(struct s3_rec_version *v)
{
    v->checksum->value = VG_STR("AAAAAAAAAAA=");
}

static void
strange_sum(struct s3_rec_version *v)
{
    v->checksum->algorithm = VG_STR("XXHASH64");
}

static void
other_size(struct s3_rec_version *v)
{
    v->size++;
}

static void
no_content(struct s3_rec_version *v)
{
    v->content = NULL;
    v->parts.len = 0;
}

static void
other_key(struct s3_rec_version *v)
{
    v->content->key = VG_STR("0123456789012345678901234567890123456789012345678901234567");
}

static void
other_part(struct s3_rec_version *v)
{
    v->parts.items[0].etag = VG_STR("5d41402abc4b2a76b9719d911017c592");
}

static void
other_part_size(struct s3_rec_version *v)
{
    v->parts.items[0].size++;
    v->size++;
}

static void
records_are_compared_with_what_there_is(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        void (*fn)(struct s3_rec_version *v);
        const char *want;
    } cases[] = {
        { "small", other_etag, "~s3 bucket/small: its MD5 is " },
        { "small", other_sum, "~s3 bucket/small: its CRC64NVME is " },
        { "small", strange_sum, "~s3 bucket/small: a checksum of an unknown kind is recorded" },
        { "small", other_size, "~s3 bucket/small: it has 100 bytes, recorded are 101" },
        { "small", other_key, "~s3 bucket/small: a content in the store is damaged: its key does" },
        { "small", no_content, "~s3 bucket/small: it has no content" },
        { "big", other_etag, "~s3 bucket/big: its MD5 is " },
        { "parts", other_etag, "~s3 bucket/parts: its parts make the ETag " },
        { "parts", other_sum, "~s3 bucket/parts: its parts make the CRC64NVME " },
        { "parts", other_size, "~s3 bucket/parts: its parts have 100 bytes, recorded are 101" },
    };
    static const size_t sizes[] = { 100 };
    for (size_t i = 0; i < VG_COUNT(cases); i++) {
        struct vg_service_fixture f;
        begin(&f);
        if (strcmp(cases[i].key, "parts") == 0)
            complete(&f, "parts", upload(&f, "parts", "", sizes, 1), 1);
        else
            put(&f, cases[i].key, strcmp(cases[i].key, "big") ? 100 : BIG, "");
        change(&f, cases[i].key, cases[i].fn);
        expect(&f, cases[i].want);
        end(&f);
    }
}

/* Of a part, and with its ETag that of the whole. */
static void
records_of_parts_are_compared_too(void **state)
{
    (void)state;
    static const struct {
        void (*fn)(struct s3_rec_version *v);
        const char *want;
        uint64_t n;
    } cases[] = {
        { other_part, "s3 bucket/parts?partNumber=1: its MD5 is ", 2 },
        { other_part_size, "s3 bucket/parts?partNumber=1: it has 100 bytes, recorded are 101\n",
          1 },
    };
    static const size_t sizes[] = { 100 };
    for (size_t i = 0; i < VG_COUNT(cases); i++) {
        struct vg_service_fixture f;
        begin(&f);
        complete(&f, "parts", upload(&f, "parts", "", sizes, 1), 1);
        change(&f, "parts", cases[i].fn);
        struct found *r = check(&f);
        assert_true(vg_str_starts(vg_buf_str(&r->lines), vg_str_of(cases[i].want)));
        assert_int_equal(r->ck.n_errors, cases[i].n);
        end(&f);
    }
}

static void
what_is_lost_is_named(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct s3_rec_bucket *bucket;
    begin(&f);
    put(&f, "small", 100, "");
    struct vg_str part;
    struct vg_key k;
    struct s3_rec_version *v = version(&f, "small", &bucket);
    part = s3_objects_part(f.arena, bucket->id);
    vg_key_init(&k, f.arena);
    vg_key_str(&k, VG_STR("d"));
    vg_key_str(&k, VG_STR("small"));
    vg_key_i64(&k, v->order);
    set_row(&f, part, vg_key_done(&k), VG_STR_NONE);
    expect(&f, "s3 bucket/small: its bytes are not in the store\n");
    set_row(&f, part, vg_key_of(f.arena, VG_STR("k"), VG_STR("small")), VG_STR("\xff"));
    expect(&f, "~s3 bucket/small: its record does not decode: ");
    set_row(&f, part, vg_key_of(f.arena, VG_STR("k"), VG_STR("small")), VG_STR_NONE);
    set_row(&f, part, VG_STR("x"), VG_STR(""));
    expect(&f, "s3 x: a row has a key that is none of S3's\n");
    end(&f);
}

static void
a_version_without_its_row_is_named(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct s3_rec_bucket *bucket;
    struct vg_key k;
    begin(&f);
    versioning_on(&f);
    put(&f, "v", 100, "");
    struct s3_rec_version *v = version(&f, "v", &bucket);
    vg_key_init(&k, f.arena);
    vg_key_str(&k, VG_STR("v"));
    vg_key_str(&k, VG_STR("v"));
    vg_key_i64(&k, -v->order);
    set_row(&f, s3_objects_part(f.arena, bucket->id), vg_key_done(&k), VG_STR_NONE);
    expect(&f, "~: its row among the versions is missing\n");
    expect(&f, "~s3 bucket/v?versionId=");
    end(&f);
}

static void
a_missing_master_key_is_an_error_and_is_not_made(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    begin(&f);
    put(&f, "small", 100, "");
    put(&f, "another", 100, "");
    set_row(&f, vg_key_of(f.arena, VG_STR("s3"), VG_STR("m"), f.scope.owner),
            vg_key_of(f.arena, VG_STR("master")), VG_STR_NONE);
    put(&f, "customer", 100, CUSTOMER);
    expect(&f, "s3: the key of account 000000000000 is missing\n");
    struct found *r = check(&f);
    assert_str(vg_buf_str(&r->lines), "s3: the key of account 000000000000 is missing\n");
    assert_int_equal(counted(r, "not decrypted (no key of the account)"), 2);
    end(&f);
}

static void
objects_of_no_bucket_are_named_and_their_files_no_orphans(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    struct s3_rec_bucket *bucket;
    begin(&f);
    put(&f, "big", BIG, "");
    (void)version(&f, "big", &bucket);
    set_row(&f, vg_key_of(f.arena, VG_STR("s3"), VG_STR("b"), VG_STR("bucket")),
            vg_key_of(f.arena, VG_STR("bucket")), VG_STR_NONE);
    set_row(&f, vg_key_of(f.arena, VG_STR("s3"), VG_STR("a"), f.scope.owner),
            vg_key_of(f.arena, VG_STR("bucket")), VG_STR_NONE);
    expect(&f, "~/big: its bucket is not there\n");
    end(&f);
}

/* A timer is to drop them. */
static void
parts_of_an_ended_upload_are_no_orphans(void **state)
{
    (void)state;
    static const size_t sizes[] = { 100, 200 };
    struct vg_service_fixture f;
    struct s3_rec_bucket *bucket;
    begin(&f);
    put(&f, "small", 100, "");
    (void)version(&f, "small", &bucket);
    struct vg_str id = upload(&f, "k", "", sizes, 2);
    set_row(&f, s3_parts_part(f.arena, bucket->id, id), vg_key_of(f.arena, VG_STR("upload")),
            VG_STR_NONE);
    expect(&f, "");
    end(&f);
}

static void
a_damaged_part_of_an_upload_is_named(void **state)
{
    (void)state;
    static const size_t sizes[] = { 100, 200 };
    struct vg_service_fixture f;
    struct s3_rec_bucket *bucket;
    struct s3_upload_parts parts;
    struct s3_test_req t;
    begin(&f);
    put(&f, "small", 100, "");
    (void)version(&f, "small", &bucket);
    struct vg_str id = upload(&f, "k", "", sizes, 2);
    assert_ok(s3_store_parts(s3_test_req(&f, &t), bucket, id, 0, 10, &parts));
    flip(&f, path_of(&f, parts.items[1].content), 5);
    expect(&f, vg_str_cstr(f.arena, vg_str_fmt(f.arena,
                                               "~s3 bucket/k?uploadId=%" VG_FMT
                                               "&partNumber=2: content file ",
                                               VG_ARG(id))));
    end(&f);
}

static void
configurations_are_json(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    begin(&f);
    struct vg_str part = vg_key_of(f.arena, VG_STR("s3"), VG_STR("b"), VG_STR("bucket"));
    set_row(&f, part, vg_key_of(f.arena, VG_STR("cfg"), VG_STR("cors")), VG_STR("{\"a\":[1]}"));
    expect(&f, "");
    set_row(&f, part, vg_key_of(f.arena, VG_STR("cfg"), VG_STR("cors")), VG_STR("{\"a\":"));
    expect(&f, "s3 bucket: its configuration 'cors' does not decode\n");
    end(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_is_clean),
        cmocka_unit_test(nothing_is_clean_and_stays_nothing),
        cmocka_unit_test(damaged_files_name_their_objects),
        cmocka_unit_test(customers_objects_have_their_length),
        cmocka_unit_test(records_are_compared_with_what_there_is),
        cmocka_unit_test(records_of_parts_are_compared_too),
        cmocka_unit_test(what_is_lost_is_named),
        cmocka_unit_test(a_version_without_its_row_is_named),
        cmocka_unit_test(a_missing_master_key_is_an_error_and_is_not_made),
        cmocka_unit_test(objects_of_no_bucket_are_named_and_their_files_no_orphans),
        cmocka_unit_test(parts_of_an_ended_upload_are_no_orphans),
        cmocka_unit_test(a_damaged_part_of_an_upload_is_named),
        cmocka_unit_test(configurations_are_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
