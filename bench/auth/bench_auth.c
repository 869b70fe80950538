/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a signature and an access decision cost, in nanoseconds: as the dispatcher asks for them, of
 * a user with five policies, records in the memory engine, caches warm.  One JSON object on stdout.
 */

#include "auth/auth.h"
#include "auth/store.h"
#include "base/arena.h"
#include "crypto/random.h"
#include "os/clock.h"

#include <stdio.h>
#include <stdlib.h>

#define ACCT    VG_STR("000000000000")
#define WALL_MS 1440938160000 /* 2015-08-30T12:36:00Z */
#define ROUNDS  200000

struct bench {
    struct vg_sess s;
    struct vg_auth *auth;
    struct vg_err err;
    struct vg_sigv4_request rq;
    struct vg_sigv4_rules rules;
    struct vg_authn an;
};

static int64_t
now_ms(const void *clock)
{
    (void)clock;
    return WALL_MS;
}

static void
must(vg_rc rc, const struct vg_err *err)
{
    if (rc == VG_OK)
        return;
    fprintf(stderr, "%" VG_FMT "\n", VG_ARG(vg_err_text(err)));
    exit(1);
}

/* Five policies as an application's role has them: three of AWS's, two of its own. */
static void
put_user(struct bench *b)
{
    static const struct vg_str own[] = {
        VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":["
                    "\"dynamodb:GetItem\",\"dynamodb:PutItem\",\"dynamodb:Query\"],\"Resource\":["
                    "\"arn:aws:dynamodb:*:*:table/notes\",\"arn:aws:dynamodb:*:*:table/notes/"
                    "index/*\"],\"Condition\":{\"StringEquals\":{\"aws:RequestedRegion\":"
                    "\"us-east-1\"}}}]}"),
        VG_STR_INIT("{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Action\":"
                    "\"*:Delete*\",\"Resource\":\"*\",\"Condition\":{\"StringNotLike\":{"
                    "\"aws:PrincipalArn\":\"arn:aws:iam::*:role/admin\"}}}]}"),
    };
    struct vg_arena *a = b->s.arena;
    struct auth_rec_identity user = { .kind = VG_IDENTITY_USER,
                                      .name = VG_STR("ann"),
                                      .path = VG_STR("/"),
                                      .id = VG_STR("AIDAANN") };
    for (size_t i = 0; i < VG_COUNT(own); i++)
        *VG_VEC_ADD(a, &user.inlines) =
            (struct auth_rec_inline) { .name = VG_STR("p"), .document = own[i] };
    *VG_VEC_ADD(a, &user.attached) =
        VG_STR("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole");
    *VG_VEC_ADD(a, &user.attached) =
        VG_STR("arn:aws:iam::aws:policy/service-role/AWSLambdaSQSQueueExecutionRole");
    *VG_VEC_ADD(a, &user.attached) = VG_STR("arn:aws:iam::aws:policy/AWSXRayDaemonWriteAccess");
    const struct auth_rec_key key = {
        .id = VG_STR("AKIAANN"), .secret = VG_STR("secret"), .account = ACCT, .user = user.name
    };
    const struct vg_str parts[] = { vg_iam_part(a, ACCT), vg_iam_keys_part(a) };
    struct vg_iam db = { .s = &b->s, .account = ACCT, .err = &b->err };
    must(vg_kv_begin(&b->s, parts, 2, &db.tx, &b->err), &b->err);
    vg_iam_put_identity(&db, &user);
    vg_iam_put_key(&db, &key);
    must(vg_tx_commit(&db.tx, &b->err), &b->err);
}

static uint8_t body[VG_SHA256_BYTES];

static void
authenticate(struct bench *b)
{
    static const struct vg_authn_door open = { 0 };
    must(vg_authn_begin(b->auth, &b->s, &b->rq, &b->rules, &open, &b->an, &b->err), &b->err);
    must(vg_authn_finish(b->auth, b->s.arena, &b->rq, &b->rules, &b->an, body, &b->err), &b->err);
}

