/* SPDX-License-Identifier: Apache-2.0 */

/*
 * PutObject, without a network.  Texts are those of AWS's error list and of snapshots of its
 * answers that LocalStack's tests keep.
 */

#include "services/s3/s3_object_test.h"

#define O       "'Bucket':'bucket','Key':'k'"
#define HELLO   O ",'Body':'aGVsbG8='"
#define HELLO_E "{'ETag':'\\'5d41402abc4b2a76b9719d911017c592\\''"

/* What a fixture has before a call of it fails. */
static void
prepare(struct vg_service_fixture *f)
{
    s3_test_prepare(f);
    s3_test_caller(f, NULL);
}

static void
what_was_put_is_read(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "PutObject",
          "{" HELLO ",'ContentType':'text/plain','Metadata':{'Key':'v'},'CacheControl':'no-cache',"
          "'ContentDisposition':'inline','ContentEncoding':'gzip','ContentLanguage':'de',"
          "'Expires':'0','Tagging':'a=1&b','StorageClass':'STANDARD_IA',"
          "'WebsiteRedirectLocation':'/x'}",
          "~'ChecksumCRC64NVME':" },
        { "GetObject", "{" O ",'ChecksumMode':'ENABLED'}", "~'ChecksumType':'FULL_OBJECT'" },
        { "GetObject", "{" O "}", "~'Body':'aGVsbG8='" },
        { "GetObject", "{" O "}", "~'ContentType':'text/plain'" },
        { "GetObject", "{" O "}", "~'Metadata':{'key':'v'}" },
        { "GetObject", "{" O "}", "~'TagCount':2" },
        { "GetObject", "{" O "}", "~'StorageClass':'STANDARD_IA'" },
        { "GetObject", "{" O "}", "~'WebsiteRedirectLocation':'/x'" },
        { "GetObject", "{" O "}", "~'ServerSideEncryption':'AES256'" },
        { "HeadObject", "{" O "}", "~'ContentLength':5" },
        { "HeadObject", "{" O "}", "~'Expires':'0'" },
        { "PutObject", "{" O "}", "~d41d8cd98f00b204e9800998ecf8427e" },
        { "GetObject", "{" O "}", "~'ContentType':'binary/octet-stream'" },
    };
    s3_test_play(prepare, steps, VG_COUNT(steps));
}

static void
what_is_declared_is_held_to(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "PutObject", "{" HELLO ",'ContentMD5':'XUFAKrxLKna5cZ2REBfFkg=='}", "ok" },
        { "PutObject", "{" HELLO ",'ContentMD5':'1B2M2Y8AsgTpgAmY7PhCfg=='}",
          "BadDigest: The Content-MD5 you specified did not match what we received." },
        { "PutObject", "{" HELLO ",'ChecksumCRC32':'NhCmhg==','ChecksumAlgorithm':'CRC32'}",
          "~'ChecksumCRC32':'NhCmhg=='" },
        { "PutObject", "{" HELLO ",'ChecksumCRC32':'NhCmhw=='}",
          "BadDigest: The CRC32 you specified did not match the calculated checksum." },
        { "PutObject", "{" HELLO ",'ChecksumCRC32':'NhCmhg==','ChecksumSHA1':'x'}",
          "InvalidRequest: Expecting a single x-amz-checksum- header. Multiple checksum Types are "
          "not allowed." },
        { "PutObject", "{" HELLO ",'ChecksumAlgorithm':'CRC32'}",
          "InvalidRequest: x-amz-sdk-checksum-algorithm specified, but no corresponding "
          "x-amz-checksum-* or x-amz-trailer headers were found." },
        { "PutObject", "{" HELLO ",'ChecksumCRC32':'NhCmhg==','ChecksumAlgorithm':'SHA1'}",
          "InvalidRequest: Value for x-amz-sdk-checksum-algorithm header is invalid." },
        { "PutObject", "{" HELLO ",'ChecksumXXHASH3':'NhCmhg=='}",
          "InvalidRequest: Checksum algorithm provided is unsupported." },
        { "GetObject", "{" O ",'ChecksumMode':'ENABLED'}", "~'ChecksumCRC32':'NhCmhg=='" },
    };
    s3_test_play(prepare, steps, VG_COUNT(steps));
}

