/* SPDX-License-Identifier: Apache-2.0 */

/* Route selection; see apigateway_route.h. */

#include "services/apigateway/apigateway_route.h"

#include "codec/uri.h"

#include <stdlib.h>

struct parts {
    struct vg_str at[APIGATEWAY_PATH_MAX_PARTS];
    size_t len;
};

bool
apigateway_method_is_valid(struct vg_str method)
{
    static const struct vg_str known[] = {
        VG_STR_INIT("ANY"),  VG_STR_INIT("DELETE"),  VG_STR_INIT("GET"),   VG_STR_INIT("HEAD"),
        VG_STR_INIT("POST"), VG_STR_INIT("OPTIONS"), VG_STR_INIT("PATCH"), VG_STR_INIT("PUT"),
    };
    for (size_t i = 0; i < VG_COUNT(known); i++)
        if (vg_str_eq(method, known[i]))
            return true;
    return false;
}

static bool
is_variable(struct vg_str part)
{
    return part.len > 2 && part.ptr[0] == '{' && part.ptr[part.len - 1] == '}';
}

static bool
is_greedy(struct vg_str part)
{
    return part.len > 3 && is_variable(part) && part.ptr[part.len - 2] == '+';
}

static struct vg_str
name_of(struct vg_str part)
{
    return vg_str_slice(part, 1, part.len - (is_greedy(part) ? 2 : 1));
}

/* The segments after the leading slash; "/" has none. False: too many. */
static bool
split(struct vg_str path, struct parts *ret)
{
    struct vg_str rest = vg_str_slice(path, 1, path.len);
    ret->len = 0;
    while (rest.len > 0 || (ret->len > 0 && rest.ptr != NULL)) {
        if (ret->len == APIGATEWAY_PATH_MAX_PARTS)
            return false;
        ret->at[ret->len++] = vg_str_cut(&rest, '/');
    }
    return true;
}

static bool
is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
           || (c != '\0' && strchr("._-:", c) != NULL);
}

static bool
is_part_valid(struct vg_str part, bool is_last)
{
    if (part.len == 0)
        return false;
    if (!is_variable(part))
        return vg_str_find_char(part, '{') == VG_NPOS && vg_str_find_char(part, '}') == VG_NPOS
               && vg_str_find_char(part, ' ') == VG_NPOS;
    if (is_greedy(part) && !is_last)
        return false;
    struct vg_str name = name_of(part);
    for (size_t i = 0; i < name.len; i++)
        if (!is_name_char(name.ptr[i]))
            return false;
    return true;
}

bool
apigateway_path_is_valid(struct vg_str path)
{
    struct parts parts;
    if (path.len == 0 || path.ptr[0] != '/' || !split(path, &parts))
        return false;
    for (size_t i = 0; i < parts.len; i++) {
        if (!is_part_valid(parts.at[i], i + 1 == parts.len))
            return false;
        for (size_t k = 0; k < i && is_variable(parts.at[i]); k++)
            if (is_variable(parts.at[k]) && vg_str_eq(name_of(parts.at[k]), name_of(parts.at[i])))
                return false;
    }
    return true;
}

bool
apigateway_route_key_parse(struct vg_str text, struct apigateway_route_key *ret)
{
    struct apigateway_route_key key = { 0 };
    if (vg_str_eq(text, VG_STR("$default"))) {
        key.is_default = true;
        *ret = key;
        return true;
    }
    key.path = text;
    key.method = vg_str_cut(&key.path, ' ');
    if (!apigateway_method_is_valid(key.method) || !apigateway_path_is_valid(key.path))
        return false;
    *ret = key;
    return true;
}

struct vg_str
apigateway_pairs_get(const struct apigateway_pairs *pairs, struct vg_str name)
{
    for (size_t i = 0; i < pairs->len; i++)
        if (vg_str_eq(pairs->items[i].name, name))
            return pairs->items[i].value;
    return VG_STR_NONE;
}

struct vg_str
apigateway_pairs_get_nocase(const struct apigateway_pairs *pairs, struct vg_str name)
{
    for (size_t i = 0; i < pairs->len; i++)
        if (vg_str_eq_nocase(pairs->items[i].name, name))
            return pairs->items[i].value;
    return VG_STR_NONE;
}

void
apigateway_pairs_add(struct vg_arena *arena, struct apigateway_pairs *pairs, struct vg_str name,
                     struct vg_str value)
{
    *VG_VEC_ADD(arena, pairs) = (struct apigateway_pair) { name, value };
}

struct apigateway_pairs
apigateway_pairs_decode(struct vg_arena *arena, const struct apigateway_pairs *pairs)
{
    struct apigateway_pairs ret = { 0 };
    for (size_t i = 0; i < pairs->len; i++)
        apigateway_pairs_add(arena, &ret, pairs->items[i].name,
                             vg_uri_decode(arena, pairs->items[i].value, false));
    return ret;
}

