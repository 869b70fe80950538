/* SPDX-License-Identifier: Apache-2.0 */

/* From a signed head to a principal and a decision, over the memory engine. */

#include "auth/auth.h"
#include "auth/store.h"
#include "base/test.h"
#include "crypto/random.h"

#include <stdlib.h>

#define ACCT VG_STR("000000000000")
#define NOW  1440938160000 /* 2015-08-30T12:36:00Z */

struct fix {
    struct vg_kv *kv;
    struct vg_arena *a;
    struct vg_sess s;
    struct vg_random *random;
    struct vg_auth *auth;
    struct vg_err err;
    int64_t now_ms;
};

static int64_t
now_of(const void *clock)
{
    return ((const struct fix *)clock)->now_ms;
}

static void
open_auth(struct fix *f)
{
    const struct vg_auth_options opt = { .account = ACCT,
                                         .partition = VG_STR("aws"),
                                         .root_key_id = VG_STR("test"),
                                         .root_secret = VG_STR("test"),
                                         .random = f->random,
                                         .now_ms = now_of,
                                         .clock = f };
    if (vg_auth_open(&opt, &f->s, &f->auth, &f->err) != VG_OK)
        fail_msg("%" VG_FMT, VG_ARG(vg_err_text(&f->err)));
}

static int
setup(void **state)
{
    static const uint8_t seed[VG_RANDOM_SEED_BYTES] = { 9 };
    struct fix *f = vg_xalloc(sizeof(*f));
    f->a = vg_arena_new(0);
    f->now_ms = NOW;
    f->random = vg_random_new(1, seed);
    assert_ok(vg_kv_open_mem(&f->kv, &f->err));
    vg_sess_init(&f->s, f->kv, f->a);
    open_auth(f);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fix *f = *state;
    vg_arena_free(f->a);
    vg_auth_close(f->auth);
    vg_kv_close(f->kv);
    vg_random_free(f->random);
    free(f);
    return 0;
}

/* One committed write of whatever the caller puts. */
static struct vg_iam
begin(struct fix *f)
{
    const struct vg_str parts[] = { vg_iam_part(f->a, ACCT), vg_iam_keys_part(f->a) };
    struct vg_tx *tx = NULL;
    assert_ok(vg_kv_begin(&f->s, parts, 2, &tx, &f->err));
    return (struct vg_iam) { .s = &f->s, .tx = tx, .account = ACCT, .err = &f->err };
}

static void
commit(struct fix *f, struct vg_iam *db)
{
    assert_ok(vg_tx_commit(&db->tx, &f->err));
    vg_auth_changed(f->auth);
}

static void
put_user(struct fix *f, struct auth_rec_identity *user)
{
    struct vg_iam db = begin(f);
    user->kind = VG_IDENTITY_USER;
    user->name = VG_STR("Ann");
    user->path = VG_STR("/dev/");
    user->id = VG_STR("AIDAANN");
    vg_iam_put_identity(&db, user);
    const struct auth_rec_key key = {
        .id = VG_STR("AKIAANN"), .secret = VG_STR("secret"), .account = ACCT, .user = VG_STR("Ann")
    };
    vg_iam_put_key(&db, &key);
    commit(f, &db);
}

/* Signs a GET as the key and hands it to both phases. */
static vg_rc
sign_in(struct fix *f, struct vg_str id, struct vg_str secret, struct vg_str token,
        const struct vg_authn_door *door, struct vg_authn *an)
{
    const struct vg_sigv4_rules rules = { .family = VG_AUTHN_JSON, .now_ms = NOW };
    struct vg_sigv4_header h[] = { { VG_STR("Host"), VG_STR("localhost") },
                                   { VG_STR("X-Amz-Date"), VG_STR("20150830T123600Z") },
                                   { VG_STR("Authorization"), VG_STR_NONE },
                                   { VG_STR("X-Amz-Security-Token"), token } };
    const struct vg_sigv4_request rq = {
        .method = VG_STR("GET"), .target = VG_STR("/"), .headers = h, .n_headers = token.ptr ? 4 : 3
    };
    struct vg_sigv4 sig = { .date = VG_STR("20150830"),
                            .region = VG_STR("us-east-1"),
                            .service = VG_STR("iam"),
                            .terminator = VG_STR("aws4_request"),
                            .amz_date = h[1].value,
                            .signed_headers = VG_STR("host;x-amz-date") };
    uint8_t body[VG_SHA256_BYTES], key[VG_SHA256_BYTES], mac[VG_SHA256_BYTES];
    vg_sha256(VG_STR(""), body);
    struct vg_str canonical = vg_sigv4_canonical(f->a, &rq, &rules, &sig, vg_hex(f->a, body, 32));
    vg_sigv4_signing_key(secret, sig.date, sig.region, sig.service, key);
    vg_hmac_sha256(vg_str_n(key, 32), vg_sigv4_string_to_sign(f->a, &sig, canonical), mac);
    h[2].value = vg_str_fmt(f->a,
                            "AWS4-HMAC-SHA256 Credential=%" VG_FMT
                            "/20150830/us-east-1/iam/aws4_request, SignedHeaders=host;x-amz-date, "
                            "Signature=%" VG_FMT,
                            VG_ARG(id), VG_ARG(vg_hex(f->a, mac, 32)));
    vg_rc rc = vg_authn_begin(f->auth, &f->s, &rq, &rules, door, an, &f->err);
    if (rc == VG_OK && an->needs_body)
        rc = vg_authn_finish(f->auth, f->a, &rq, &rules, an, body, &f->err);
    return rc;
}

