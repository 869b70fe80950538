/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Temporary credentials.  The session token is the session, sealed: nothing is stored, so a restart
 * forgets none and there is nothing to sweep; it ends by its own date on the virtual clock, and
 * with the identity it was made for.
 */

#include "auth/auth_int.h"

#include "base/arena.h"
#include "codec/base64.h"
#include "crypto/random.h"

#define TOKEN_MAX_BYTES  (64u << 10)
#define KEY_RANDOM_BYTES 10
#define TOKEN_LABEL      VG_STR("session-token")
#define MESSAGE_LABEL    VG_STR("authorization-message")

/*
 * As AWS's own ids do since 2019, the 16 characters are 10 bytes of base32 whose bits 1 to 40 hold
 * the account, so that GetAccessKeyInfo can tell it.
 */
struct vg_str
vg_auth_new_key_id(struct vg_auth *auth, struct vg_arena *arena, struct vg_str prefix,
                   struct vg_str account)
{
    uint8_t b[KEY_RANDOM_BYTES];
    uint64_t number = 0;
    vg_random_bytes(auth->opt.random, b, sizeof(b));
    if (!vg_str_to_u64(account, &number))
        number = 0;
    uint64_t head = (UINT64_C(1) << 47) | (number & 0xffffffffff) << 7 | (b[5] & 0x7f);
    for (int i = 5; i >= 0; i--) {
        b[i] = (uint8_t)head;
        head >>= 8;
    }
    char *out = vg_arena_alloc(arena, prefix.len + 17);
    memcpy(out, prefix.ptr, prefix.len);
    for (size_t i = 0; i < 16; i++) {
        size_t bit = i * 5, at = bit / 8;
        unsigned two = (unsigned)b[at] << 8 | (at + 1 < sizeof(b) ? b[at + 1] : 0);
        out[prefix.len + i] = VG_ALPHA_BASE32.ptr[two >> (11 - bit % 8) & 31];
    }
    return vg_str_n(out, prefix.len + 16);
}

bool
vg_auth_key_account(struct vg_arena *arena, struct vg_str key_id, struct vg_str *ret)
{
    if (key_id.len != 20)
        return false;
    uint64_t head = 0;
    for (size_t i = 4; i < 14; i++) { /* 50 bits, of which 48 are wanted */
        size_t v = vg_str_find_char(VG_ALPHA_BASE32, key_id.ptr[i]);
        if (v == VG_NPOS)
            return false;
        head = head << 5 | v;
    }
    head >>= 2;
    if (!(head >> 47 & 1))
        return false;
    *ret = vg_str_fmt(arena, "%012llu", (unsigned long long)(head >> 7 & 0xffffffffff));
    return true;
}

struct vg_str
vg_auth_new_secret(struct vg_auth *auth, struct vg_arena *arena)
{
    return vg_random_text(auth->opt.random, arena, VG_STR(""), VG_ALPHA_BASE64, 40);
}

bool
auth_token_open(struct vg_auth *auth, struct vg_arena *arena, struct vg_str token,
                struct auth_rec_session *ret)
{
    struct vg_str sealed, plain;
    struct vg_err err = { 0 };
    if (token.len > TOKEN_MAX_BYTES || !vg_base64_decode(arena, token, &sealed)
        || !vg_unseal(arena, auth->seal_key, TOKEN_LABEL, sealed, &plain))
        return false;
    return auth_rec_session_decode(arena, plain, ret, &err) == VG_OK;
}

vg_rc
vg_auth_issue(struct vg_auth *auth, struct vg_arena *arena, struct auth_rec_session *t,
              struct vg_credentials *ret, struct vg_err *err)
{
    t->access_key_id = vg_auth_new_key_id(auth, arena, VG_STR("ASIA"), t->account);
    t->secret = vg_auth_new_secret(auth, arena);
    struct vg_buf b;
    vg_buf_init(&b, arena, TOKEN_MAX_BYTES);
    auth_rec_session_encode(t, &b);
    if (b.over)
        return vg_err_set(err, "the session's policies and tags are too long");
    struct vg_str sealed =
        vg_seal(auth->opt.random, arena, auth->seal_key, TOKEN_LABEL, vg_buf_str(&b));
    *ret = (struct vg_credentials) {
        .access_key_id = t->access_key_id,
        .secret_access_key = t->secret,
        .session_token = vg_base64_encode(arena, sealed),
        .expires_ms = t->expires_ms,
    };
    return VG_OK;
}

