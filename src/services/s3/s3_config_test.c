/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Configurations of buckets: what is kept, refused and answered when there is none.  Texts are
 * those of AWS's error list and of snapshots of its answers that LocalStack's tests keep.
 */

#include "services/s3/s3_log.h"
#include "services/s3/s3_object_test.h"

#define B "'Bucket':'bucket'"

#define NOT_WELL_FORMED                                                                            \
    "MalformedXML: The XML you provided was not well-formed or did not validate against our "      \
    "published schema"

static void
prepare(struct vg_service_fixture *f)
{
    static const struct s3_step steps[] = {
        { "CreateBucket",
          "{" B ",'ObjectLockEnabledForBucket':true,'ObjectOwnership':"
          "'ObjectWriter'}",
          "ok" },
        { "PutBucketTagging", "{" B ",'Tagging':{'TagSet':[{'Key':'k','Value':'v'}]}}", "ok" },
        { "PutBucketCors",
          "{" B ",'CORSConfiguration':{'CORSRules':[{'AllowedMethods':['GET'],"
          "'AllowedOrigins':['*']}]}}",
          "ok" },
    };
    s3_test_steps(f, steps, VG_COUNT(steps));
}

static const struct vg_service_call each[] = {
    { "PutBucketVersioning", "{" B ",'VersioningConfiguration':{'Status':'Enabled'}}" },
    { "GetBucketVersioning", "{" B "}" },
    { "PutBucketTagging", "{" B ",'Tagging':{'TagSet':[{'Key':'a','Value':'b'}]}}" },
    { "GetBucketTagging", "{" B "}" },
    { "DeleteBucketTagging", "{" B "}" },
    { "PutBucketEncryption",
      "{" B ",'ServerSideEncryptionConfiguration':{'Rules':[{'ApplyServerSideEncryptionByDefault':"
      "{'SSEAlgorithm':'AES256'}}]}}" },
    { "GetBucketEncryption", "{" B "}" },
    { "DeleteBucketEncryption", "{" B "}" },
    { "PutObjectLockConfiguration",
      "{" B ",'ObjectLockConfiguration':{'ObjectLockEnabled':'Enabled'}}" },
    { "GetObjectLockConfiguration", "{" B "}" },
    { "PutPublicAccessBlock", "{" B ",'PublicAccessBlockConfiguration':{'BlockPublicAcls':true}}" },
    { "GetPublicAccessBlock", "{" B "}" },
    { "DeletePublicAccessBlock", "{" B "}" },
    { "PutBucketOwnershipControls",
      "{" B ",'OwnershipControls':{'Rules':[{'ObjectOwnership':'BucketOwnerPreferred'}]}}" },
    { "GetBucketOwnershipControls", "{" B "}" },
    { "DeleteBucketOwnershipControls", "{" B "}" },
    { "PutBucketAcl", "{" B ",'ACL':'private'}" },
    { "GetBucketAcl", "{" B "}" },
    { "PutBucketCors",
      "{" B ",'CORSConfiguration':{'CORSRules':[{'AllowedMethods':['PUT'],'AllowedOrigins':['*']}"
      "]}}" },
    { "GetBucketCors", "{" B "}" },
    { "DeleteBucketCors", "{" B "}" },
    { "PutBucketRequestPayment", "{" B ",'RequestPaymentConfiguration':{'Payer':'BucketOwner'}}" },
    { "GetBucketRequestPayment", "{" B "}" },
    { "PutBucketLogging", "{" B ",'BucketLoggingStatus':{}}" },
    { "GetBucketLogging", "{" B "}" },
    { "DeleteBucketWebsite", "{" B "}" },
    { "DeleteBucketLifecycle", "{" B "}" },
    { "PutBucketNotificationConfiguration", "{" B ",'NotificationConfiguration':{}}" },
    { "GetBucketNotificationConfiguration", "{" B "}" },
    { "DeleteBucketReplication", "{" B "}" },
    { "GetBucketAccelerateConfiguration", "{" B "}" },
    { "PutBucketAbac", "{" B ",'AbacStatus':{'Status':'Disabled'}}" },
    { "GetBucketAbac", "{" B "}" },
};