static bool
may(struct fix *f, const struct vg_principal *who, struct vg_str action)
{
    const struct vg_access what = { .action = action,
                                    .resource = VG_STR("arn:aws:sqs:r:000000000000:q") };
    struct vg_decision d;
    if (vg_auth_decide(f->auth, &f->s, who, &what, &d, &f->err) != VG_OK)
        fail_msg("%" VG_FMT, VG_ARG(vg_err_text(&f->err)));
    return d.is_allowed;
}

#define OPEN ((const struct vg_authn_door[]) { { 0 } })

static void
the_root_key_comes_from_the_configuration(void **state)
{
    struct fix *f = *state;
    struct vg_authn an;
    assert_ok(sign_in(f, VG_STR("test"), VG_STR("test"), VG_STR_NONE, OPEN, &an));
    assert_int_equal(an.principal->kind, VG_PRINCIPAL_ROOT);
    assert_str(an.principal->arn, "arn:aws:iam::000000000000:root");
    assert_true(may(f, an.principal, VG_STR("sqs:SendMessage")));
    assert_int_equal(sign_in(f, VG_STR("test"), VG_STR("best"), VG_STR_NONE, OPEN, &an), VG_FAIL);
    assert_str(f->err.def->code, "InvalidSignatureException");
    assert_int_equal(sign_in(f, VG_STR("tset"), VG_STR("test"), VG_STR_NONE, OPEN, &an), VG_FAIL);
    assert_str(f->err.def->code, "UnrecognizedClientException");
}

/* Not from a sandbox, a foreign page or under a foreign Host. */
static void
the_root_key_is_refused_where_the_door_says_so(void **state)
{
    struct fix *f = *state;
    struct vg_authn an;
    const struct vg_authn_door shut = { .is_root_refused = true, .why = VG_STR("Not here.") };
    assert_int_equal(sign_in(f, VG_STR("test"), VG_STR("test"), VG_STR_NONE, &shut, &an), VG_FAIL);
    assert_str(vg_err_text(&f->err), "Not here.");
}

static void
a_user_may_what_the_records_say_at_that_time(void **state)
{
    struct fix *f = *state;
    struct vg_authn an;
    struct auth_rec_identity user = { 0 };
    put_user(f, &user);
    assert_ok(sign_in(f, VG_STR("AKIAANN"), VG_STR("secret"), VG_STR_NONE, OPEN, &an));
    assert_str(an.principal->arn, "arn:aws:iam::000000000000:user/dev/Ann");
    assert_false(may(f, an.principal, VG_STR("sqs:SendMessage")));

    struct vg_str arn = VG_STR("arn:aws:iam::aws:policy/AmazonSQSFullAccess");
    *VG_VEC_ADD(f->a, &user.attached) = arn;
    put_user(f, &user);
    assert_true(may(f, an.principal, VG_STR("sqs:SendMessage")));
    assert_false(may(f, an.principal, VG_STR("sns:Publish")));

    user.boundary = VG_STR("arn:aws:iam::aws:policy/AmazonSNSFullAccess");
    put_user(f, &user);
    assert_false(may(f, an.principal, VG_STR("sqs:SendMessage")));
    user.boundary = VG_STR("arn:aws:iam::000000000000:policy/gone");
    put_user(f, &user);
    assert_false(may(f, an.principal, VG_STR("sqs:SendMessage")));
}

