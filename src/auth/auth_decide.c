/* SPDX-License-Identifier: Apache-2.0 */

/* May they: the policies of a principal, read, compiled, cached; then the evaluator. */

#include "auth/auth_int.h"

#include "base/arena.h"

#define CACHED_ARENA (8u << 20)
#define SESSIONS_MAX 11

/* The policies of a user or role. */
struct bundle {
    const struct vg_policy *const *items;
    size_t n;
    const struct vg_policy *boundary;
};

typedef VG_VEC(const struct vg_policy *) policy_vec;

struct collect {
    const struct vg_iam *db;
    struct vg_arena *arena; /* of the cache entry */
    policy_vec *to;
};

static vg_rc
compile_into(const struct collect *c, struct vg_str json)
{
    const struct vg_policy *p;
    /* what is compiled points into its text, which must live as long */
    vg_rc rc = vg_policy_compile(c->arena, vg_str_dup(c->arena, json), VG_POLICY_FOR_IDENTITY, &p,
                                 c->db->err);
    if (rc == VG_OK)
        *VG_VEC_ADD(c->arena, c->to) = p;
    return rc;
}

static vg_rc
collect_managed(const struct collect *c, struct vg_str arn)
{
    struct vg_str json;
    vg_rc rc = vg_iam_managed_document(c->db, arn, &json);
    return rc == VG_OK && json.ptr ? compile_into(c, json) : rc;
}

static vg_rc
collect_identity(const struct collect *c, const struct auth_rec_identity *id)
{
    vg_rc rc = VG_OK;
    for (size_t i = 0; i < id->inlines.len && rc == VG_OK; i++)
        rc = compile_into(c, id->inlines.items[i].document);
    for (size_t i = 0; i < id->attached.len && rc == VG_OK; i++)
        rc = collect_managed(c, id->attached.items[i]);
    return rc;
}

static vg_rc
collect_groups(const struct collect *c, const struct auth_rec_identity *user)
{
    for (size_t i = 0; i < user->groups.len; i++) {
        struct auth_rec_identity group;
        vg_rc rc = vg_iam_identity(c->db, VG_IDENTITY_GROUP, user->groups.items[i], &group);
        if (rc == VG_OK && group.name.ptr)
            rc = collect_identity(c, &group);
        if (rc != VG_OK)
            return rc;
    }
    return VG_OK;
}

/* A boundary that is set but gone allows nothing. */
static vg_rc
collect_boundary(const struct collect *c, struct vg_str arn, const struct vg_policy **ret)
{
    policy_vec one = { 0 };
    const struct collect to = { .db = c->db, .arena = c->arena, .to = &one };
    vg_rc rc = collect_managed(&to, arn);
    if (rc == VG_OK && one.len == 0)
        rc = compile_into(&to, VG_STR("{\"Version\":\"2012-10-17\",\"Statement\":[]}"));
    if (rc == VG_OK)
        *ret = one.items[0];
    return rc;
}

static vg_rc
read_bundle(struct vg_sess *s, const struct vg_principal *who, struct vg_arena *a,
            struct bundle *ret, struct vg_err *err)
{
    const struct vg_iam db = { .s = s, .account = who->account, .err = err };
    policy_vec all = { 0 };
    const struct collect c = { .db = &db, .arena = a, .to = &all };
    bool is_role = who->kind == VG_PRINCIPAL_ROLE;
    struct auth_rec_identity id;
    vg_rc rc = vg_iam_identity(&db, is_role ? VG_IDENTITY_ROLE : VG_IDENTITY_USER, who->name, &id);
    if (rc == VG_OK && id.name.ptr) {
        rc = collect_identity(&c, &id);
        if (rc == VG_OK && !is_role)
            rc = collect_groups(&c, &id);
        if (rc == VG_OK && id.boundary.len > 0)
            rc = collect_boundary(&c, id.boundary, &ret->boundary);
    }
    ret->items = all.items;
    ret->n = all.len;
    return rc;
}