struct vg_str
vg_auth_seal_message(struct vg_auth *auth, struct vg_arena *arena, struct vg_str json)
{
    return vg_base64_encode(arena,
                            vg_seal(auth->opt.random, arena, auth->seal_key, MESSAGE_LABEL, json));
}

bool
vg_auth_open_message(struct vg_auth *auth, struct vg_arena *arena, struct vg_str encoded,
                     struct vg_str *ret)
{
    struct vg_str sealed;
    return vg_base64_decode(arena, encoded, &sealed)
           && vg_unseal(arena, auth->seal_key, MESSAGE_LABEL, sealed, ret);
}

/* --- sessions of services
 * -------------------------------------------------------------------------
 */

static const struct vg_errdef access_denied = { .code = VG_STR_INIT("AccessDenied"),
                                                .http_status = 403,
                                                .is_sender_fault = true };

static vg_rc
deny(struct vg_err *err, struct vg_arena *arena, struct vg_str service, struct vg_str role_arn)
{
    struct vg_str text = vg_str_fmt(arena,
                                    "%" VG_FMT " is not authorized to perform: sts:AssumeRole on "
                                    "resource: %" VG_FMT,
                                    VG_ARG(service), VG_ARG(role_arn));
    vg_err_set(err, "%" VG_FMT, VG_ARG(text));
    err->def = &access_denied;
    err->text = text;
    return VG_FAIL;
}

vg_rc
vg_auth_issue_role_session(struct vg_auth *auth, struct vg_sess *s, struct vg_str role_arn,
                           struct vg_str session_name, struct vg_str service, int64_t duration_s,
                           struct vg_credentials *ret, struct vg_err *err)
{
    struct vg_str account, type, name;
    struct auth_rec_identity role;
    if (!vg_iam_arn_split(role_arn, &account, &type, &name) || !vg_str_eq(type, VG_STR("role")))
        return deny(err, s->arena, service, role_arn);
    const struct vg_iam db = { .s = s, .account = account, .err = err };
    vg_rc rc = vg_iam_identity(&db, VG_IDENTITY_ROLE, name, &role);
    if (rc != VG_OK)
        return rc;
    if (!role.name.ptr
        || !vg_str_eq(role_arn, vg_iam_arn(s->arena, account, type, role.path, role.name)))
        return deny(err, s->arena, service, role_arn);

    const struct vg_principal who = { .kind = VG_PRINCIPAL_SERVICE,
                                      .partition = auth->opt.partition,
                                      .account = account,
                                      .arn = service,
                                      .name = service };
    const struct vg_ctx ctx[] = { { VG_STR("aws:SourceAccount"), account } };
    const struct vg_access what = { .action = VG_STR("sts:AssumeRole"),
                                    .resource = role_arn,
                                    .resource_policy = role.trust,
                                    .is_resource_policy_required = true,
                                    .is_trust_policy = true,
                                    .ctx = ctx,
                                    .n_ctx = VG_COUNT(ctx) };
    struct vg_decision d;
    rc = vg_auth_decide(auth, s, &who, &what, &d, err);
    if (rc != VG_OK)
        return rc;
    if (!d.is_allowed)
        return deny(err, s->arena, service, role_arn);
    int64_t now_ms = vg_auth_now_ms(auth);
    struct auth_rec_session t = {
        .kind = VG_PRINCIPAL_ROLE,
        .account = account,
        .name = role.name,
        .id = role.id,
        .session_name = session_name,
        .issued_ms = now_ms,
        .expires_ms = now_ms + duration_s * 1000,
    };
    return vg_auth_issue(auth, s->arena, &t, ret, err);
}