static void
every_operation_fails_cleanly(void **state)
{
    (void)state;
    vg_service_fixture_fail_all(&s3_service, prepare, each, VG_COUNT(each));
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html */
static void
every_operation_heeds_the_expected_owner(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    vg_service_fixture_begin(&f, &s3_service, prepare);
    for (size_t i = 0; i < VG_COUNT(each); i++) {
        struct vg_str members = vg_str_slice(vg_str_of(each[i].json), 1, VG_NPOS);
        struct vg_str json =
            vg_str_fmt(f.arena, "{'ExpectedBucketOwner':'111122223333',%" VG_FMT, VG_ARG(members));
        const struct s3_step step = { each[i].name, vg_str_cstr(f.arena, json),
                                      "AccessDenied: Access Denied" };
        s3_test_steps(&f, &step, 1);
        json = vg_str_fmt(f.arena, "{'Bucket':'nobody'%" VG_FMT,
                          VG_ARG(vg_str_slice(members, strlen(B), VG_NPOS)));
        const struct s3_step other = { each[i].name, vg_str_cstr(f.arena, json),
                                       "NoSuchBucket: The specified bucket does not exist" };
        s3_test_steps(&f, &other, 1);
    }
    vg_service_fixture_fini(&f);
}

static void
versioning_goes_on_and_off_but_never_back_to_none(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "GetBucketVersioning", "{" B "}", "{}" },
        { "PutBucketVersioning", "{" B ",'VersioningConfiguration':{}}",
          "IllegalVersioningConfigurationException: The Versioning element must be specified" },
        { "PutBucketVersioning", "{" B ",'VersioningConfiguration':{'Status':'enabled'}}",
          NOT_WELL_FORMED },
        { "PutBucketVersioning",
          "{" B ",'VersioningConfiguration':{'Status':'Enabled','MFADelete':'Enabled'}}",
          "NotImplemented: MFA delete is not built in this version of Virga." },
        { "PutBucketVersioning", "{" B ",'VersioningConfiguration':{'Status':'Enabled'}}", "ok" },
        { "GetBucketVersioning", "{" B "}", "{'Status':'Enabled'}" },
        { "PutBucketVersioning", "{" B ",'VersioningConfiguration':{'Status':'Suspended'}}", "ok" },
        { "GetBucketVersioning", "{" B "}", "{'Status':'Suspended'}" },
        { "DeleteBucket", "{" B "}", "ok" },
        { "CreateBucket", "{" B ",'ObjectLockEnabledForBucket':true}", "ok" },
        { "GetBucketVersioning", "{" B "}", "{'Status':'Enabled'}" },
        { "PutBucketVersioning", "{" B ",'VersioningConfiguration':{'Status':'Suspended'}}",
          "InvalidBucketState: An Object Lock configuration is present on this bucket, so the "
          "versioning state cannot be changed." },
    };
    s3_test_play(s3_test_prepare, steps, VG_COUNT(steps));
}

static void
tags_are_a_set_that_is_put_as_a_whole(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "GetBucketTagging", "{" B "}", "NoSuchTagSet: The TagSet does not exist" },
        { "PutBucketTagging", "{" B ",'Tagging':{'TagSet':[{'Key':'a','Value':'1'}]}}", "ok" },
        { "PutBucketTagging", "{" B ",'Tagging':{'TagSet':[{'Key':'b','Value':''}]}}", "ok" },
        { "GetBucketTagging", "{" B "}", "{'TagSet':[{'Key':'b','Value':''}]}" },
        { "PutBucketTagging",
          "{" B ",'Tagging':{'TagSet':[{'Key':'a','Value':'1'},{'Key':'a','Value':'2'}]}}",
          "InvalidTag: Cannot provide multiple Tags with the same key" },
        { "PutBucketTagging", "{" B ",'Tagging':{'TagSet':[{'Key':'aws:x','Value':'1'}]}}",
          "InvalidTag: System tags cannot be added/updated by requester" },
        { "PutBucketTagging", "{" B ",'Tagging':{'TagSet':[{'Key':'','Value':'1'}]}}",
          "InvalidTag: The TagKey you have provided is invalid" },
        { "PutBucketTagging", "{" B ",'Tagging':{'TagSet':[{'Key':'a','Value':'<'}]}}",
          "InvalidTag: The TagValue you have provided is invalid" },
        { "DeleteBucketTagging", "{" B "}", "ok" },
        { "GetBucketTagging", "{" B "}", "NoSuchTagSet" },
        { "DeleteBucketTagging", "{" B "}", "ok" },
    };
    s3_test_play(s3_test_prepare, steps, VG_COUNT(steps));
}

