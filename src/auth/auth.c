/* SPDX-License-Identifier: Apache-2.0 */

/* Who is calling: from a request's head to a principal. */

#include "auth/auth_int.h"

#include "auth/authn_detail.h"
#include "auth/sigv4_chunks.h"
#include "auth/sigv4_form.h"
#include "base/arena.h"
#include "crypto/random.h"
#include "store/key.h"

#include <stdlib.h>

#define CACHE_ENTRIES 4096
#define CACHED_ARENA  (1u << 20)

int64_t
vg_auth_now_ms(const struct vg_auth *auth)
{
    return auth->opt.now_ms(auth->opt.clock);
}

static vg_rc
load_seal_key(struct vg_auth *auth, struct vg_sess *s, struct vg_err *err)
{
    struct vg_str part = vg_key_of(s->arena, VG_STR("auth"));
    struct vg_str key = vg_key_of(s->arena, VG_STR("seal")), value;
    vg_auto_tx struct vg_tx *tx = NULL;
    vg_rc rc = vg_kv_begin(s, &part, 1, &tx, err);
    if (rc == VG_OK)
        rc = vg_tx_get(tx, part, key, &value, err);
    if (rc != VG_OK)
        return rc;
    if (value.ptr && value.len != VG_SEAL_KEY_BYTES)
        return vg_err_set(err, "the stored sealing key has %zu bytes", value.len);
    if (value.ptr) {
        memcpy(auth->seal_key, value.ptr, VG_SEAL_KEY_BYTES);
        return VG_OK;
    }
    vg_random_bytes(auth->opt.random, auth->seal_key, VG_SEAL_KEY_BYTES);
    vg_tx_put(tx, part, key, vg_str_n(auth->seal_key, VG_SEAL_KEY_BYTES));
    return vg_tx_commit(&tx, err);
}

vg_rc
vg_auth_open(const struct vg_auth_options *opt, struct vg_sess *s, struct vg_auth **ret,
             struct vg_err *err)
{
    struct vg_auth *auth = vg_xalloc(sizeof(*auth));
    auth->arena = vg_arena_new(0);
    auth->opt = *opt;
    auth->opt.account = vg_str_dup(auth->arena, opt->account);
    auth->opt.partition = vg_str_dup(auth->arena, opt->partition);
    auth->opt.root_key_id = vg_str_dup(auth->arena, opt->root_key_id);
    auth->opt.root_secret = VG_STR_NONE;
    vg_secret_init(&auth->root_secret, opt->root_secret);
    auth->root = (struct vg_principal) {
        .kind = VG_PRINCIPAL_ROOT,
        .partition = auth->opt.partition,
        .account = auth->opt.account,
        .arn = vg_str_fmt(auth->arena, "arn:%" VG_FMT ":iam::%" VG_FMT ":root",
                          VG_ARG(opt->partition), VG_ARG(opt->account)),
        .user_id = auth->opt.account,
        .name = VG_STR("root"),
        .access_key_id = auth->opt.root_key_id,
    };
    auth->keys = vg_sigv4_keys_new();
    auth->cache = vg_cache_new(CACHE_ENTRIES);
    auth->used = vg_cache_new(CACHE_ENTRIES);
    VG_ASSERT(pthread_mutex_init(&auth->used_lock, NULL) == 0);
    vg_rc rc = load_seal_key(auth, s, err);
    if (rc != VG_OK) {
        vg_auth_close(auth);
        return rc;
    }
    *ret = auth;
    return VG_OK;
}

void
vg_auth_close(struct vg_auth *auth)
{
    if (!auth)
        return;
    vg_cache_free(auth->used);
    pthread_mutex_destroy(&auth->used_lock);
    vg_cache_free(auth->cache);
    vg_sigv4_keys_free(auth->keys);
    vg_secret_fini(&auth->root_secret);
    vg_zero(auth->seal_key, sizeof(auth->seal_key));
    vg_arena_free(auth->arena);
    free(auth);
}

void
vg_auth_changed(struct vg_auth *auth)
{
    atomic_fetch_add(&auth->epoch, 1);
}

const struct vg_principal *
vg_auth_root(const struct vg_auth *auth)
{
    return &auth->root;
}

/* --- what a key id stands for -------------------------------------------------------------------
 */