static void
headers_that_are_wrong_change_nothing(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "PutObject", "{" HELLO ",'StorageClass':'WARM'}",
          "InvalidStorageClass: The storage class you specified is not valid "
          "{'StorageClassRequested':'WARM'}" },
        { "PutObject", "{" HELLO ",'ServerSideEncryption':'aws:kms:dsse'}", "NotImplemented: " },
        { "PutObject",
          "{" HELLO ",'ServerSideEncryption':'aws:kms','SSEKMSEncryptionContext':'e30'}",
          "~shall be Base64-encoded UTF-8 string holding JSON" },
        { "PutObject",
          "{" HELLO ",'ServerSideEncryption':'aws:kms','SSEKMSEncryptionContext':'eyJhIjoxfQ=='}",
          "~shall be Base64-encoded UTF-8 string holding JSON" },
        { "PutObject", "{" HELLO ",'ServerSideEncryption':'rot13'}",
          "InvalidArgument: The encryption method specified is not supported" },
        { "PutObject", "{" HELLO ",'SSEKMSKeyId':'k'}",
          "InvalidArgument: Server Side Encryption with AWS KMS managed key requires HTTP header "
          "x-amz-server-side-encryption : aws:kms" },
        { "PutObject", "{" HELLO ",'BucketKeyEnabled':true}",
          "InvalidArgument: A bucket key is for encryption with AWS KMS only" },
        { "PutObject", "{" HELLO ",'WriteOffsetBytes':5}",
          "NotImplemented: A header you provided implies functionality that is not implemented" },
        { "PutObject", "{" HELLO ",'Tagging':'a=1&a=2'}", "InvalidArgument: The header" },
        { "PutObject", "{" HELLO ",'Tagging':'a=%zz'}", "InvalidArgument: The header" },
        { "PutObject", "{" HELLO ",'Tagging':'a&b&c&d&e&f&g&h&i&j&k'}",
          "BadRequest: Object tags cannot be greater than 10" },
        { "PutObject", "{" HELLO ",'WebsiteRedirectLocation':'x'}", "InvalidRedirectLocation: " },
        { "PutObject", "{" HELLO ",'ACL':'public-read'}",
          "AccessControlListNotSupported: The bucket does not allow ACLs" },
        { "PutObject", "{" HELLO ",'ACL':'private'}", "AccessControlListNotSupported: " },
        { "PutObject", "{" HELLO ",'ObjectLockLegalHoldStatus':'ON'}",
          "InvalidRequest: Bucket is missing Object Lock Configuration" },
        { "PutObject", "{" HELLO ",'ObjectLockEventHold':'ON'}", "NotImplemented: " },
        { "PutObject", "{'Bucket':'nope','Key':'k'}", "NoSuchBucket: " },
        { "PutObject", "{" HELLO ",'ExpectedBucketOwner':'111122223333'}",
          "AccessDenied: Access Denied" },
        { "HeadObject", "{" O "}", "NoSuchKey: " },
        { "PutObject", "{" HELLO ",'ACL':'bucket-owner-full-control'}", "ok" },
    };
    s3_test_play(prepare, steps, VG_COUNT(steps));
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html: 2 KB */
static void
metadata_has_a_limit(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    char value[2050];
    vg_service_fixture_begin(&f, &s3_service, prepare);
    for (size_t n = 2047; n <= 2048; n++) {
        memset(value, 'v', n);
        value[n] = 0;
        struct vg_str answer =
            s3_test_call(&f, "PutObject", "{" O ",'Metadata':{'k':'%s'}}", value);
        if (n == 2048)
            s3_test_expect(&f, answer,
                           "MetadataTooLarge: Your metadata headers exceed the maximum allowed "
                           "metadata size {'Size':'2049','MaxSizeAllowed':'2048'}");
        else
            assert_true(vg_service_fixture_is_ok(answer));
    }
    vg_service_fixture_fini(&f);
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html */
static void
writes_have_conditions(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "PutObject", "{" HELLO ",'IfMatch':'5d41402abc4b2a76b9719d911017c592'}",
          "NoSuchKey: The specified key does not exist. {'Key':'k'}" },
        { "PutObject", "{" HELLO ",'IfNoneMatch':'*'}", "ok" },
        { "PutObject", "{" O ",'IfNoneMatch':'*'}",
          "PreconditionFailed: At least one of the pre-conditions you specified did not hold "
          "{'Condition':'If-None-Match'}" },
        { "PutObject", "{" O ",'IfMatch':'d41d8cd98f00b204e9800998ecf8427e'}",
          "PreconditionFailed: At least one of the pre-conditions you specified did not hold "
          "{'Condition':'If-Match'}" },
        { "GetObject", "{" O "}", "~aGVsbG8=" },
        { "PutObject", "{" O ",'IfMatch':'\\'5d41402abc4b2a76b9719d911017c592\\''}", "ok" },
        { "PutObject", "{" O ",'IfMatch':'*'}", "NotImplemented: " },
        { "PutObject", "{" O ",'IfNoneMatch':'x'}", "NotImplemented: " },
        { "PutObject", "{" O ",'IfMatch':'x','IfNoneMatch':'*'}",
          "NotImplemented: A header you provided implies functionality that is not implemented "
          "{'Header':'If-Match,If-None-Match','additionalMessage':'Multiple conditional request "
          "headers present in the request'}" },
        { "DeleteObject", "{" O "}", "ok" },
        { "PutObject", "{" O ",'IfNoneMatch':'*'}", "ok" },
    };
    s3_test_play(prepare, steps, VG_COUNT(steps));
}

