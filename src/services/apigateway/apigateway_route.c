/* SPDX-License-Identifier: Apache-2.0 */

/* Route selection; see apigateway_route.h. */

#include "services/apigateway/apigateway_route.h"

#include "codec/uri.h"

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

/* How one segment of a pattern was met, the more specific the smaller. */
enum { MET_STATIC, MET_VARIABLE, MET_GREEDY };

static int
kind_of(struct vg_str part)
{
    return is_greedy(part) ? MET_GREEDY : is_variable(part) ? MET_VARIABLE : MET_STATIC;
}

static bool
path_matches(const struct parts *pattern, const struct parts *path)
{
    for (size_t i = 0; i < pattern->len; i++) {
        if (i >= path->len)
            return false;
        int kind = kind_of(pattern->at[i]);
        if (kind == MET_GREEDY)
            return true;
        if (path->at[i].len == 0)
            return false;
        if (kind == MET_STATIC && !vg_str_eq(pattern->at[i], path->at[i]))
            return false;
    }
    return pattern->len == path->len;
}

/* Below zero: a is more specific than b; both match the same path. */
static int
compare_patterns(const struct parts *a, const struct parts *b)
{
    bool is_a_greedy = a->len > 0 && is_greedy(a->at[a->len - 1]);
    bool is_b_greedy = b->len > 0 && is_greedy(b->at[b->len - 1]);
    if (is_a_greedy != is_b_greedy)
        return is_a_greedy ? 1 : -1;
    for (size_t i = 0; i < a->len && i < b->len; i++) {
        int diff = kind_of(a->at[i]) - kind_of(b->at[i]);
        if (diff != 0)
            return diff;
    }
    return 0;
}

static bool
is_better(const struct apigateway_route_key *a, const struct parts *a_parts,
          const struct apigateway_route_key *b, const struct parts *b_parts)
{
    if (a->is_default || b->is_default)
        return b->is_default && !a->is_default;
    int diff = compare_patterns(a_parts, b_parts);
    if (diff != 0)
        return diff < 0;
    return !vg_str_eq(a->method, VG_STR("ANY")) && vg_str_eq(b->method, VG_STR("ANY"));
}

/* A greedy variable takes the rest of the path as it was, slashes included. */
static void
take_variables(struct vg_arena *arena, const struct parts *pattern, const struct parts *raw,
               struct vg_str path, struct apigateway_pairs *ret_vars)
{
    for (size_t i = 0; i < pattern->len; i++) {
        int kind = kind_of(pattern->at[i]);
        if (kind == MET_STATIC)
            continue;
        struct vg_str value = raw->at[i];
        if (kind == MET_GREEDY)
            value.len = (size_t)(path.ptr + path.len - value.ptr);
        apigateway_pairs_add(arena, ret_vars, name_of(pattern->at[i]),
                             vg_uri_decode(arena, value, false));
    }
}

size_t
apigateway_route_find(struct vg_arena *arena, const struct apigateway_route_key *routes, size_t n,
                      struct vg_str method, struct vg_str path, struct apigateway_pairs *ret_vars)
{
    struct parts *at = VG_NEW_ARRAY(arena, struct parts, 4);
    struct parts *raw = &at[0], *decoded = &at[1], *mine = &at[2], *best_parts = &at[3];
    size_t best = VG_NPOS;
    bool can_split = path.len > 0 && path.ptr[0] == '/' && split(path, raw);
    for (size_t i = 0; can_split && i < raw->len; i++)
        decoded->at[i] = vg_uri_decode(arena, raw->at[i], false);
    decoded->len = can_split ? raw->len : 0;
    for (size_t i = 0; i < n; i++) {
        const struct apigateway_route_key *key = &routes[i];
        mine->len = 0;
        if (!key->is_default) {
            if (!can_split || !split(key->path, mine) || !path_matches(mine, decoded))
                continue;
            if (!vg_str_eq(key->method, VG_STR("ANY")) && !vg_str_eq(key->method, method))
                continue;
        }
        if (best != VG_NPOS && !is_better(key, mine, &routes[best], best_parts))
            continue;
        best = i;
        *best_parts = *mine;
    }
    if (best != VG_NPOS)
        take_variables(arena, best_parts, raw, path, ret_vars);
    return best;
}