static const struct vg_tag *
copy_tags(struct vg_arena *a, const struct auth_rec_tag *tags, size_t n)
{
    struct vg_tag *out = VG_NEW_ARRAY(a, struct vg_tag, n + 1);
    for (size_t i = 0; i < n; i++)
        out[i] = (struct vg_tag) { .key = vg_str_dup(a, tags[i].key),
                                   .value = vg_str_dup(a, tags[i].value) };
    return out;
}

static const struct vg_str *
copy_strs(struct vg_arena *a, const struct vg_str *from, size_t n)
{
    struct vg_str *out = VG_NEW_ARRAY(a, struct vg_str, n + 1);
    for (size_t i = 0; i < n; i++)
        out[i] = vg_str_dup(a, from[i]);
    return out;
}

static void
user_principal(struct vg_auth *auth, struct vg_arena *a, struct vg_str account,
               const struct auth_rec_identity *user, struct vg_principal *ret)
{
    *ret = (struct vg_principal) {
        .kind = VG_PRINCIPAL_USER,
        .partition = auth->opt.partition,
        .account = vg_str_dup(a, account),
        .arn = vg_iam_arn(a, account, VG_STR("user"), user->path, user->name),
        .user_id = vg_str_dup(a, user->id),
        .name = vg_str_dup(a, user->name),
        .tags = copy_tags(a, user->tags.items, user->tags.len),
        .n_tags = user->tags.len,
    };
}

/* A long-term key. `*ret` stays NULL when there is none that works. */
static vg_rc
find_key(struct vg_auth *auth, struct vg_sess *s, struct vg_str id, struct vg_arena *a,
         struct auth_credential **ret, struct vg_err *err)
{
    struct auth_rec_key key;
    struct auth_rec_identity user;
    struct vg_iam db = { .s = s, .account = auth->opt.account, .err = err };
    vg_rc rc = vg_iam_key(&db, id, &key);
    if (rc != VG_OK || !key.id.ptr || key.is_inactive)
        return rc;
    db.account = key.account;
    rc = vg_iam_identity(&db, VG_IDENTITY_USER, key.user, &user);
    if (rc != VG_OK || !user.name.ptr)
        return rc;
    struct auth_credential *c = VG_NEW(a, struct auth_credential);
    c->secret = vg_secret_in(a, key.secret);
    user_principal(auth, a, key.account, &user, &c->who);
    c->who.access_key_id = vg_str_dup(a, id);
    *ret = c;
    return VG_OK;
}

/* Session tags overlay those of the role. */
static void
merge_tags(struct vg_arena *a, const struct auth_rec_identity *role,
           const struct auth_rec_session *t, struct vg_principal *who)
{
    VG_VEC(struct vg_tag) all = { 0 };
    who->session_tags = copy_tags(a, t->tags.items, t->tags.len);
    who->n_session_tags = t->tags.len;
    for (size_t i = 0; i < t->tags.len; i++)
        *VG_VEC_ADD(a, &all) = who->session_tags[i];
    const struct vg_tag *own = copy_tags(a, role->tags.items, role->tags.len);
    for (size_t i = 0; i < role->tags.len; i++) {
        bool is_over = false;
        for (size_t k = 0; k < t->tags.len && !is_over; k++)
            is_over = vg_str_eq_nocase(own[i].key, who->session_tags[k].key);
        if (!is_over)
            *VG_VEC_ADD(a, &all) = own[i];
    }
    who->tags = all.items;
    who->n_tags = all.len;
}

static void
role_principal(struct vg_auth *auth, struct vg_arena *a, const struct auth_rec_session *t,
               const struct auth_rec_identity *role, struct vg_principal *ret)
{
    *ret = (struct vg_principal) {
        .kind = VG_PRINCIPAL_ROLE,
        .partition = auth->opt.partition,
        .account = vg_str_dup(a, t->account),
        .arn = vg_str_fmt(a, "arn:%" VG_FMT ":sts::%" VG_FMT ":assumed-role/%" VG_FMT "/%" VG_FMT,
                          VG_ARG(auth->opt.partition), VG_ARG(t->account), VG_ARG(role->name),
                          VG_ARG(t->session_name)),
        .user_id = vg_str_fmt(a, "%" VG_FMT ":%" VG_FMT, VG_ARG(role->id), VG_ARG(t->session_name)),
        .name = vg_str_dup(a, role->name),
        .role_arn = vg_iam_arn(a, t->account, VG_STR("role"), role->path, role->name),
        .session_name = vg_str_dup(a, t->session_name),
    };
    merge_tags(a, role, t, ret);
}

