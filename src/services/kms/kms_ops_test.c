/* SPDX-License-Identifier: Apache-2.0 */

/* Operations over the store in memory, and each of them with each call of the store failing. */

#include "core/service_test.h"

#include "services/kms/ops.h"

/* In requests, K stands for the first key's id, C for what Encrypt answered, G for a grant. */
static struct vg_str key_id, blob, grant_id;

static struct vg_str
member(struct vg_service_fixture *f, struct vg_str json, const char *name)
{
    struct vg_str mark = vg_str_fmt(f->arena, "\"%s\":\"", name);
    size_t at = vg_str_find(json, mark);
    assert_true(at != VG_NPOS);
    struct vg_str rest = vg_str_slice(json, at + mark.len, json.len);
    return vg_str_cut(&rest, '"');
}

static const char *
spell(struct vg_arena *arena, const char *json)
{
    struct vg_str rest = vg_str_of(json), out = VG_STR("");
    for (size_t i = 0; i < rest.len; i++) {
        struct vg_str c = vg_str_slice(rest, i, i + 1);
        bool is_alone = i > 0 && rest.ptr[i - 1] == '\'' && rest.ptr[i + 1] == '\'';
        if (is_alone && *c.ptr == 'K')
            c = key_id;
        else if (is_alone && *c.ptr == 'C')
            c = blob;
        else if (is_alone && *c.ptr == 'G')
            c = grant_id;
        out = vg_str_cat(arena, out, c);
    }
    return vg_str_cstr(arena, out);
}

/* A key with an alias and a ciphertext. Ids live as long as the fixture's arena. */
static void
prepare(struct vg_service_fixture *f)
{
    f->spell = spell;
    key_id = member(f, vg_service_fixture_ok(f, "CreateKey", "{'Description':'one'}"), "KeyId");
    vg_service_fixture_ok(f, "CreateAlias", "{'AliasName':'alias/a','TargetKeyId':'K'}");
    vg_service_fixture_ok(f, "TagResource", "{'KeyId':'K','Tags':[{'TagKey':'k','TagValue':'v'}]}");
    blob = member(f,
                  vg_service_fixture_ok(f, "Encrypt",
                                        "{'KeyId':'alias/a','Plaintext':'aGVsbG8=',"
                                        "'EncryptionContext':{'x':'1','y':'2'}}"),
                  "CiphertextBlob");
    grant_id = member(f,
                      vg_service_fixture_ok(f, "CreateGrant",
                                            "{'KeyId':'K','GranteePrincipal':'000000000000',"
                                            "'Operations':['Decrypt']}"),
                      "GrantId");
}

static void
every_operation_fails_cleanly(void **state)
{
    (void)state;
    static const struct vg_service_call calls[] = {
        { "CreateKey", "{}" },
        { "DescribeKey", "{'KeyId':'alias/a'}" },
        { "DescribeKey", "{'KeyId':'alias/aws/s3'}" },
        { "ListKeys", "{}" },
        { "EnableKey", "{'KeyId':'K'}" },
        { "DisableKey", "{'KeyId':'K'}" },
        { "ScheduleKeyDeletion", "{'KeyId':'K'}" },
        { "UpdateKeyDescription", "{'KeyId':'K','Description':'two'}" },
        { "CreateAlias", "{'AliasName':'alias/b','TargetKeyId':'K'}" },
        { "UpdateAlias", "{'AliasName':'alias/a','TargetKeyId':'K'}" },
        { "DeleteAlias", "{'AliasName':'alias/a'}" },
        { "ListAliases", "{'KeyId':'K'}" },
        { "GetKeyPolicy", "{'KeyId':'K'}" },
        { "ListKeyPolicies", "{'KeyId':'K'}" },
        { "TagResource", "{'KeyId':'K','Tags':[{'TagKey':'l','TagValue':'v'}]}" },
        { "UntagResource", "{'KeyId':'K','TagKeys':['k']}" },
        { "ListResourceTags", "{'KeyId':'K'}" },
        { "EnableKeyRotation", "{'KeyId':'K'}" },
        { "DisableKeyRotation", "{'KeyId':'K'}" },
        { "GetKeyRotationStatus", "{'KeyId':'K'}" },
        { "RotateKeyOnDemand", "{'KeyId':'K'}" },
        { "ListKeyRotations", "{'KeyId':'K'}" },
        { "Encrypt", "{'KeyId':'alias/a','Plaintext':'aGVsbG8='}" },
        { "Decrypt", "{'CiphertextBlob':'C','EncryptionContext':{'y':'2','x':'1'}}" },
        { "ReEncrypt", "{'CiphertextBlob':'C','SourceEncryptionContext':{'y':'2','x':'1'},"
                       "'DestinationKeyId':'alias/a'}" },
        { "GenerateDataKey", "{'KeyId':'K','KeySpec':'AES_256'}" },
        { "CreateGrant", "{'KeyId':'K','GranteePrincipal':'000000000000','Name':'n',"
                         "'Operations':['Encrypt']}" },
        { "ListGrants", "{'KeyId':'K'}" },
        { "ListRetirableGrants", "{'RetiringPrincipal':'000000000000'}" },
        { "RevokeGrant", "{'KeyId':'K','GrantId':'G'}" },
        { "RetireGrant", "{'KeyId':'K','GrantId':'G'}" },
        { "GenerateDataKeyWithoutPlaintext", "{'KeyId':'K','NumberOfBytes':64}" },
    };
    vg_service_fixture_fail_all(&kms_service, prepare, calls, VG_COUNT(calls));
}

