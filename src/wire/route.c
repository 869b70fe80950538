/* SPDX-License-Identifier: Apache-2.0 */
/* Which operation a request names: by target, by action, or by method and URI. */
#include "wire/wire.h"

#include <stdlib.h>

#define SEGS_MAX 16u /* of a template */

enum seg_kind { SEG_LITERAL, SEG_LABEL, SEG_GREEDY };

struct seg {
    enum seg_kind kind;
    struct vg_str text; /* literal, or the label's name */
};

/* One template "/a/{B}/{C+}?x=y", cut up. */
struct route {
    const struct vg_wire_op *op;
    struct seg segs[SEGS_MAX];
    size_t n_segs, greedy;  /* greedy: its index, or n_segs */
    struct vg_str literals; /* behind '?' */
    size_t n_literals;
    size_t n_required; /* members in query and headers that must be there */
    bool has_twin;     /* the next route has the same method and template */
};

struct vg_routes {
    struct vg_wire_op *ops;
    size_t n;
    const struct vg_wire_op **by_target; /* by target prefix, then name */
    size_t n_by_target;
    const struct vg_wire_op **by_name; /* all, by name */
    struct route *routes;              /* the most specific first */
    size_t n_routes;
    const struct vg_model **models; /* in the order of their operations */
    size_t n_models;
};

static int
compare_target(struct vg_str prefix, struct vg_str name, const struct vg_wire_op *op)
{
    int c = vg_str_cmp(name, op->name);
    return c ? c : vg_str_cmp(prefix, op->model->target_prefix);
}

static int
order_targets(const void *va, const void *vb)
{
    const struct vg_wire_op *a = *(const struct vg_wire_op *const *)va;
    return compare_target(a->model->target_prefix, a->name, *(const struct vg_wire_op *const *)vb);
}

static int
order_names(const void *va, const void *vb)
{
    const struct vg_wire_op *a = *(const struct vg_wire_op *const *)va;
    const struct vg_wire_op *b = *(const struct vg_wire_op *const *)vb;
    int c = vg_str_cmp(a->name, b->name);
    return c ? c : vg_str_cmp(a->model->endpoint, b->model->endpoint);
}

static int
order_places(const struct route *a, const struct route *b)
{
    int c = vg_str_cmp(a->op->http->uri, b->op->http->uri);
    if (c == 0)
        c = vg_str_cmp(a->op->http->method, b->op->http->method);
    return c ? c : vg_str_cmp(a->op->model->endpoint, b->op->model->endpoint);
}

static bool
is_asked_for(const struct vg_member *m, enum vg_loc loc)
{
    return (m->flags & VG_MEMBER_REQUIRED) && m->loc == loc;
}

/* Segment by segment a literal goes before a label, a label before a greedy one. */
static int
order_routes(const void *va, const void *vb)
{
    const struct route *a = va, *b = vb;
    size_t n = VG_MIN(a->n_segs, b->n_segs);
    for (size_t i = 0; i < n; i++)
        if (a->segs[i].kind != b->segs[i].kind)
            return a->segs[i].kind < b->segs[i].kind ? -1 : 1;
    if (a->n_segs != b->n_segs)
        return a->n_segs > b->n_segs ? -1 : 1;
    if (a->n_literals != b->n_literals)
        return a->n_literals > b->n_literals ? -1 : 1;
    int c = order_places(a, b); /* any order, but always the same */
    if (c)
        return c;
    if (a->n_required != b->n_required)
        return a->n_required > b->n_required ? -1 : 1;
    int a_old = a->op->http->flags & VG_HTTP_DEPRECATED;
    int b_old = b->op->http->flags & VG_HTTP_DEPRECATED;
    return a_old != b_old ? a_old - b_old : vg_str_cmp(a->op->name, b->op->name);
}

static void
route_init(struct route *r, const struct vg_wire_op *op)
{
    struct vg_str query = op->http->uri, path = vg_str_cut(&query, '?');
    *r = (struct route) { .op = op, .literals = query, .greedy = SIZE_MAX };
    if (query.len)
        r->n_literals = 1;
    for (size_t i = 0; i < query.len; i++)
        r->n_literals += query.ptr[i] == '&';
    for (struct vg_str rest = path; rest.ptr;) {
        struct vg_str s = vg_str_cut(&rest, '/');
        if (s.len == 0)
            continue;
        VG_ASSERT(r->n_segs < SEGS_MAX);
        struct seg *seg = &r->segs[r->n_segs++];
        *seg = (struct seg) { SEG_LITERAL, s };
        if (s.ptr[0] == '{' && s.ptr[s.len - 1] == '}') {
            bool is_greedy = s.ptr[s.len - 2] == '+';
            seg->kind = is_greedy ? SEG_GREEDY : SEG_LABEL;
            seg->text = vg_str_slice(s, 1, s.len - (is_greedy ? 2 : 1));
            if (is_greedy)
                r->greedy = r->n_segs - 1;
        }
    }
    if (r->greedy == SIZE_MAX)
        r->greedy = r->n_segs;
    for (size_t i = 0; op->in && i < op->in->n_members; i++)
        r->n_required += is_asked_for(&op->in->members[i], VG_LOC_QUERY)
                         || is_asked_for(&op->in->members[i], VG_LOC_HEADER);
}