static void
fifty_tags_are_the_most(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    vg_service_fixture_init(&f, &s3_service);
    vg_service_fixture_ok(&f, "CreateBucket", "{" B "}");
    for (int n = 50; n <= 51; n++) {
        struct vg_buf b;
        vg_buf_init(&b, f.arena, 1u << 20);
        vg_buf_addf(&b, "{" B ",'Tagging':{'TagSet':[");
        for (int i = 0; i < n; i++)
            vg_buf_addf(&b, "%s{'Key':'k%d','Value':'v'}", i ? "," : "", i);
        vg_buf_addf(&b, "]}}");
        const struct s3_step step = { "PutBucketTagging", vg_str_cstr(f.arena, vg_buf_str(&b)),
                                      n == 50
                                          ? "ok"
                                          : "BadRequest: Bucket tag count cannot be greater than "
                                            "50" };
        s3_test_steps(&f, &step, 1);
    }
    vg_service_fixture_fini(&f);
}

#define BLOCKING(types)                                                                            \
    "{" B ",'ServerSideEncryptionConfiguration':{'Rules':[{'BlockedEncryptionTypes':{"             \
    "'EncryptionType':[" types "]}}]}}"

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html,
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-s3-c-encryption-setting-faq.html */
static void
all_is_encrypted_with_aes256(void **state)
{
    (void)state;
    const char *plain = "{'ServerSideEncryptionConfiguration':{'Rules':[{"
                        "'ApplyServerSideEncryptionByDefault':{'SSEAlgorithm':'AES256'},"
                        "'BucketKeyEnabled':false,'BlockedEncryptionTypes':{'EncryptionType':["
                        "'SSE-C']}}]}}";
    const struct s3_step steps[] = {
        { "GetBucketEncryption", "{" B "}", plain },
        { "PutBucketEncryption",
          "{" B ",'ServerSideEncryptionConfiguration':{'Rules':[{"
          "'ApplyServerSideEncryptionByDefault':{'SSEAlgorithm':'AES256'},'BucketKeyEnabled':true}"
          "]}}",
          "ok" },
        { "GetBucketEncryption", "{" B "}",
          "{'ServerSideEncryptionConfiguration':{'Rules':[{'ApplyServerSideEncryptionByDefault':"
          "{'SSEAlgorithm':'AES256'},'BucketKeyEnabled':true,'BlockedEncryptionTypes':{"
          "'EncryptionType':['SSE-C']}}]}}" },
        { "PutBucketEncryption", BLOCKING("'NONE'"), "ok" },
        { "GetBucketEncryption", "{" B "}",
          "{'ServerSideEncryptionConfiguration':{'Rules':[{'ApplyServerSideEncryptionByDefault':"
          "{'SSEAlgorithm':'AES256'},'BucketKeyEnabled':false,'BlockedEncryptionTypes':{"
          "'EncryptionType':['NONE']}}]}}" },
        { "PutBucketEncryption", BLOCKING(""), NOT_WELL_FORMED },
        { "PutBucketEncryption", BLOCKING("'sse-c'"), NOT_WELL_FORMED },
        { "PutBucketEncryption", BLOCKING("'NONE','SSE-C'"), NOT_WELL_FORMED },
        { "PutBucketEncryption", "{" B ",'ServerSideEncryptionConfiguration':{'Rules':[{}]}}",
          NOT_WELL_FORMED },
        { "PutBucketEncryption", BLOCKING("'SSE-C'"), "ok" },
        { "PutBucketEncryption",
          "{" B ",'ServerSideEncryptionConfiguration':{'Rules':[{"
          "'ApplyServerSideEncryptionByDefault':{'SSEAlgorithm':'aws:kms:dsse'}}]}}",
          "NotImplemented: Dual-layer encryption with AWS KMS is not built" },
        { "PutBucketEncryption",
          "{" B ",'ServerSideEncryptionConfiguration':{'Rules':[{"
          "'ApplyServerSideEncryptionByDefault':{'SSEAlgorithm':'AES256','KMSMasterKeyID':'k'}}]}}",
          "InvalidArgument: a KMSMasterKeyID is not applicable" },
        { "PutBucketEncryption", "{" B ",'ServerSideEncryptionConfiguration':{'Rules':[]}}",
          NOT_WELL_FORMED },
        { "DeleteBucketEncryption", "{" B "}", "ok" },
        { "GetBucketEncryption", "{" B "}", plain },
    };
    s3_test_play(s3_test_prepare, steps, VG_COUNT(steps));
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLockConfiguration.html */
static void
object_lock_needs_versioning(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "GetObjectLockConfiguration", "{" B "}",
          "ObjectLockConfigurationNotFoundError: Object Lock configuration does not exist for this "
          "bucket" },
        { "PutObjectLockConfiguration",
          "{" B ",'ObjectLockConfiguration':{'ObjectLockEnabled':'Enabled'}}",
          "InvalidBucketState: Versioning must be 'Enabled' on the bucket to apply a Object Lock "
          "configuration" },
        { "PutBucketVersioning", "{" B ",'VersioningConfiguration':{'Status':'Enabled'}}", "ok" },
        { "PutObjectLockConfiguration", "{" B ",'ObjectLockConfiguration':{}}", NOT_WELL_FORMED },
        { "PutObjectLockConfiguration",
          "{" B ",'ObjectLockConfiguration':{'ObjectLockEnabled':'Enabled','Rule':"
          "{'DefaultRetention':{'Mode':'GOVERNANCE'}}}}",
          NOT_WELL_FORMED },
        { "PutObjectLockConfiguration",
          "{" B ",'ObjectLockConfiguration':{'ObjectLockEnabled':'Enabled','Rule':"
          "{'DefaultRetention':{'Mode':'GOVERNANCE','Days':1,'Years':1}}}}",
          NOT_WELL_FORMED },
        { "PutObjectLockConfiguration",
          "{" B ",'ObjectLockConfiguration':{'ObjectLockEnabled':'Enabled','Rule':"
          "{'DefaultRetention':{'Mode':'GOVERNANCE','Days':0}}}}",
          "InvalidArgument: Default retention period must be a positive integer value." },
        { "PutObjectLockConfiguration",
          "{" B ",'ObjectLockConfiguration':{'ObjectLockEnabled':'Enabled','Rule':"
          "{'DefaultRetention':{'Mode':'GOVERNANCE','Years':101}}}}",
          "InvalidArgument: Default retention period too large" },
        { "GetObjectLockConfiguration", "{" B "}", "ObjectLockConfigurationNotFoundError" },
        { "PutObjectLockConfiguration",
          "{" B ",'ObjectLockConfiguration':{'ObjectLockEnabled':'Enabled','Rule':"
          "{'DefaultRetention':{'Mode':'COMPLIANCE','Days':30}}}}",
          "ok" },
        { "GetObjectLockConfiguration", "{" B "}",
          "{'ObjectLockConfiguration':{'ObjectLockEnabled':'Enabled','Rule':{'DefaultRetention':"
          "{'Mode':'COMPLIANCE','Days':30}}}}" },
        { "PutBucketVersioning", "{" B ",'VersioningConfiguration':{'Status':'Suspended'}}",
          "InvalidBucketState" },
    };
    s3_test_play(s3_test_prepare, steps, VG_COUNT(steps));
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html */
static void
public_access_is_blocked_until_it_is_unblocked(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "GetPublicAccessBlock", "{" B "}",
          "{'PublicAccessBlockConfiguration':{'BlockPublicAcls':true,'IgnorePublicAcls':true,"
          "'BlockPublicPolicy':true,'RestrictPublicBuckets':true}}" },
        { "PutPublicAccessBlock", "{" B "}", NOT_WELL_FORMED },
        { "PutPublicAccessBlock",
          "{" B ",'PublicAccessBlockConfiguration':{'BlockPublicPolicy':"
          "true}}",
          "ok" },
        { "GetPublicAccessBlock", "{" B "}",
          "{'PublicAccessBlockConfiguration':{'BlockPublicAcls':false,'IgnorePublicAcls':false,"
          "'BlockPublicPolicy':true,'RestrictPublicBuckets':false}}" },
        { "DeletePublicAccessBlock", "{" B "}", "ok" },
        { "GetPublicAccessBlock", "{" B "}",
          "NoSuchPublicAccessBlockConfiguration: The public access block configuration was not "
          "found" },
    };
    s3_test_play(s3_test_prepare, steps, VG_COUNT(steps));
}