static void
session_details(struct vg_arena *a, const struct auth_rec_session *t, struct vg_principal *who)
{
    who->access_key_id = vg_str_dup(a, t->access_key_id);
    who->source_identity = vg_str_dup(a, t->source_identity);
    who->token_issuer = vg_str_dup(a, t->token_issuer);
    who->transitive_keys = copy_strs(a, t->transitive_keys.items, t->transitive_keys.len);
    who->n_transitive_keys = t->transitive_keys.len;
    who->session_policy = vg_str_dup(a, t->policy);
    who->session_policy_arns = copy_strs(a, t->policy_arns.items, t->policy_arns.len);
    who->n_session_policy_arns = t->policy_arns.len;
    who->issued_ms = t->issued_ms;
    who->expires_ms = t->expires_ms;
    who->is_temporary = true;
    who->is_mfa = t->is_mfa;
    who->mfa_at_ms = t->issued_ms;
    who->is_chained = t->is_chained;
}

/* Temporary credentials: the token says all but what the identity has become since. */
static vg_rc
find_session(struct vg_auth *auth, struct vg_sess *s, struct vg_str token, struct vg_arena *a,
             struct auth_credential **ret, struct vg_err *err)
{
    struct auth_rec_session t;
    if (!auth_token_open(auth, s->arena, token, &t))
        return VG_OK;
    struct auth_credential *c = VG_NEW(a, struct auth_credential);
    const struct vg_iam db = { .s = s, .account = t.account, .err = err };
    if (t.kind == VG_PRINCIPAL_ROOT) {
        c->who = auth->root;
    } else {
        bool is_role = t.kind == VG_PRINCIPAL_ROLE;
        struct auth_rec_identity id;
        vg_rc rc = vg_iam_identity(&db, is_role ? VG_IDENTITY_ROLE : VG_IDENTITY_USER, t.name, &id);
        if (rc != VG_OK || !id.name.ptr || !vg_str_eq(id.id, t.id))
            return rc; /* deleted since, perhaps made again */
        if (is_role)
            role_principal(auth, a, &t, &id, &c->who);
        else
            user_principal(auth, a, t.account, &id, &c->who);
    }
    session_details(a, &t, &c->who);
    c->secret = vg_secret_in(a, t.secret);
    *ret = c;
    return VG_OK;
}

static vg_rc
find_credential(struct vg_auth *auth, struct vg_sess *s, const struct vg_sigv4 *sig,
                const struct auth_credential **ret, struct vg_err *err)
{
    uint64_t epoch = atomic_load(&auth->epoch), seen = s->seen_seq;
    struct vg_str name = vg_str_fmt(s->arena, "%s%" VG_FMT, sig->token.ptr ? "t:" : "k:",
                                    VG_ARG(sig->token.ptr ? sig->token : sig->access_key_id));
    *ret = vg_cache_get(auth->cache, s, name, epoch);
    if (*ret)
        return VG_OK;
    struct vg_arena *a = vg_arena_new(CACHED_ARENA);
    struct auth_credential *c = NULL;
    s->seen_seq = 0;
    vg_rc rc = sig->token.ptr ? find_session(auth, s, sig->token, a, &c, err)
                              : find_key(auth, s, sig->access_key_id, a, &c, err);
    uint64_t met = s->seen_seq;
    s->seen_seq = VG_MAX(seen, met);
    if (rc != VG_OK || !c) {
        vg_arena_free(a);
        return rc;
    }
    vg_cache_put(auth->cache, s, name, epoch, a, c, met);
    *ret = c;
    return VG_OK;
}

/* --- the two phases -----------------------------------------------------------------------------
 */