static bool
is_rest(const struct vg_wire_op *op)
{
    return op->http
           && (op->model->protocol == VG_PROTO_REST_JSON
               || op->model->protocol == VG_PROTO_REST_XML);
}

struct vg_routes *
vg_routes_new(const struct vg_wire_op *ops, size_t n)
{
    struct vg_routes *r = vg_xalloc(sizeof(*r));
    r->n = n;
    r->ops = vg_xalloc(n * sizeof(*ops));
    r->by_target = vg_xalloc(n * sizeof(void *));
    r->by_name = vg_xalloc(n * sizeof(void *));
    r->routes = vg_xalloc(n * sizeof(*r->routes));
    r->models = vg_xalloc(n * sizeof(void *));
    if (n)
        memcpy(r->ops, ops, n * sizeof(*ops));
    for (size_t i = 0; i < n; i++) {
        const struct vg_wire_op *op = &r->ops[i];
        r->by_name[i] = op;
        if (r->n_models == 0 || r->models[r->n_models - 1] != op->model)
            r->models[r->n_models++] = op->model;
        if (op->model->target_prefix.ptr)
            r->by_target[r->n_by_target++] = op;
        if (is_rest(op))
            route_init(&r->routes[r->n_routes++], op);
    }
    if (n) {
        qsort(r->by_name, n, sizeof(void *), order_names);
        qsort(r->by_target, r->n_by_target, sizeof(void *), order_targets);
        qsort(r->routes, r->n_routes, sizeof(*r->routes), order_routes);
    }
    for (size_t i = 1; i < r->n_routes; i++)
        r->routes[i - 1].has_twin = order_places(&r->routes[i - 1], &r->routes[i]) == 0;
    for (size_t i = 1; i < n; i++)
        VG_ASSERT(order_names(&r->by_name[i - 1], &r->by_name[i]) < 0);
    return r;
}

void
vg_routes_free(struct vg_routes *r)
{
    if (r == NULL)
        return;
    free(r->ops);
    free(r->by_target);
    free(r->by_name);
    free(r->routes);
    free(r->models);
    free(r);
}