#define OWN(how)                                                                                   \
    {                                                                                              \
        "PutBucketOwnershipControls",                                                              \
            "{" B ",'OwnershipControls':{'Rules':[{'ObjectOwnership':'" how "'}]}}", "ok"          \
    }

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html */
static void
lists_count_where_owners_of_objects_do(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "GetBucketOwnershipControls", "{" B "}",
          "{'OwnershipControls':{'Rules':[{'ObjectOwnership':'BucketOwnerEnforced'}]}}" },
        { "PutBucketAcl", "{" B ",'ACL':'private'}",
          "AccessControlListNotSupported: The bucket does not allow ACLs" },
        OWN("ObjectWriter"),
        { "PutBucketAcl", "{" B ",'ACL':'public-read'}", "AccessDenied: Access Denied" },
        { "DeletePublicAccessBlock", "{" B "}", "ok" },
        { "PutBucketAcl", "{" B ",'ACL':'public-read'}", "ok" },
        { "PutBucketOwnershipControls",
          "{" B ",'OwnershipControls':{'Rules':[{'ObjectOwnership':'BucketOwnerEnforced'}]}}",
          "InvalidBucketAclWithObjectOwnership: Bucket cannot have ACLs set with ObjectOwnership's "
          "BucketOwnerEnforced setting" },
        { "PutBucketAcl", "{" B ",'ACL':'private'}", "ok" },
        OWN("BucketOwnerEnforced"),
        { "DeleteBucketOwnershipControls", "{" B "}", "ok" },
        { "GetBucketOwnershipControls", "{" B "}",
          "OwnershipControlsNotFoundError: The bucket ownership controls were not found" },
        { "PutBucketAcl", "{" B ",'ACL':'private'}", "ok" },
        { "PutBucketOwnershipControls", "{" B ",'OwnershipControls':{'Rules':[]}}",
          NOT_WELL_FORMED },
    };
    s3_test_play(s3_test_prepare, steps, VG_COUNT(steps));
}