/* Encryption writes nothing: the alias, the key, its material, the root that opens it. */
static void
encryption_reads_the_store_four_times(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    vg_service_fixture_begin(&f, &kms_service, prepare);
    vg_service_fixture_ok(&f, "Encrypt", "{'KeyId':'alias/a','Plaintext':'aGVsbG8='}");
    assert_int_equal(f.n_reads, 4);
    assert_int_equal(f.n_writes, 0);
    vg_service_fixture_fini(&f);
}

static void
what_falls_due_leaves_a_key_alone_that_is_not_due(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    vg_service_fixture_begin(&f, &kms_service, prepare);
    static const char due[] = "{'Account':'000000000000','Region':'us-east-1','KeyId':'K'}";
    vg_service_fixture_ok(&f, "_DeleteKey", due);
    vg_service_fixture_ok(&f, "_RotateKey", due);
    vg_service_fixture_ok(&f, "ScheduleKeyDeletion", "{'KeyId':'K','PendingWindowInDays':7}");
    vg_service_fixture_ok(&f, "_DeleteKey", due);
    vg_service_fixture_ok(&f, "DescribeKey", "{'KeyId':'K'}");
    vg_service_fixture_ok(&f, "_DeleteKey",
                          "{'Account':'000000000000','Region':'us-east-1','KeyId':'none'}");
    vg_service_fixture_ok(&f, "_RotateKey",
                          "{'Account':'000000000000','Region':'us-east-1','KeyId':'none'}");
    vg_service_fixture_fini(&f);
}

#define UNSEAL(context) "{'KeyId':'K','CiphertextBlob':'C','EncryptionContext':" context "}"

/* For checks: what a service keeps is opened whatever the key's state, and asks no policy. */
static void
what_is_kept_sealed_is_opened_for_checks(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    vg_service_fixture_init(&f, &kms_service);
    prepare(&f);
    static const char hello[] = "{'Plaintext':'aGVsbG8='}";
    vg_service_fixture_expect(&f, "_Unseal", UNSEAL("{'y':'2','x':'1'}"), hello);
    assert_int_equal(f.n_writes, 0);
    vg_service_fixture_ok(&f, "DisableKey", "{'KeyId':'K'}");
    vg_service_fixture_expect(&f, "_Unseal", UNSEAL("{'x':'1','y':'2'}"), hello);
    assert_true(vg_str_starts(vg_service_fixture_call(&f, "_Unseal", UNSEAL("{'x':'1'}")),
                              VG_STR("InvalidCiphertextException: ")));
    vg_auto_arena struct vg_arena *own = vg_arena_new(0);
    key_id = vg_str_dup(own, key_id);
    blob = vg_str_dup(own, blob);
    vg_service_fixture_fini(&f);

    vg_service_fixture_init(&f, &kms_service); /* another store, without that key */
    f.spell = spell;
    assert_true(vg_str_starts(vg_service_fixture_call(&f, "_Unseal", UNSEAL("{'x':'1'}")),
                              VG_STR("NotFoundException: ")));
    vg_service_fixture_fini(&f);
}

/* https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html: "You must specify
 * either the KeySpec or the NumberOfBytes parameter (but not both)". */
static void
what_is_not_carried_out_is_refused(void **state)
{
    (void)state;
    struct vg_service_fixture f;
    vg_service_fixture_begin(&f, &kms_service, prepare);
    vg_service_fixture_expect(&f, "GenerateDataKey", "{'KeyId':'K'}",
                              "ValidationException: Please specify either number of bytes or key "
                              "spec.");
    vg_service_fixture_expect(&f, "GenerateRandom", "{}",
                              "ValidationException: NumberOfBytes must be given.");
    vg_service_fixture_expect(&f, "CreateKey", "{'KeyUsage':'SIGN_VERIFY'}",
                              "ValidationException: KeyUsage SIGN_VERIFY is not compatible with "
                              "KeySpec SYMMETRIC_DEFAULT");
    static const char *const unbuilt[] = {
        "{'KeySpec':'RSA_2048','KeyUsage':'SIGN_VERIFY'}",
        "{'CustomerMasterKeySpec':'HMAC_256'}",
        "{'Origin':'EXTERNAL'}",
        "{'MultiRegion':true}",
        "{'CustomKeyStoreId':'cks-1'}",
        "{'XksKeyId':'x'}",
    };
    for (size_t i = 0; i < VG_COUNT(unbuilt); i++)
        assert_true(vg_str_starts(vg_service_fixture_call(&f, "CreateKey", unbuilt[i]),
                                  VG_STR("UnsupportedOperationException: ")));
    assert_true(vg_str_starts(vg_service_fixture_call(&f, "Encrypt",
                                                      "{'KeyId':'K','Plaintext':'aGVsbG8=',"
                                                      "'EncryptionAlgorithm':'SM2PKE'}"),
                              VG_STR("InvalidKeyUsageException: ")));
    vg_service_fixture_fini(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_fails_cleanly),
        cmocka_unit_test(encryption_reads_the_store_four_times),
        cmocka_unit_test(what_falls_due_leaves_a_key_alone_that_is_not_due),
        cmocka_unit_test(what_is_kept_sealed_is_opened_for_checks),
        cmocka_unit_test(what_is_not_carried_out_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