static void
versions_are_named(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    vg_service_fixture_begin(&f, &s3_service, prepare);
    static const struct s3_step off[] = {
        { "PutObject", "{" HELLO "}", HELLO_E },
        { "GetObject", "{" O ",'VersionId':'null'}", "~aGVsbG8=" },
        { "GetObject", "{" O ",'VersionId':'x'}", "InvalidArgument: Invalid version id specified" },
    };
    s3_test_steps(&f, off, VG_COUNT(off));
    s3_test_bucket(&f, VG_STR("Enabled"), false, VG_STR_NONE);
    static const struct s3_step on[] = {
        { "PutObject", "{" O "}", "~'VersionId':" },
        { "GetObject", "{" O "}", "~'VersionId':" },
        { "GetObject", "{" O ",'VersionId':'null'}", "~aGVsbG8=" },
    };
    s3_test_steps(&f, on, VG_COUNT(on));
    s3_test_bucket(&f, VG_STR("Suspended"), false, VG_STR_NONE);
    struct vg_str answer = vg_service_fixture_ok(&f, "PutObject", "{" O "}");
    assert_int_equal(vg_str_find(answer, VG_STR("VersionId")), VG_NPOS);
    static const struct s3_step suspended[] = {
        { "GetObject", "{" O "}", "~'VersionId':'null'" },
    };
    s3_test_steps(&f, suspended, VG_COUNT(suspended));
    vg_service_fixture_fini(&f);
}