/* The account's canonical id. */
#define ME "97830f57bff4ac410ad45b8cde88563fcf062a0c41f5c9792250000000000000"

/* Codes, argument names and their order are those of LocalStack's snapshots of S3. */
static void
lists_are_canned_or_granted(void **state)
{
    (void)state;
    static const struct s3_step refused[] = {
        { "PutBucketAcl", "{" B "}", "MissingSecurityHeader" },
        { "PutBucketAcl", "{" B ",'ACL':'secret'}", "InvalidArgument" },
        { "PutBucketAcl", "{" B ",'ACL':'private'}", "AccessControlListNotSupported" },
        OWN("ObjectWriter"),
        { "DeletePublicAccessBlock", "{" B "}", "ok" },
        { "PutBucketAcl", "{" B "}",
          "MissingSecurityHeader: Your request was missing a required header "
          "{'MissingHeaderName':'x-amz-acl'}" },
        { "PutBucketAcl", "{" B ",'ACL':'public-read','GrantRead':'id=1'}",
          "InvalidRequest: Specifying both Canned ACLs and Header Grants is not allowed" },
        { "PutBucketAcl", "{" B ",'ACL':'private','AccessControlPolicy':{}}",
          "UnexpectedContent: This request does not support content" },
        { "PutBucketAcl", "{" B ",'AccessControlPolicy':{}}", "MalformedACLError" },
        { "PutBucketAcl", "{" B ",'AccessControlPolicy':{'Owner':{'ID':'x'},'Grants':[]}}",
          "InvalidArgument: Invalid id {'ArgumentName':'CanonicalUser/ID','ArgumentValue':'x'}" },
        { "PutBucketAcl",
          "{" B ",'AccessControlPolicy':{'Owner':{'ID':'" ME "'},'Grants':[{'Permission':'READ',"
          "'Grantee':{'Type':'BadType','ID':'" ME "'}}]}}",
          "MalformedACLError" },
        { "PutBucketAcl",
          "{" B ",'AccessControlPolicy':{'Owner':{'ID':'" ME "'},'Grants':[{'Permission':'READ',"
          "'Grantee':{'Type':'Group','URI':'x'}}]}}",
          "InvalidArgument: Invalid group uri {'ArgumentName':'Group/URI','ArgumentValue':'x'}" },
        { "PutBucketAcl", "{" B ",'ACL':'aws-exec-read'}", "NotImplemented" },
        { "PutBucketAcl", "{" B ",'ACL':'secret'}", "InvalidArgument" },
        { "PutBucketAcl", "{" B ",'GrantRead':'uri=http://example.com'}",
          "InvalidArgument: Invalid group uri" },
        { "PutBucketAcl", "{" B ",'GrantRead':'nobody'}",
          "InvalidArgument: Argument format not recognized" },
        { "PutBucketAcl", "{" B ",'GrantRead':'emailAddress=a@example.com'}",
          "UnresolvableGrantByEmailAddress: The e-mail address you provided does not match any "
          "account on record." },
    };
    struct vg_service_fixture f;
    vg_service_fixture_init(&f, &s3_service);
    vg_service_fixture_ok(&f, "CreateBucket", "{" B "}");
    s3_test_steps(&f, refused, VG_COUNT(refused));
    struct vg_str me = s3_canonical_id(f.arena, f.scope.owner);
    struct vg_str you = s3_canonical_id(f.arena, VG_STR("111122223333"));
    const char *mine = vg_str_cstr(
        f.arena, vg_str_fmt(f.arena,
                            "{'Owner':{'ID':'%" VG_FMT "'},'Grants':[{'Grantee':{'ID':'%" VG_FMT
                            "','Type':'CanonicalUser'},'Permission':'FULL_CONTROL'}",
                            VG_ARG(me), VG_ARG(me)));
    vg_service_fixture_expect(&f, "GetBucketAcl", "{" B "}",
                              vg_str_cstr(f.arena, vg_str_fmt(f.arena, "%s]}", mine)));
    vg_service_fixture_ok(&f, "PutBucketAcl", "{" B ",'ACL':'public-read'}");
    vg_service_fixture_expect(
        &f, "GetBucketAcl", "{" B "}",
        vg_str_cstr(f.arena, vg_str_fmt(f.arena,
                                        "%s,{'Grantee':{'Type':'Group','URI':"
                                        "'http://acs.amazonaws.com/groups/global/AllUsers'},"
                                        "'Permission':'READ'}]}",
                                        mine)));
    vg_service_fixture_ok(
        &f, "PutBucketAcl",
        vg_str_cstr(f.arena,
                    vg_str_fmt(f.arena, "{" B ",'GrantWrite':'id=%" VG_FMT "'}", VG_ARG(you))));
    vg_service_fixture_expect(
        &f, "GetBucketAcl", "{" B "}",
        vg_str_cstr(f.arena,
                    vg_str_fmt(f.arena,
                               "{'Owner':{'ID':'%" VG_FMT "'},'Grants':[{'Grantee':{'ID':'%" VG_FMT
                               "','Type':'CanonicalUser'},'Permission':'WRITE'}]}",
                               VG_ARG(me), VG_ARG(you))));
    /* "LogDelivery group gets WRITE and READ_ACP permissions on the bucket":
     * https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl */
    vg_service_fixture_ok(&f, "PutBucketAcl", "{" B ",'ACL':'log-delivery-write'}");
    vg_service_fixture_expect(
        &f, "GetBucketAcl", "{" B "}",
        vg_str_cstr(f.arena,
                    vg_str_fmt(f.arena,
                               "%s,{'Grantee':{'Type':'Group','URI':"
                               "'http://acs.amazonaws.com/groups/s3/LogDelivery'},'Permission':"
                               "'WRITE'},{'Grantee':{'Type':'Group','URI':"
                               "'http://acs.amazonaws.com/groups/s3/LogDelivery'},'Permission':"
                               "'READ_ACP'}]}",
                               mine)));
    vg_service_fixture_fini(&f);
}