static void
decide(struct bench *b)
{
    const struct vg_access what = {
        .action = VG_STR("dynamodb:PutItem"),
        .resource = VG_STR("arn:aws:dynamodb:us-east-1:000000000000:table/notes"),
        .region = VG_STR("us-east-1"),
    };
    struct vg_decision d;
    must(vg_auth_decide(b->auth, &b->s, b->an.principal, &what, &d, &b->err), &b->err);
    VG_ASSERT(d.is_allowed);
}

/* A principal lives as long as the arena that asked for it, so each round begins with a sign-in. */
static double
time_of(struct bench *b, bool with_decision)
{
    int64_t from = vg_mono_us();
    for (int i = 0; i < ROUNDS; i++) {
        vg_arena_clear(b->s.arena);
        authenticate(b);
        if (with_decision)
            decide(b);
    }
    return (double)(vg_mono_us() - from) * 1000 / ROUNDS;
}

/* The header that botocore would send, signed with our own steps. */
static struct vg_sigv4_header headers[3];

static void
sign(struct bench *b, struct vg_arena *a)
{
    struct vg_sigv4 sig = { .date = VG_STR("20150830"),
                            .region = VG_STR("us-east-1"),
                            .service = VG_STR("dynamodb"),
                            .terminator = VG_STR("aws4_request"),
                            .amz_date = VG_STR("20150830T123600Z"),
                            .signed_headers = VG_STR("host;x-amz-date") };
    uint8_t key[VG_SHA256_BYTES], mac[VG_SHA256_BYTES];
    headers[0] = (struct vg_sigv4_header) { VG_STR("Host"), VG_STR("127.0.0.1:4566") };
    headers[1] = (struct vg_sigv4_header) { VG_STR("X-Amz-Date"), sig.amz_date };
    b->rq = (struct vg_sigv4_request) { VG_STR("POST"), VG_STR("/"), headers, 3 };
    b->rules = (struct vg_sigv4_rules) { .family = VG_AUTHN_JSON, .now_ms = WALL_MS };
    vg_sha256(VG_STR(""), body);
    struct vg_str text =
        vg_sigv4_canonical(a, &b->rq, &b->rules, &sig, vg_hex(a, body, sizeof(body)));
    vg_sigv4_signing_key(VG_STR("secret"), sig.date, sig.region, sig.service, key);
    vg_hmac_sha256(vg_str_n(key, sizeof(key)), vg_sigv4_string_to_sign(a, &sig, text), mac);
    headers[2] = (struct vg_sigv4_header) {
        VG_STR("Authorization"),
        vg_str_fmt(a,
                   "AWS4-HMAC-SHA256 Credential=AKIAANN/20150830/us-east-1/dynamodb/aws4_request, "
                   "SignedHeaders=host;x-amz-date, Signature=%" VG_FMT,
                   VG_ARG(vg_hex(a, mac, sizeof(mac))))
    };
}

int
main(void)
{
    struct bench b = { 0 };
    struct vg_kv *kv;
    struct vg_arena *kept = vg_arena_new(0);
    struct vg_random *random = vg_random_new(1, NULL);
    const struct vg_auth_options opt = { .account = ACCT,
                                         .partition = VG_STR("aws"),
                                         .root_key_id = VG_STR("test"),
                                         .root_secret = VG_STR("test"),
                                         .random = random,
                                         .now_ms = now_ms };
    must(vg_kv_open_mem(&kv, &b.err), &b.err);
    vg_sess_init(&b.s, kv, vg_arena_new(0));
    must(vg_auth_open(&opt, &b.s, &b.auth, &b.err), &b.err);
    put_user(&b);
    sign(&b, kept);
    time_of(&b, true); /* warm */
    double sign_ns = time_of(&b, false), both_ns = time_of(&b, true);
    printf("{\"authenticate_ns\": %.0f, \"decide_ns\": %.0f}\n", sign_ns, both_ns - sign_ns);
    vg_arena_free(b.s.arena);
    vg_auth_close(b.auth);
    vg_kv_close(kv);
    vg_random_free(random);
    vg_arena_free(kept);
    return 0;
}