static vg_rc
get_bundle(struct vg_auth *auth, struct vg_sess *s, const struct vg_principal *who,
           const struct bundle **ret, struct vg_err *err)
{
    static const struct bundle none = { 0 };
    *ret = &none;
    if (who->kind != VG_PRINCIPAL_USER && who->kind != VG_PRINCIPAL_ROLE)
        return VG_OK;
    uint64_t epoch = atomic_load(&auth->epoch), seen = s->seen_seq;
    struct vg_str key = vg_str_fmt(
        s->arena, "p:%" VG_FMT, VG_ARG(who->kind == VG_PRINCIPAL_ROLE ? who->role_arn : who->arn));
    const struct bundle *found = vg_cache_get(auth->cache, s, key, epoch);
    if (found) {
        *ret = found;
        return VG_OK;
    }
    struct vg_arena *a = vg_arena_new(CACHED_ARENA);
    struct bundle *b = VG_NEW(a, struct bundle);
    s->seen_seq = 0;
    vg_rc rc = read_bundle(s, who, a, b, err);
    uint64_t met = s->seen_seq;
    s->seen_seq = VG_MAX(seen, met);
    if (rc != VG_OK) {
        vg_arena_free(a);
        return rc;
    }
    vg_cache_put(auth->cache, s, key, epoch, a, b, met);
    *ret = b;
    return VG_OK;
}

/* A document that came as text: compiled once for each text. */
static vg_rc
compiled(struct vg_auth *auth, struct vg_sess *s, struct vg_str json, enum vg_policy_use use,
         const struct vg_policy **ret, struct vg_err *err)
{
    struct vg_str key = vg_str_fmt(s->arena, "d%d:%" VG_FMT, (int)use, VG_ARG(json));
    *ret = vg_cache_get(auth->cache, s, key, VG_CACHE_ALWAYS);
    if (*ret)
        return VG_OK;
    struct vg_arena *a = vg_arena_new(CACHED_ARENA);
    vg_rc rc = vg_policy_compile(a, vg_str_dup(a, json), use, ret, err);
    if (rc != VG_OK) {
        vg_arena_free(a);
        return rc;
    }
    vg_cache_put(auth->cache, s, key, VG_CACHE_ALWAYS, a, *ret, 0);
    return VG_OK;
}

static vg_rc
session_policies(struct vg_auth *auth, struct vg_sess *s, const struct vg_principal *who,
                 const struct vg_policy **to, size_t *ret_n, struct vg_err *err)
{
    const struct vg_iam db = { .s = s, .account = who->account, .err = err };
    size_t n = 0;
    vg_rc rc = VG_OK;
    if (who->session_policy.len > 0) {
        rc = compiled(auth, s, who->session_policy, VG_POLICY_FOR_IDENTITY, &to[n], err);
        n++;
    }
    for (size_t i = 0; i < who->n_session_policy_arns && n < SESSIONS_MAX && rc == VG_OK; i++) {
        struct vg_str json;
        rc = vg_iam_managed_document(&db, who->session_policy_arns[i], &json);
        if (rc == VG_OK && json.ptr) {
            rc = compiled(auth, s, json, VG_POLICY_FOR_IDENTITY, &to[n], err);
            n++;
        }
    }
    *ret_n = n;
    return rc;
}

vg_rc
vg_auth_decide(struct vg_auth *auth, struct vg_sess *s, const struct vg_principal *who,
               const struct vg_access *what, struct vg_decision *ret, struct vg_err *err)
{
    const struct bundle *own;
    const struct vg_policy *session[SESSIONS_MAX];
    struct vg_policies all = {
        .has_session = who->session_policy.len > 0 || who->n_session_policy_arns > 0,
        .session = session,
    };
    vg_rc rc = get_bundle(auth, s, who, &own, err);
    if (rc == VG_OK && all.has_session)
        rc = session_policies(auth, s, who, session, &all.n_session, err);
    if (rc == VG_OK && what->resource_policy.len > 0)
        rc = compiled(auth, s, what->resource_policy,
                      what->is_trust_policy ? VG_POLICY_FOR_TRUST : VG_POLICY_FOR_RESOURCE,
                      &all.resource, err);
    if (rc != VG_OK)
        return rc;
    all.identity = own->items;
    all.n_identity = own->n;
    all.boundary = own->boundary;
    vg_policy_decide(s->arena, &all, who, what, vg_auth_now_ms(auth), ret);
    return VG_OK;
}
