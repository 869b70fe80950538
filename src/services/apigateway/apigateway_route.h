/* SPDX-License-Identifier: Apache-2.0 */
#ifndef APIGATEWAY_ROUTE_H
#define APIGATEWAY_ROUTE_H

/*
 * Which route a request takes: method and path against patterns with {variables} and one greedy
 * {variable+} at the end.  Serves HTTP APIs, and REST APIs' resources when they come.
 *
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
 * "API Gateway selects the route with the most-specific match": a full match for route and method,
 * then a match with a greedy path variable, then $default.  Pure; any thread.
 */

#include "base/arena.h"
#include "base/str.h"

#define APIGATEWAY_PATH_MAX_PARTS 64

struct apigateway_route_key {
    bool is_default;      /* "$default" */
    struct vg_str method; /* "GET" … or "ANY" */
    struct vg_str path;   /* "/pets/{id}" */
};

/*
 * Splits "GET /pets/{id}" and checks its form; false when it is none of AWS's. Points into `text`.
 */
bool apigateway_route_key_parse(struct vg_str text, struct apigateway_route_key *ret);
/* A path on its own: begins with '/', no empty segment, whole-segment variables, greedy last. */
bool apigateway_path_is_valid(struct vg_str path);
bool apigateway_method_is_valid(struct vg_str method); /* as route keys may name it */

struct apigateway_pair {
    struct vg_str name, value;
};

struct apigateway_pairs {
    struct apigateway_pair *items;
    size_t len, cap;
};

/* VG_STR_NONE when there is none; the first of several. */
struct vg_str apigateway_pairs_get(const struct apigateway_pairs *pairs, struct vg_str name);
/* The same with ASCII case ignored: headers. */
struct vg_str apigateway_pairs_get_nocase(const struct apigateway_pairs *pairs, struct vg_str name);
void apigateway_pairs_add(struct vg_arena *arena, struct apigateway_pairs *pairs,
                          struct vg_str name, struct vg_str value);

/* The same names with their values percent-decoded. */
struct apigateway_pairs apigateway_pairs_decode(struct vg_arena *arena,
                                                const struct apigateway_pairs *pairs);

/*
 * Route keys made ready for many requests; immutable, in `arena`.  They point into the texts that
 * were parsed.
 */
struct apigateway_routes;
const struct apigateway_routes *apigateway_routes_compile(struct vg_arena *arena,
                                                          const struct apigateway_route_key *keys,
                                                          size_t n);

/*
 * The index of the best key for this request, or VG_NPOS. `path` is as it was sent
 * (percent-encoded, without a stage): its segments are compared decoded.  `ret_vars` gets the path
 * variables as they were sent; apigateway_pairs_decode() gives what they mean.
 */
size_t apigateway_route_find(struct vg_arena *arena, const struct apigateway_routes *routes,
                             struct vg_str method, struct vg_str path,
                             struct apigateway_pairs *ret_vars);

#endif