static void
groups_lend_their_policies(void **state)
{
    struct fix *f = *state;
    struct vg_authn an;
    struct auth_rec_identity user = { 0 };
    *VG_VEC_ADD(f->a, &user.groups) = VG_STR("Devs");
    put_user(f, &user);
    struct auth_rec_identity group = { .kind = VG_IDENTITY_GROUP, .name = VG_STR("Devs") };
    *VG_VEC_ADD(f->a, &group.inlines) = (struct auth_rec_inline) {
        .name = VG_STR("p"),
        .document = VG_STR("{\"Statement\":{\"Effect\":\"Allow\",\"Action\":\"sqs:Send*\","
                           "\"Resource\":\"*\"}}"),
    };
    struct vg_iam db = begin(f);
    vg_iam_put_identity(&db, &group);
    commit(f, &db);
    assert_ok(sign_in(f, VG_STR("AKIAANN"), VG_STR("secret"), VG_STR_NONE, OPEN, &an));
    assert_true(may(f, an.principal, VG_STR("sqs:SendMessage")));
    assert_false(may(f, an.principal, VG_STR("sqs:ReceiveMessage")));
}

static void
put_role(struct fix *f, struct vg_str id)
{
    struct auth_rec_identity role = { .kind = VG_IDENTITY_ROLE,
                                      .name = VG_STR("Fn"),
                                      .path = VG_STR("/"),
                                      .id = id,
                                      .trust = VG_STR("{\"Statement\":{\"Effect\":\"Allow\","
                                                      "\"Principal\":{\"Service\":"
                                                      "\"lambda.amazonaws.com\"},"
                                                      "\"Action\":\"sts:AssumeRole\"}}") };
    *VG_VEC_ADD(f->a, &role.attached) = VG_STR("arn:aws:iam::aws:policy/AmazonSQSFullAccess");
    struct vg_iam db = begin(f);
    vg_iam_put_identity(&db, &role);
    commit(f, &db);
}

static vg_rc
issue(struct fix *f, struct vg_str service, struct vg_credentials *ret)
{
    return vg_auth_issue_role_session(f->auth, &f->s, VG_STR("arn:aws:iam::000000000000:role/Fn"),
                                      VG_STR("hello"), service, 900, ret, &f->err);
}

static void
a_role_session_signs_until_it_expires(void **state)
{
    struct fix *f = *state;
    struct vg_credentials c;
    struct vg_authn an;
    assert_int_equal(issue(f, VG_STR("lambda.amazonaws.com"), &c), VG_FAIL);
    put_role(f, VG_STR("AROAFN"));
    assert_int_equal(issue(f, VG_STR("states.amazonaws.com"), &c), VG_FAIL);
    assert_str(f->err.def->code, "AccessDenied");
    assert_ok(issue(f, VG_STR("lambda.amazonaws.com"), &c));
    assert_true(vg_str_starts(c.access_key_id, VG_STR("ASIA")));

    assert_ok(sign_in(f, c.access_key_id, c.secret_access_key, c.session_token, OPEN, &an));
    assert_str(an.principal->arn, "arn:aws:sts::000000000000:assumed-role/Fn/hello");
    assert_str(an.principal->user_id, "AROAFN:hello");
    assert_true(may(f, an.principal, VG_STR("sqs:SendMessage")));
    assert_int_equal(sign_in(f, c.access_key_id, c.secret_access_key, VG_STR("bad"), OPEN, &an),
                     VG_FAIL);
    assert_int_equal(sign_in(f, c.access_key_id, c.secret_access_key, VG_STR_NONE, OPEN, &an),
                     VG_FAIL);
    f->now_ms += 900 * 1000;
    assert_int_equal(sign_in(f, c.access_key_id, c.secret_access_key, c.session_token, OPEN, &an),
                     VG_FAIL);
    assert_str(f->err.def->code, "ExpiredTokenException");
}

static void
a_session_outlives_a_restart_but_not_its_role(void **state)
{
    struct fix *f = *state;
    struct vg_credentials c;
    struct vg_authn an;
    put_role(f, VG_STR("AROAFN"));
    assert_ok(issue(f, VG_STR("lambda.amazonaws.com"), &c));
    struct vg_auth *old = f->auth;
    open_auth(f);
    assert_ok(sign_in(f, c.access_key_id, c.secret_access_key, c.session_token, OPEN, &an));
    put_role(f, VG_STR("AROAOTHER"));
    assert_int_equal(sign_in(f, c.access_key_id, c.secret_access_key, c.session_token, OPEN, &an),
                     VG_FAIL);
    assert_str(f->err.def->code, "UnrecognizedClientException");
    vg_arena_clear(f->a); /* gives cached entries back before their cache goes */
    vg_auth_close(old);
}