static void
lists_follow_the_bucket_s_ownership(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    vg_service_fixture_begin(&f, &s3_service, prepare);
    s3_test_bucket(&f, VG_STR_NONE, false, VG_STR("ObjectWriter"));
    static const struct s3_step steps[] = {
        { "PutObject", "{" O ",'ACL':'private'}", "ok" },
        { "PutObject", "{" O ",'ACL':'bucket-owner-read'}", "ok" },
        { "PutObject", "{" O ",'ACL':'public-read'}",
          "AccessDenied: User: arn:aws:iam::000000000000:root is not authorized to perform: "
          "s3:PutObject on resource: \"arn:aws:s3:::bucket/k\" because public ACLs are prevented "
          "by "
          "the BlockPublicAcls setting in S3 Block Public Access." },
        { "PutObject", "{" O ",'ACL':'aws-exec-read'}", "NotImplemented: " },
        { "PutObject", "{" O ",'ACL':'mine'}", "InvalidArgument: " },
        { "PutObject", "{" O ",'ACL':'private','GrantRead':'id=1'}", "InvalidRequest: " },
    };
    s3_test_steps(&f, steps, VG_COUNT(steps));
    vg_service_fixture_fini(&f);
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-configure.html */
static void
locks_are_set_by_headers_and_by_default(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    vg_service_fixture_init(&f, &s3_service);
    vg_service_fixture_ok(&f, "CreateBucket",
                          "{'Bucket':'bucket','ObjectLockEnabledForBucket':true}");
    s3_test_caller(&f, NULL);
#define UNTIL ",'ObjectLockRetainUntilDate':4102444800,'ObjectLockMode':'COMPLIANCE'"
#define MD5   ",'ContentMD5':'XUFAKrxLKna5cZ2REBfFkg=='"
#define UNSIGNED                                                                                   \
    "InvalidArgument: Put Object requests with Object Lock parameters require AWS Signature "      \
    "Version 4 {'ArgumentName':'Authorization'}"
    static const struct s3_step steps[] = {
        { "PutObject", "{" HELLO UNTIL "}",
          "InvalidRequest: Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object "
          "requests with Object Lock parameters" },
        { "PutObject", "{" HELLO MD5 UNTIL ",'ObjectLockLegalHoldStatus':'ON'}", "ok" },
        { "GetObject", "{" O "}", "~'ObjectLockMode':'COMPLIANCE'" },
        { "GetObject", "{" O "}", "~'ObjectLockLegalHoldStatus':'ON'" },
        { "PutObject", "{" HELLO MD5 ",'ObjectLockMode':'COMPLIANCE'}",
          "InvalidArgument: x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must "
          "both be supplied" },
        { "PutObject",
          "{" HELLO MD5 ",'ObjectLockRetainUntilDate':1,'ObjectLockMode':'COMPLIANCE'}",
          "InvalidArgument: The retain until date must be in the future!" },
        { "PutObject",
          "{" HELLO MD5 ",'ObjectLockRetainUntilDate':4102444800,'ObjectLockMode':'FOREVER'}",
          "InvalidArgument: Unknown wormMode directive." },
        { "PutObjectLockConfiguration",
          "{'Bucket':'bucket','ObjectLockConfiguration':{'ObjectLockEnabled':'Enabled','Rule':"
          "{'DefaultRetention':{'Mode':'GOVERNANCE','Days':2}}}}",
          "ok" },
        { "PutObject", "{" HELLO "}",
          "InvalidRequest: Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object "
          "requests with Object Lock parameters" },
        { "PutObject", "{" HELLO MD5 "}", "ok" },
        { "GetObject", "{" O "}", "~'ObjectLockMode':'GOVERNANCE'" },
    };
    static const struct s3_step unsigned_ones[] = {
        { "PutObject", "{" HELLO MD5 UNTIL "}", UNSIGNED },
        { "PutObject", "{" HELLO MD5 "}", UNSIGNED },
    };
    s3_test_steps(&f, steps, VG_COUNT(steps));
    f.scope.caller = &vg_principal_anonymous;
    s3_test_steps(&f, unsigned_ones, VG_COUNT(unsigned_ones));
    vg_service_fixture_fini(&f);
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html: "you can set the
 * minimum and maximum allowable retention period", however an object gets it. */
static void
policies_bound_the_retention(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    vg_service_fixture_begin(&f, &s3_service, prepare);
    s3_test_caller(&f, "{'Statement':[{'Effect':'Allow','Action':'s3:*','Resource':'*'},"
                       "{'Effect':'Deny','Action':'s3:PutObject','Resource':'*','Condition':"
                       "{'NumericGreaterThan':{'s3:object-lock-remaining-retention-days':'10'}}}"
                       "]}");
    static const char *const ops[] = { "PutObject", "CreateMultipartUpload", "CopyObject" };
    for (size_t i = 0; i < VG_COUNT(ops); i++) {
        const char *more = i == 2 ? ",'CopySource':'bucket/x'" : "";
        for (int days = 5; days <= 15; days += 10)
            assert_int_equal(
                s3_test_is_allowed(&f, ops[i],
                                   "{" O "%s,'ObjectLockMode':'GOVERNANCE',"
                                   "'ObjectLockRetainUntilDate':%lld}",
                                   more, (long long)(vg_now_ms(&f.env) / 1000 + days * 86400)),
                days < 10);
    }
    vg_service_fixture_fini(&f);
}

/* Keys of customers: 32 bytes of 'k' and of 'l', with their MD5s. */
#define ALG      "'SSECustomerAlgorithm':'AES256'"
#define KEY_K    "'SSECustomerKey':'a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s='"
#define KEY_L    "'SSECustomerKey':'bGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGw='"
#define MD5_OF_K "'SSECustomerKeyMD5':'mT2HRsMGJ5IX5C+0rreZ8Q=='"
#define MD5_OF_L "'SSECustomerKeyMD5':'U7jsY/b7p6KgSHDyim1F6g=='"

/* What the errors are: AWS's answers of February 2026 in LocalStack's snapshots of SSE-C. */
static void
prepare_customer_keys(struct vg_service_fixture *f)
{
    prepare(f);
    s3_test_take_customer_keys(f);
}

static void
a_customer_s_key_opens_what_it_sealed(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "PutObject", "{" HELLO "," ALG "," KEY_K "," MD5_OF_K "}", "~'SSECustomerKeyMD5':" },
        { "GetObject", "{" O "," ALG "," KEY_K "," MD5_OF_K "}", "~aGVsbG8=" },
        { "GetObject", "{" O "," ALG "," KEY_L "," MD5_OF_L "}",
          "AccessDenied: Requests specifying Server Side Encryption with Customer provided keys "
          "must provide the correct secret key." },
        { "GetObject", "{" O "}",
          "InvalidRequest: The object was stored using a form of Server Side Encryption. The "
          "correct parameters must be provided to retrieve the object." },
        { "HeadObject", "{" O "}", "InvalidRequest: " },
        { "HeadObject", "{" O "," ALG "," KEY_K "," MD5_OF_K "}", "~'ContentLength':5" },
        { "PutObject", "{" O "," ALG "," KEY_K "," MD5_OF_L "}",
          "InvalidArgument: The calculated MD5 hash of the key did not match the hash that was "
          "provided." },
        { "PutObject", "{" O "," KEY_K "," MD5_OF_K "}",
          "InvalidArgument: Requests specifying Server Side Encryption with Customer provided keys "
          "must provide a valid encryption algorithm." },
        { "PutObject", "{" O "," ALG "," MD5_OF_K "}",
          "InvalidArgument: Requests specifying Server Side Encryption with Customer provided keys "
          "must provide an appropriate secret key." },
        { "PutObject", "{" O "," ALG "," KEY_K "}",
          "InvalidArgument: Requests specifying Server Side Encryption with Customer provided keys "
          "must provide the client calculated MD5 of the secret key." },
        { "PutObject", "{" O ",'SSECustomerAlgorithm':'AES128'," KEY_K "," MD5_OF_K "}",
          "InvalidEncryptionAlgorithmError: The Encryption request you specified is not valid. "
          "Supported value: AES256. "
          "{'ArgumentName':'x-amz-server-side-encryption','ArgumentValue':'AES128'}" },
        { "PutObject", "{" O "," ALG ",'SSECustomerKey':'a2s='," MD5_OF_K "}",
          "InvalidArgument: The calculated MD5 hash of the key did not match the hash that was "
          "provided." },
        { "PutObject",
          "{" O "," ALG ",'SSECustomerKey':'a2s=','SSECustomerKeyMD5':'3EaMcPtXTr0HKHs40NBnbQ=='}",
          "InvalidArgument: The secret key was invalid for the specified algorithm." },
        { "GetObject",
          "{" O "," ALG ",'SSECustomerKey':'a2s=','SSECustomerKeyMD5':'3EaMcPtXTr0HKHs40NBnbQ=='}",
          "AccessDenied: Requests specifying Server Side Encryption with Customer provided keys "
          "must provide the correct secret key." },
        { "GetObjectAttributes", "{" O ",'ObjectAttributes':['ETag']}",
          "InvalidRequest: The object was stored using a form of Server Side Encryption. The "
          "correct parameters must be provided to retrieve the object." },
        { "GetObjectAttributes",
          "{" O "," ALG "," KEY_K "," MD5_OF_K ",'ObjectAttributes':['ObjectSize']}",
          "~'ObjectSize':5" },
        { "PutObject", "{" O "," ALG "," KEY_K "," MD5_OF_K ",'ServerSideEncryption':'AES256'}",
          "InvalidArgument: Server Side Encryption with Customer provided key is incompatible with "
          "the encryption method specified" },
        { "PutObject", "{" O "}", "ok" },
        { "GetObject", "{" O "," ALG "," KEY_K "," MD5_OF_K "}",
          "InvalidRequest: The encryption parameters are not applicable to this object." },
    };
    s3_test_play(prepare_customer_keys, steps, VG_COUNT(steps));
}

