/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Answers what our evaluator says: one JSON object a line on stdin, one word a line on stdout
 * ("Allowed", "ExplicitlyDenied", "ImplicitlyDenied", or "Invalid" with the reason).
 */

#include "auth/policy.h"
#include "base/arena.h"
#include "codec/json.h"

#include <stdio.h>
#include <stdlib.h>

#define LISTS_MAX 32

struct strings {
    struct vg_str items[LISTS_MAX];
    size_t len;
};

struct line {
    struct vg_principal who;
    struct vg_access what;
    struct strings identity, session, scp, boundary, resource;
    bool has_session;
    struct vg_ctx ctx[LISTS_MAX];
};

static void
read_list(struct vg_json *js, struct strings *ret)
{
    VG_ASSERT(vg_json_next(js) == VG_JSON_ARRAY);
    while (vg_json_next(js) == VG_JSON_STRING && ret->len < LISTS_MAX)
        ret->items[ret->len++] = js->text;
}

static void
read_ctx(struct vg_json *js, struct line *l)
{
    VG_ASSERT(vg_json_next(js) == VG_JSON_ARRAY);
    while (vg_json_next(js) == VG_JSON_ARRAY) {
        struct vg_ctx *c = &l->ctx[l->what.n_ctx++];
        VG_ASSERT(l->what.n_ctx <= LISTS_MAX && vg_json_next(js) == VG_JSON_STRING);
        c->key = js->text;
        VG_ASSERT(vg_json_next(js) == VG_JSON_STRING);
        c->value = js->text;
        VG_ASSERT(vg_json_next(js) == VG_JSON_ARRAY_END);
    }
}

static enum vg_principal_kind
kind_of(struct vg_str s)
{
    if (vg_str_eq(s, VG_STR("user")))
        return VG_PRINCIPAL_USER;
    if (vg_str_eq(s, VG_STR("role")))
        return VG_PRINCIPAL_ROLE;
    if (vg_str_eq(s, VG_STR("service")))
        return VG_PRINCIPAL_SERVICE;
    return VG_PRINCIPAL_ANONYMOUS;
}

static void
read_member(struct vg_json *js, struct vg_str key, struct line *l)
{
    static const struct vg_str lists[] = { VG_STR_INIT("identity"), VG_STR_INIT("session"),
                                           VG_STR_INIT("scp"), VG_STR_INIT("boundary"),
                                           VG_STR_INIT("resourcePolicy") };
    struct strings *to[] = { &l->identity, &l->session, &l->scp, &l->boundary, &l->resource };
    for (size_t i = 0; i < VG_COUNT(lists); i++) {
        if (vg_str_eq(key, lists[i])) {
            l->has_session = l->has_session || i == 1;
            read_list(js, to[i]);
            return;
        }
    }
    if (vg_str_eq(key, VG_STR("ctx"))) {
        read_ctx(js, l);
        return;
    }
    VG_ASSERT(vg_json_next(js) == VG_JSON_STRING);
    if (vg_str_eq(key, VG_STR("kind")))
        l->who.kind = kind_of(js->text);
    else if (vg_str_eq(key, VG_STR("account")))
        l->who.account = js->text;
    else if (vg_str_eq(key, VG_STR("arn")))
        l->who.arn = js->text;
    else if (vg_str_eq(key, VG_STR("roleArn")))
        l->who.role_arn = js->text;
    else if (vg_str_eq(key, VG_STR("name")))
        l->who.name = js->text;
    else if (vg_str_eq(key, VG_STR("action")))
        l->what.action = js->text;
    else if (vg_str_eq(key, VG_STR("resource")))
        l->what.resource = js->text;
    else if (vg_str_eq(key, VG_STR("owner")))
        l->what.resource_account = js->text;
}

/* Compiles a list; on failure prints and returns false. */
static bool
compile(struct vg_arena *a, const struct strings *s, enum vg_policy_use use,
        const struct vg_policy **ret)
{
    struct vg_err err = { 0 };
    for (size_t i = 0; i < s->len; i++) {
        if (vg_policy_compile(a, s->items[i], use, &ret[i], &err) != VG_OK) {
            printf("Invalid %" VG_FMT "\n", VG_ARG(vg_err_text(&err)));
            return false;
        }
    }
    return true;
}

static void
answer(struct vg_arena *a, struct vg_str text)
{
    struct line *l = VG_NEW(a, struct line);
    l->what.ctx = l->ctx;
    struct vg_json js;
    vg_json_init(&js, text, a);
    VG_ASSERT(vg_json_next(&js) == VG_JSON_OBJECT);
    while (vg_json_next(&js) == VG_JSON_KEY)
        read_member(&js, js.text, l);

    const struct vg_policy *id[LISTS_MAX], *se[LISTS_MAX], *scp[LISTS_MAX], *bo[1] = { NULL },
                                                                            *re[1] = { NULL };
    if (!compile(a, &l->identity, VG_POLICY_FOR_IDENTITY, id)
        || !compile(a, &l->session, VG_POLICY_FOR_IDENTITY, se)
        || !compile(a, &l->scp, VG_POLICY_FOR_IDENTITY, scp)
        || !compile(a, &l->boundary, VG_POLICY_FOR_IDENTITY, bo)
        || !compile(a, &l->resource, VG_POLICY_FOR_RESOURCE, re))
        return;
    const struct vg_policies all = { .identity = id,
                                     .n_identity = l->identity.len,
                                     .session = se,
                                     .n_session = l->session.len,
                                     .has_session = l->has_session,
                                     .scp = scp,
                                     .n_scp = l->scp.len,
                                     .boundary = bo[0],
                                     .resource = re[0] };
    struct vg_decision d;
    vg_policy_decide(a, &all, &l->who, &l->what, 1700000000000, &d);
    puts(d.is_allowed ? "Allowed" : d.is_explicit ? "ExplicitlyDenied" : "ImplicitlyDenied");
}

int
main(void)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    while ((n = getline(&line, &cap, stdin)) > 0) {
        struct vg_arena *a = vg_arena_new(0);
        answer(a, vg_str_n(line, (size_t)n));
        vg_arena_free(a);
    }
    free(line);
    return 0;
}