static void
a_key_id_tells_its_account(void **state)
{
    struct fix *f = *state;
    struct vg_str account;
    struct vg_str id = vg_auth_new_key_id(f->auth, f->a, VG_STR("AKIA"), VG_STR("123456789012"));
    assert_int_equal(id.len, 20);
    assert_true(vg_auth_key_account(f->a, id, &account));
    assert_str(account, "123456789012");
    /* an example of AWS's documentation, older than the scheme */
    assert_false(vg_auth_key_account(f->a, VG_STR("AKIAIOSFODNN7EXAMPLE"), &account));
}

static uint32_t
writes_of_a_use(struct fix *f, const struct vg_authn *an)
{
    uint32_t before = f->s.n_writes;
    assert_ok(vg_auth_used(f->auth, &f->s, an, &f->err));
    return f->s.n_writes - before;
}

/* A write for each request would be the cost of the whole feature: one a quarter of an hour. */
static void
uses_of_a_key_are_written_now_and_then(void **state)
{
    struct fix *f = *state;
    struct vg_authn an;
    struct auth_rec_identity user = { 0 };
    struct auth_rec_key key;
    put_user(f, &user);
    assert_ok(sign_in(f, VG_STR("AKIAANN"), VG_STR("secret"), VG_STR_NONE, OPEN, &an));
    const struct vg_iam db = { .s = &f->s, .err = &f->err };
    assert_ok(vg_iam_key(&db, VG_STR("AKIAANN"), &key));
    vg_auth_last_use(f->auth, &f->s, &key);
    assert_int_equal(key.used_ms, 0);

    int64_t first_ms = f->now_ms;
    assert_int_equal(writes_of_a_use(f, &an), 1);
    f->now_ms += 15 * 60 * 1000 - 1;
    assert_int_equal(writes_of_a_use(f, &an), 0);
    assert_ok(vg_iam_key(&db, VG_STR("AKIAANN"), &key));
    assert_int_equal(key.used_ms, first_ms);
    vg_auth_last_use(f->auth, &f->s, &key);
    assert_int_equal(key.used_ms, f->now_ms);
    assert_str(key.used_service, "iam");
    f->now_ms += 1;
    assert_int_equal(writes_of_a_use(f, &an), 1);

    /* a key that is gone does not come back */
    struct vg_iam tx = begin(f);
    vg_iam_del_key(&tx, VG_STR("AKIAANN"));
    commit(f, &tx);
    f->now_ms += 15 * 60 * 1000;
    assert_int_equal(writes_of_a_use(f, &an), 0);
    assert_ok(vg_iam_key(&db, VG_STR("AKIAANN"), &key));
    assert_null(key.id.ptr);
    assert_ok(sign_in(f, VG_STR("test"), VG_STR("test"), VG_STR_NONE, OPEN, &an));
    assert_int_equal(writes_of_a_use(f, &an), 0);
}

/* What DecodeAuthorizationMessage opens: our own, whole, and no other kind of sealed text. */
static void
a_message_is_opened_only_as_it_was_sealed(void **state)
{
    struct fix *f = *state;
    struct vg_str text, sealed = vg_auth_seal_message(f->auth, f->a, VG_STR("{\"allowed\":false}"));
    assert_true(vg_auth_open_message(f->auth, f->a, sealed, &text));
    assert_str(text, "{\"allowed\":false}");
    assert_false(vg_auth_open_message(f->auth, f->a, vg_str_slice(sealed, 4, sealed.len), &text));
    struct vg_credentials c;
    put_role(f, VG_STR("AROAFN"));
    assert_ok(issue(f, VG_STR("lambda.amazonaws.com"), &c));
    assert_false(vg_auth_open_message(f->auth, f->a, c.session_token, &text));
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_root_key_comes_from_the_configuration),
        TEST(the_root_key_is_refused_where_the_door_says_so),
        TEST(a_user_may_what_the_records_say_at_that_time),
        TEST(groups_lend_their_policies),
        TEST(a_role_session_signs_until_it_expires),
        TEST(a_session_outlives_a_restart_but_not_its_role),
        TEST(a_key_id_tells_its_account),
        TEST(uses_of_a_key_are_written_now_and_then),
        TEST(a_message_is_opened_only_as_it_was_sealed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