/* What the log delivery group is granted counts for the service that delivers, once it has both. */
static void
logs_are_delivered_by_whom_the_list_names(void **state)
{
    (void)state;
    static const struct {
        const char *acl;
        bool is_allowed;
    } all[] = {
        { "'ACL':'private'", false },
        { "'GrantWrite':'uri=http://acs.amazonaws.com/groups/s3/LogDelivery'", false },
        { "'GrantFullControl':'uri=http://acs.amazonaws.com/groups/s3/LogDelivery'", true },
        { "'ACL':'log-delivery-write'", true },
    };
    struct vg_service_fixture f;
    s3_test_begin(&f);
    s3_test_caller(&f, NULL);
    vg_service_fixture_ok(&f, "PutBucketOwnershipControls",
                          "{" B
                          ",'OwnershipControls':{'Rules':[{'ObjectOwnership':'ObjectWriter'}]}}");
    const struct vg_principal *me = f.scope.caller;
    for (size_t i = 0; i < VG_COUNT(all); i++) {
        f.scope.caller = me;
        s3_test_call(&f, "PutBucketAcl", "{" B ",%s}", all[i].acl);
        f.scope.caller = vg_service_principal(f.arena, S3_LOGGING_SERVICE, f.scope.owner);
        assert_int_equal(s3_test_is_allowed(&f, "PutObject", "{" B ",'Key':'k'}"),
                         all[i].is_allowed);
    }
    f.scope.caller = vg_service_principal(f.arena, VG_STR("s3.amazonaws.com"), f.scope.owner);
    assert_false(s3_test_is_allowed(&f, "PutObject", "{" B ",'Key':'k'}"));
    vg_service_fixture_fini(&f);
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/ManageCorsUsing.html */
static void
cors_rules_are_checked_and_kept(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "GetBucketCors", "{" B "}",
          "NoSuchCORSConfiguration: The CORS configuration does not exist" },
        { "PutBucketCors", "{" B ",'CORSConfiguration':{'CORSRules':[]}}", NOT_WELL_FORMED },
        { "PutBucketCors",
          "{" B ",'CORSConfiguration':{'CORSRules':[{'AllowedMethods':['PATCH'],'AllowedOrigins':"
          "['*']}]}}",
          "InvalidRequest: Found unsupported HTTP method in CORS config. Unsupported method is "
          "PATCH" },
        { "PutBucketCors",
          "{" B ",'CORSConfiguration':{'CORSRules':[{'AllowedMethods':['GET'],'AllowedOrigins':"
          "['http://*.*']}]}}",
          "InvalidRequest: AllowedOrigin \"http://*.*\" can not have more than one wildcard." },
        { "PutBucketCors",
          "{" B ",'CORSConfiguration':{'CORSRules':[{'AllowedMethods':['GET'],'AllowedOrigins':"
          "['*'],'AllowedHeaders':['x-*-*']}]}}",
          "InvalidRequest: AllowedHeader \"x-*-*\" can not have more than one wildcard." },
        { "PutBucketCors",
          "{" B ",'CORSConfiguration':{'CORSRules':[{'AllowedMethods':['GET'],'AllowedOrigins':"
          "['*'],'ExposeHeaders':['x-*']}]}}",
          "InvalidRequest: ExposeHeader \"x-*\" contains wildcard. We currently do not support "
          "wildcard for ExposeHeader." },
        { "PutBucketCors", "{" B ",'CORSConfiguration':{'CORSRules':[{'AllowedMethods':['GET']}]}}",
          NOT_WELL_FORMED },
        { "PutBucketCors",
          "{" B ",'CORSConfiguration':{'CORSRules':[{'ID':'a','AllowedMethods':['GET','PUT'],"
          "'AllowedOrigins':['http://*.example.com'],'MaxAgeSeconds':30}]}}",
          "ok" },
        { "GetBucketCors", "{" B "}",
          "{'CORSRules':[{'ID':'a','AllowedMethods':['GET','PUT'],'AllowedOrigins':"
          "['http://*.example.com'],'MaxAgeSeconds':30}]}" },
        { "DeleteBucketCors", "{" B "}", "ok" },
        { "GetBucketCors", "{" B "}", "NoSuchCORSConfiguration" },
    };
    s3_test_play(s3_test_prepare, steps, VG_COUNT(steps));
}