#define BLOCKED(op)                                                                                \
    "AccessDenied: User: arn:aws:iam::000000000000:root is not authorized to perform: s3:" op      \
    " on resource: \"arn:aws:s3:::bucket/k\" because this bucket has blocked upload requests "     \
    "that "                                                                                        \
    "specify Server Side Encryption with Customer provided keys (SSE-C). Please specify a "        \
    "different server-side encryption type"
#define TYPES(type)                                                                                \
    "{'Bucket':'bucket','ServerSideEncryptionConfiguration':{'Rules':[{"                           \
    "'ApplyServerSideEncryptionByDefault':{'SSEAlgorithm':'AES256'}" type "}]}}"
#define BLOCK(type) ",'BlockedEncryptionTypes':{'EncryptionType':[" type "]}"

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-s3-c-encryption-setting-faq.html;
 * of what is sealed already: "you can still read them with GetObject or HeadObject". */
static void
customers_keys_are_blocked_where_they_are_not_asked_for(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "PutObject", "{" HELLO "," ALG "," KEY_K "," MD5_OF_K "}", BLOCKED("PutObject") },
        { "CreateMultipartUpload", "{" O "," ALG "," KEY_K "," MD5_OF_K "}",
          BLOCKED("CreateMultipartUpload") },
        { "GetObject", "{" O "}", "NoSuchKey: " },
        { "PutBucketEncryption", TYPES(BLOCK("'NONE'")), "ok" },
        { "PutObject", "{" HELLO "," ALG "," KEY_K "," MD5_OF_K "}", "ok" },
        { "PutBucketEncryption", TYPES(""), "ok" },
        { "PutObject", "{" HELLO "," ALG "," KEY_K "," MD5_OF_K "}", "ok" },
        { "PutBucketEncryption", TYPES(BLOCK("'SSE-C'")), "ok" },
        { "GetObject", "{" O "," ALG "," KEY_K "," MD5_OF_K "}", "~aGVsbG8=" },
        { "CopyObject", "{" O ",'CopySource':'bucket/k'," ALG "," KEY_K "," MD5_OF_K "}",
          "InvalidRequest: The object was stored using a form of Server Side Encryption." },
        { "PutObject", "{" HELLO "}", "ok" },
        { "CopyObject", "{" O ",'CopySource':'bucket/k'," ALG "," KEY_K "," MD5_OF_K "}",
          BLOCKED("CopyObject") },
        { "DeleteBucketEncryption", "{'Bucket':'bucket'}", "ok" },
        { "PutObject", "{" HELLO "," ALG "," KEY_K "," MD5_OF_K "}", BLOCKED("PutObject") },
    };
    s3_test_play(prepare, steps, VG_COUNT(steps));
}

static void
it_fails_cleanly(void **state)
{
    (void)state;
    vg_service_fixture_fail_each(&s3_service, prepare, "PutObject", "{" HELLO ",'Tagging':'a=b'}");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_read),
        cmocka_unit_test(what_is_declared_is_held_to),
        cmocka_unit_test(headers_that_are_wrong_change_nothing),
        cmocka_unit_test(metadata_has_a_limit),
        cmocka_unit_test(writes_have_conditions),
        cmocka_unit_test(versions_are_named),
        cmocka_unit_test(lists_follow_the_bucket_s_ownership),
        cmocka_unit_test(locks_are_set_by_headers_and_by_default),
        cmocka_unit_test(policies_bound_the_retention),
        cmocka_unit_test(a_customer_s_key_opens_what_it_sealed),
        cmocka_unit_test(customers_keys_are_blocked_where_they_are_not_asked_for),
        cmocka_unit_test(it_fails_cleanly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