static vg_rc
identify(struct vg_auth *auth, struct vg_sess *s, const struct vg_sigv4_rules *rules,
         const struct vg_authn_door *door, struct vg_authn *an, struct vg_err *err)
{
    const struct vg_sigv4 *sig = &an->sig;
    if (vg_str_eq(sig->access_key_id, auth->opt.root_key_id)) {
        if (door->is_root_refused)
            return vg_authn_fail(err, rules->family, VG_AUTHN_UNKNOWN_KEY, door->why);
        if (sig->token.ptr)
            return vg_authn_fail(err, rules->family, VG_AUTHN_BAD_TOKEN, VG_STR_NONE);
        an->principal = &auth->root;
        an->secret = auth->root_secret;
        return VG_OK;
    }
    const struct auth_credential *c = NULL;
    vg_rc rc = find_credential(auth, s, sig, &c, err);
    if (rc != VG_OK)
        return rc;
    enum vg_authn_why why = sig->token.ptr ? VG_AUTHN_BAD_TOKEN : VG_AUTHN_UNKNOWN_KEY;
    if (!c || !vg_str_eq(c->who.access_key_id, sig->access_key_id)) {
        rc = vg_authn_fail(err, rules->family, why, VG_STR_NONE);
        if (rules->family == VG_AUTHN_S3 && why == VG_AUTHN_UNKNOWN_KEY)
            authn_explain_key(s->arena, sig->access_key_id, err);
        return rc;
    }
    if (c->who.is_temporary && c->who.expires_ms <= vg_auth_now_ms(auth))
        return vg_authn_fail(err, rules->family, VG_AUTHN_EXPIRED_TOKEN, VG_STR_NONE);
    an->principal = &c->who;
    an->secret = c->secret;
    return VG_OK;
}

vg_rc
vg_authn_begin(struct vg_auth *auth, struct vg_sess *s, const struct vg_sigv4_request *rq,
               const struct vg_sigv4_rules *rules, const struct vg_authn_door *door,
               struct vg_authn *ret, struct vg_err *err)
{
    *ret = (struct vg_authn) { 0 };
    vg_rc rc = vg_sigv4_parse(s->arena, rq, rules, &ret->sig, err);
    if (rc == VG_OK)
        rc = identify(auth, s, rules, door, ret, err);
    if (rc == VG_OK)
        rc = vg_sigv4_check(s->arena, &ret->sig, rules, err);
    if (rc != VG_OK)
        return rc;
    ret->needs_body =
        ret->sig.payload == VG_PAYLOAD_BODY || ret->sig.payload == VG_PAYLOAD_DECLARED;
    if (ret->sig.payload == VG_PAYLOAD_BODY)
        return VG_OK;
    return vg_sigv4_verify(s->arena, rq, rules, &ret->sig, vg_secret_str(&ret->secret), VG_STR_NONE,
                           auth->keys, err);
}

vg_rc
vg_authn_finish(struct vg_auth *auth, struct vg_arena *arena, const struct vg_sigv4_request *rq,
                const struct vg_sigv4_rules *rules, struct vg_authn *an,
                const uint8_t digest[VG_SHA256_BYTES], struct vg_err *err)
{
    if (an->sig.payload != VG_PAYLOAD_BODY)
        return vg_sigv4_body(arena, &an->sig, rules, digest, err);
    char hex[2 * VG_SHA256_BYTES];
    vg_hex_put(hex, digest, VG_SHA256_BYTES);
    return vg_sigv4_verify(arena, rq, rules, &an->sig, vg_secret_str(&an->secret),
                           vg_str_n(hex, sizeof(hex)), auth->keys, err);
}

vg_rc
vg_authn_chunks(struct vg_auth *auth, struct vg_arena *arena, const struct vg_sigv4_request *rq,
                const struct vg_sigv4_rules *rules, const struct vg_authn *an,
                struct vg_sigv4_chunks *c, struct vg_err *err)
{
    return vg_sigv4_chunks_init(c, arena, rq, rules, &an->sig, vg_secret_str(&an->secret),
                                auth->keys, err);
}

vg_rc
vg_authn_form(struct vg_auth *auth, struct vg_sess *s, const struct vg_sigv4_form *form,
              const struct vg_sigv4_rules *rules, const struct vg_authn_door *door,
              struct vg_authn *ret, struct vg_err *err)
{
    vg_rc rc = identify(auth, s, rules, door, ret, err);
    if (rc != VG_OK)
        return rc;
    if (vg_sigv4_form_is_signed(s->arena, form, &ret->sig, vg_secret_str(&ret->secret), auth->keys))
        return VG_OK;
    rc = vg_authn_fail(err, rules->family, VG_AUTHN_MISMATCH, VG_STR_NONE);
    authn_explain_signature(s->arena, ret->sig.access_key_id, form->signature, form->policy,
                            VG_STR_NONE, err);
    return rc;
}