static void
what_would_not_act_is_refused(void **state)
{
    (void)state;
    static const struct s3_step steps[] = {
        { "GetBucketRequestPayment", "{" B "}", "{'Payer':'BucketOwner'}" },
        { "GetBucketWebsite", "{" B "}",
          "NoSuchWebsiteConfiguration: The specified bucket does not have a website "
          "configuration" },
        { "GetBucketLifecycleConfiguration", "{" B "}",
          "NoSuchLifecycleConfiguration: The lifecycle configuration does not exist" },
        { "GetBucketNotificationConfiguration", "{" B "}", "{}" },
        { "PutBucketNotificationConfiguration",
          "{" B ",'NotificationConfiguration':{'EventBridgeConfiguration':{}}}",
          "NotImplemented: Event notification to Amazon EventBridge is not built" },
        { "GetBucketReplication", "{" B "}",
          "ReplicationConfigurationNotFoundError: The replication configuration was not found" },
        { "PutBucketReplication", "{" B ",'ReplicationConfiguration':{'Role':'r','Rules':[]}}",
          "NotImplemented: Replication is not built" },
        { "GetBucketAccelerateConfiguration", "{" B "}", "{}" },
        { "PutBucketAccelerateConfiguration",
          "{" B ",'AccelerateConfiguration':{'Status':'Enabled'}}",
          "NotImplemented: Transfer acceleration is not built" },
        { "GetBucketAbac", "{" B "}", "{'AbacStatus':{'Status':'Disabled'}}" },
        { "PutBucketAbac", "{" B ",'AbacStatus':{'Status':'Enabled'}}",
          "NotImplemented: Attribute-based access control of buckets is not built" },
    };
    s3_test_play(s3_test_prepare, steps, VG_COUNT(steps));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_fails_cleanly),
        cmocka_unit_test(every_operation_heeds_the_expected_owner),
        cmocka_unit_test(versioning_goes_on_and_off_but_never_back_to_none),
        cmocka_unit_test(tags_are_a_set_that_is_put_as_a_whole),
        cmocka_unit_test(fifty_tags_are_the_most),
        cmocka_unit_test(all_is_encrypted_with_aes256),
        cmocka_unit_test(object_lock_needs_versioning),
        cmocka_unit_test(public_access_is_blocked_until_it_is_unblocked),
        cmocka_unit_test(lists_count_where_owners_of_objects_do),
        cmocka_unit_test(lists_are_canned_or_granted),
        cmocka_unit_test(logs_are_delivered_by_whom_the_list_names),
        cmocka_unit_test(cors_rules_are_checked_and_kept),
        cmocka_unit_test(what_would_not_act_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