/* --- patterns -----------------------------------------------------------------------------------
 */

/* How one segment of a pattern is met, the more specific the smaller. */
enum { MET_STATIC, MET_VARIABLE, MET_GREEDY };

struct part {
    struct vg_str text; /* what must stand there, or the variable's name */
    int kind;
};

struct pattern {
    bool is_default, is_any, is_greedy;
    struct vg_str method;
    struct part *at;
    size_t len;
    size_t index; /* in what was compiled */
};

struct apigateway_routes {
    struct pattern *items; /* the most specific first */
    size_t len;
};

static void
compile(struct vg_arena *arena, const struct apigateway_route_key *key, struct pattern *ret)
{
    struct parts parts = { .len = 0 };
    ret->is_default = key->is_default;
    if (key->is_default)
        return;
    VG_ASSERT(split(key->path, &parts));
    ret->method = key->method;
    ret->is_any = vg_str_eq(key->method, VG_STR("ANY"));
    ret->len = parts.len;
    ret->at = VG_NEW_ARRAY(arena, struct part, parts.len + 1);
    for (size_t i = 0; i < parts.len; i++) {
        struct vg_str text = parts.at[i];
        struct part *part = &ret->at[i];
        part->kind = is_greedy(text) ? MET_GREEDY : is_variable(text) ? MET_VARIABLE : MET_STATIC;
        part->text = part->kind == MET_STATIC ? text : name_of(text);
        ret->is_greedy = part->kind == MET_GREEDY;
    }
}

/*
 * Below zero: a is to be tried before b.  Of two patterns that match one path the more specific
 * comes first; the rest only makes the order total.
 */
static int
compare_patterns(const void *a_, const void *b_)
{
    const struct pattern *a = a_, *b = b_;
    if (a->is_default != b->is_default)
        return a->is_default ? 1 : -1;
    if (a->is_greedy != b->is_greedy)
        return a->is_greedy ? 1 : -1;
    for (size_t i = 0; i < a->len && i < b->len; i++) {
        int diff = a->at[i].kind - b->at[i].kind;
        if (diff != 0)
            return diff;
    }
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    if (a->is_any != b->is_any)
        return a->is_any ? 1 : -1;
    return a->index < b->index ? -1 : a->index > b->index;
}

const struct apigateway_routes *
apigateway_routes_compile(struct vg_arena *arena, const struct apigateway_route_key *keys, size_t n)
{
    struct apigateway_routes *routes = VG_NEW(arena, struct apigateway_routes);
    routes->items = VG_NEW_ARRAY(arena, struct pattern, n + 1);
    routes->len = n;
    for (size_t i = 0; i < n; i++) {
        routes->items[i].index = i;
        compile(arena, &keys[i], &routes->items[i]);
    }
    qsort(routes->items, n, sizeof(*routes->items), compare_patterns);
    return routes;
}

static bool
path_matches(const struct pattern *pattern, const struct parts *path)
{
    for (size_t i = 0; i < pattern->len; i++) {
        const struct part *part = &pattern->at[i];
        if (i >= path->len)
            return false;
        if (part->kind == MET_GREEDY)
            return true;
        if (path->at[i].len == 0)
            return false;
        if (part->kind == MET_STATIC && !vg_str_eq(part->text, path->at[i]))
            return false;
    }
    return pattern->len == path->len;
}

/* A greedy variable takes the rest of the path as it was, slashes included. */
static void
take_variables(struct vg_arena *arena, const struct pattern *pattern, const struct parts *raw,
               struct vg_str path, struct apigateway_pairs *ret_vars)
{
    for (size_t i = 0; i < pattern->len; i++) {
        const struct part *part = &pattern->at[i];
        if (part->kind == MET_STATIC)
            continue;
        struct vg_str value = raw->at[i];
        if (part->kind == MET_GREEDY)
            value.len = (size_t)(path.ptr + path.len - value.ptr);
        apigateway_pairs_add(arena, ret_vars, part->text, value);
    }
}

size_t
apigateway_route_find(struct vg_arena *arena, const struct apigateway_routes *routes,
                      struct vg_str method, struct vg_str path, struct apigateway_pairs *ret_vars)
{
    struct parts raw, decoded;
    bool can_split = path.len > 0 && path.ptr[0] == '/' && split(path, &raw);
    decoded.len = can_split ? raw.len : 0;
    for (size_t i = 0; i < decoded.len; i++)
        decoded.at[i] = vg_uri_decode(arena, raw.at[i], false);
    for (size_t i = 0; i < routes->len; i++) {
        const struct pattern *pattern = &routes->items[i];
        if (pattern->is_default)
            return pattern->index;
        if (!can_split || !(pattern->is_any || vg_str_eq(pattern->method, method))
            || !path_matches(pattern, &decoded))
            continue;
        take_variables(arena, pattern, &raw, path, ret_vars);
        return pattern->index;
    }
    return VG_NPOS;
}