const struct vg_wire_op *
vg_routes_by_target(const struct vg_routes *r, struct vg_str target)
{
    size_t dot = vg_str_rfind_char(target, '.');
    if (dot == VG_NPOS)
        return NULL;
    struct vg_str prefix = vg_str_slice(target, 0, dot);
    struct vg_str name = vg_str_slice(target, dot + 1, target.len);
    size_t lo = 0, hi = r->n_by_target;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        int c = compare_target(prefix, name, r->by_target[mid]);
        if (c == 0)
            return r->by_target[mid];
        if (c < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

static bool
is_service(const struct vg_model *model, struct vg_str service)
{
    return service.ptr == NULL || vg_str_eq(model->signing_name, service)
           || vg_str_eq(model->host, service) || vg_str_eq(model->endpoint, service);
}

const struct vg_wire_op *
vg_routes_by_action(const struct vg_routes *r, struct vg_str service, struct vg_str version,
                    struct vg_str action)
{
    size_t lo = 0, hi = r->n;
    while (lo < hi) { /* the first row not below the name */
        size_t mid = (lo + hi) / 2;
        if (vg_str_cmp(r->by_name[mid]->name, action) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < r->n && vg_str_eq(r->by_name[lo]->name, action); lo++) {
        const struct vg_model *m = r->by_name[lo]->model;
        bool speaks_query = m->protocol == VG_PROTO_QUERY || m->protocol == VG_PROTO_EC2
                            || (m->flags & VG_MODEL_QUERY_COMPATIBLE);
        if (speaks_query && is_service(m, service)
            && (version.ptr == NULL || vg_str_eq(version, m->api_version)))
            return r->by_name[lo];
    }
    return NULL;
}

/*
 * Whether the query string has every "name" or "name=value" that the template asks for; of S3's a
 * name, whatever its value.
 */
static bool
has_literals(const struct vg_model *model, struct vg_str literals, struct vg_str query)
{
    while (literals.ptr) {
        struct vg_str want = vg_str_cut(&literals, '&');
        if (want.len == 0)
            continue;
        bool is_there = false;
        for (struct vg_str rest = query; !is_there && rest.ptr;) {
            struct vg_str got = vg_str_cut(&rest, '&');
            if (vg_str_ends(got, VG_STR("="))) /* "acl=" is "acl" */
                got.len--;
            is_there =
                vg_str_eq(got, want)
                || ((model->flags & VG_MODEL_S3_TEXT) && vg_str_eq(vg_str_cut(&got, '='), want));
        }
        if (!is_there)
            return false;
    }
    return true;
}

/* The path's parts between slashes. */
struct path {
    struct vg_str text; /* without its first slash */
    struct vg_str parts[64];
    size_t n;      /* trailing empty parts left out */
    size_t n_all;  /* … and counted */
    bool has_more; /* than fit */
};

static void
cut_path(struct vg_str path, struct path *ret)
{
    ret->text = vg_str_starts(path, VG_STR("/")) ? vg_str_slice(path, 1, path.len) : path;
    ret->n = 0;
    struct vg_str rest = ret->text;
    while (rest.ptr && ret->n < VG_COUNT(ret->parts))
        ret->parts[ret->n++] = vg_str_cut(&rest, '/');
    ret->has_more = rest.ptr != NULL;
    ret->n_all = ret->n;
    while (!ret->has_more && ret->n > 0 && ret->parts[ret->n - 1].len == 0)
        ret->n--;
}

static bool
match_seg(const struct seg *seg, struct vg_str part, struct vg_wire_in *in)
{
    if (seg->kind == SEG_LITERAL)
        return vg_str_eq(seg->text, part);
    if (part.len == 0 || in->n_labels == VG_WIRE_LABELS_MAX)
        return false;
    in->labels[in->n_labels++] = (struct vg_wire_label) { seg->text, part };
    return true;
}

/* The greedy label takes all between what stands before and behind it. */
static bool
match_greedy(const struct route *r, const struct path *p, struct vg_wire_in *in)
{
    size_t behind = r->n_segs - r->greedy - 1;
    if ((behind > 0 && (p->has_more || p->n < r->n_segs)) || in->n_labels == VG_WIRE_LABELS_MAX)
        return false;
    const char *from = p->parts[r->greedy].ptr;
    const char *to = p->text.ptr + p->text.len; /* slashes at the end are the label's */
    if (behind > 0)
        to = p->parts[p->n - behind - 1].ptr + p->parts[p->n - behind - 1].len;
    if (to == from)
        return false;
    in->labels[in->n_labels++] =
        (struct vg_wire_label) { r->segs[r->greedy].text, vg_str_n(from, (size_t)(to - from)) };
    for (size_t i = 0; i < behind; i++)
        if (!match_seg(&r->segs[r->greedy + 1 + i], p->parts[p->n - behind + i], in))
            return false;
    return true;
}

static bool
match_route(const struct route *r, const struct path *p, struct vg_wire_in *in)
{
    in->n_labels = 0;
    bool is_greedy = r->greedy < r->n_segs;
    if (is_greedy ? p->n_all < r->n_segs : p->n != r->n_segs || p->has_more)
        return false;
    for (size_t i = 0; i < r->greedy; i++)
        if (!match_seg(&r->segs[i], p->parts[i], in))
            return false;
    return (!is_greedy || match_greedy(r, p, in))
           && has_literals(r->op->model, r->literals, in->query);
}

static bool
has_param(struct vg_str query, struct vg_str name)
{
    while (query.ptr) {
        struct vg_str got = vg_str_cut(&query, '&');
        if (vg_str_eq(vg_str_cut(&got, '='), name))
            return true;
    }
    return false;
}

/*
 * S3 has operations at one place, told apart by what they need: PutObject, CopyObject, UploadPart.
 * One of its parameters names an operation (the others are then missing), all of its headers do.
 */
static bool
is_meant(const struct route *r, const struct vg_wire_in *in)
{
    const struct vg_shape *shape = r->op->in;
    bool asks_params = false, has_params = false;
    for (size_t i = 0; shape && i < shape->n_members; i++) {
        const struct vg_member *m = &shape->members[i];
        if (is_asked_for(m, VG_LOC_HEADER) && !vg_wire_in_has_header(in, m->wire))
            return false;
        if (is_asked_for(m, VG_LOC_QUERY)) {
            asks_params = true;
            has_params |= has_param(in->query, m->wire);
        }
    }
    return has_params || !asks_params;
}

const struct vg_wire_op *
vg_routes_by_uri(const struct vg_routes *routes, struct vg_str service, struct vg_wire_in *in)
{
    struct path p;
    const struct vg_model *last = NULL;
    bool is_meant_service = false;
    cut_path(in->path, &p);
    for (size_t i = 0; i < routes->n_routes; i++) {
        const struct route *r = &routes->routes[i];
        if (r->op->model != last) {
            last = r->op->model;
            is_meant_service = is_service(last, service);
        }
        if (is_meant_service && vg_str_eq(r->op->http->method, in->method) && match_route(r, &p, in)
            && (!r->has_twin || is_meant(r, in)))
            return r->op;
    }
    in->n_labels = 0;
    return NULL;
}

const struct vg_model *
vg_routes_model(const struct vg_routes *r, struct vg_str name)
{
    for (size_t i = 0; name.ptr && i < r->n_models; i++)
        if (is_service(r->models[i], name) || vg_str_eq(r->models[i]->target_prefix, name))
            return r->models[i];
    return NULL;
}
