/* SPDX-License-Identifier: Apache-2.0 */
#ifndef APIGATEWAY_INT_H
#define APIGATEWAY_INT_H

/* What the files of this service share; included only here. */

#include "core/call.h"
#include "core/plane.h"
#include "services/apigateway/apigateway_cors.h"
#include "services/apigateway/apigateway_event.h"
#include "services/apigateway/errors.h"
#include "services/apigateway/ops.h"
#include "services/apigateway/records.h"

/* --- apigateway_store.c: the only file that knows keys ------------------------------------------
 */

enum apigateway_kind {
    APIGATEWAY_API = 1,
    APIGATEWAY_ROUTE,
    APIGATEWAY_INTEGRATION,
    APIGATEWAY_STAGE,
    APIGATEWAY_DEPLOYMENT,
    APIGATEWAY_SNAPSHOT,
};

/* One account's APIs in one region, and one of them. */
struct apigateway_at {
    struct vg_req *rq;
    struct vg_tx *tx; /* NULL: reads of the latest state, no writes */
    struct vg_str account, region, part;
    struct vg_str api_id;
};

/* Where `rq` works. Begins no transaction. */
struct apigateway_at apigateway_at_of(struct vg_req *rq, struct vg_str api_id);
/* The same for the data plane; *ret_found is false when there is no such API at all. */
vg_rc apigateway_at_find(struct vg_req *rq, struct vg_str api_id, struct apigateway_at *ret,
                         bool *ret_found) VG_MUST_USE;
vg_rc apigateway_kv_begin(struct apigateway_at *at) VG_WAITS VG_MUST_USE;
/* On failure rq->err is an internal failure. */
vg_rc apigateway_kv_commit(struct apigateway_at *at) VG_WAITS VG_MUST_USE;
void apigateway_at_end(struct apigateway_at *at); /* aborts what was not committed */
#define apigateway_auto_at __attribute__((cleanup(apigateway_at_end)))

/* *ret is NULL when there is none; else a struct apigateway_rec_<kind>. */
vg_rc apigateway_kv_get(const struct apigateway_at *at, enum apigateway_kind kind, struct vg_str id,
                        void **ret) VG_MUST_USE;
/* A snapshot that outlives the request: all of it lies in `arena`. */
vg_rc apigateway_kv_get_snapshot(const struct apigateway_at *at, struct vg_str id,
                                 struct vg_arena *arena, struct apigateway_rec_snapshot *ret,
                                 bool *ret_found) VG_MUST_USE;
void apigateway_kv_put(const struct apigateway_at *at, enum apigateway_kind kind, struct vg_str id,
                       const void *rec);
void apigateway_kv_del(const struct apigateway_at *at, enum apigateway_kind kind, struct vg_str id);
/* An API's own record is also found by its id alone. */
void apigateway_kv_put_place(const struct apigateway_at *at);
/* The API with all that is in it. */
vg_rc apigateway_kv_del_api(const struct apigateway_at *at) VG_MUST_USE;

struct apigateway_found {
    void **items;
    size_t len;
    bool has_more;
};

/* Of any record but a snapshot: its id, or a stage's name. */
struct vg_str apigateway_rec_id(const void *rec);
/* In the order of ids, those after `after` (absent: from the first), at most `max`. */
vg_rc apigateway_kv_list(const struct apigateway_at *at, enum apigateway_kind kind,
                         struct vg_str after, uint32_t max, struct apigateway_found *ret)
    VG_MUST_USE;

/* --- apigateway_common.c ------------------------------------------------------------------------
 */

/* Reads the API or fails with NotFoundException. */
vg_rc apigateway_need_api(struct apigateway_at *at, struct apigateway_rec_api **ret) VG_MUST_USE;
/* Begins a transaction on an API that must exist. */
vg_rc apigateway_edit(struct vg_req *rq, struct vg_str api_id, struct apigateway_at *at,
                      struct apigateway_rec_api **ret) VG_WAITS VG_MUST_USE;
/* Reads one thing of an API that was found, or fails with NotFoundException. */
vg_rc apigateway_need(const struct apigateway_at *at, enum apigateway_kind kind, struct vg_str id,
                      void **ret) VG_MUST_USE;
/* The two together: begins a transaction on one thing of an API. */
vg_rc apigateway_edit_one(struct vg_req *rq, struct vg_str api_id, enum apigateway_kind kind,
                          struct vg_str id, struct apigateway_at *at,
                          struct apigateway_rec_api **ret_api, void **ret) VG_WAITS VG_MUST_USE;
/* Puts `rec` (NULL: deletes it), deploys where that is automatic, and commits. */
vg_rc apigateway_finish(struct apigateway_at *at, const struct apigateway_rec_api *api,
                        enum apigateway_kind kind, struct vg_str id, const void *rec)
    VG_WAITS VG_MUST_USE;
struct vg_str apigateway_new_id(struct vg_req *rq, size_t chars);

/* What Get… and Get…s read: one thing of an API, or a page of them by MaxResults and NextToken. */
vg_rc apigateway_read(struct vg_req *rq, struct vg_str api_id, enum apigateway_kind kind,
                      struct vg_str id, void **ret) VG_MUST_USE;
vg_rc apigateway_read_page(struct vg_req *rq, struct vg_str api_id, enum apigateway_kind kind,
                           struct vg_str max_results, struct vg_str next_token,
                           struct apigateway_found *ret, struct vg_str *ret_next) VG_MUST_USE;
/* Answers a page of Get…s, each made by `show` of its record. */
#define APIGATEWAY_ANSWER_PAGE(rq, out, found, show)                                               \
    do {                                                                                           \
        (out)->items.items =                                                                       \
            vg_arena_array((rq)->arena, (found)->len + 1, sizeof(*(out)->items.items));            \
        (out)->items.len = (found)->len;                                                           \
        (out)->items.set = true;                                                                   \
        for (size_t i = 0; i < (found)->len; i++)                                                  \
            (out)->items.items[i] = show((rq), (found)->items[i]);                                 \
    } while (0)

/* BadRequestException naming a member that Virga does not carry out, where it is given. */
vg_rc apigateway_refuse(struct vg_req *rq, bool is_given, const char *member, const char *why)
    VG_MUST_USE;

/* The same for the first of a table that is given. */
struct apigateway_refusal {
    bool is_given;
    const char *member, *why;
};
vg_rc apigateway_refuse_any(struct vg_req *rq, const struct apigateway_refusal *table, size_t n)
    VG_MUST_USE;

/* A map of AWS's laid over stored pairs: "" takes a name out, as in Update…. `to` is the vector's
 * address; all vectors of pairs have one layout. */
struct apigateway_pair_vec {
    struct apigateway_rec_pair *items;
    size_t len, cap;
};
void apigateway_pairs_lay(struct vg_arena *arena, struct apigateway_pair_vec *to,
                          struct vg_str name, struct vg_str value);
#define APIGATEWAY_PAIRS(vec) ((struct apigateway_pair_vec *)(void *)(vec))
/* Lays tags over stored ones, within AWS's rules for them. */
vg_rc apigateway_put_tags(struct vg_req *rq, struct apigateway_pair_vec *to,
                          const struct apigatewayv2_tags *tags) VG_MUST_USE;

/* Answers of Create…, Get… and Update… have one form: `from` is copied into `out` of another name.
 */
#define APIGATEWAY_ANSWER(out, from)                                                               \
    do {                                                                                           \
        _Static_assert(sizeof(*(out)) == sizeof(*(from)),                                          \
                       "the model gives both the same members");                                   \
        memcpy((out), (from), sizeof(*(out)));                                                     \
    } while (0)

/* --- apigateway_deploy.c ------------------------------------------------------------------------
 */

/* Snapshots the API as it is in this transaction as deployment `id`. */
vg_rc apigateway_deploy(const struct apigateway_at *at, const struct apigateway_rec_api *api,
                        struct vg_str description, bool is_auto, struct vg_str *ret_id) VG_MUST_USE;
/* After a change: a new deployment for the stages that deploy by themselves. */
vg_rc apigateway_auto_deploy(const struct apigateway_at *at, const struct apigateway_rec_api *api)
    VG_MUST_USE;

/* --- apigateway_integration.c, apigateway_routes.c, apigateway_stage.c: also for quick create ----
 */

/* Name of the group in a log group's ARN (with or without ":*") of `at`'s region and account. */
struct vg_str apigateway_log_group(const struct apigateway_at *at, struct vg_str arn);

/* What a route's record says of its authorization; absent: none is needed. */
#define APIGATEWAY_IAM VG_STR("AWS_IAM")

bool apigateway_is_lambda_uri(struct vg_str uri);
/* "arn:aws:lambda:…" of an integration URI, also of the …/invocations form; absent: none. */
struct vg_str apigateway_lambda_arn(struct vg_str uri);
vg_rc apigateway_check_uri(struct vg_req *rq, const struct apigateway_rec_integration *rec)
    VG_MUST_USE;

/* --- apigateway_cache.c -------------------------------------------------------------------------
 */

/* A deployment made ready to serve; immutable. */
struct apigateway_served {
    struct apigateway_rec_snapshot snap;
    const struct apigateway_routes *routes; /* of snap.routes, by their indexes */
};

/* At most this many are kept, none of which takes more memory than that. */
#define APIGATEWAY_CACHE_ENTRIES   256u
#define APIGATEWAY_CACHE_MAX_BYTES (512u << 10)

/* *ret is NULL when there is no such deployment; else it lives as long as the request. */
vg_rc apigateway_served_find(const struct apigateway_at *at, struct vg_str deployment_id,
                             const struct apigateway_served **ret) VG_MUST_USE;

/* --- apigateway_plane.c, apigateway_invoke.c: the data plane ------------------------------------
 */

bool apigateway_plane_match(const struct vg_env *env, struct vg_str host, struct vg_str path);
void apigateway_plane_serve(struct vg_req *rq, struct vg_http_req *http) VG_WAITS;

/*
 * For a route with AWS_IAM: whether the request is signed for this API's region by someone who may
 * execute-api:Invoke it.  Then call->caller and call->body are set; else *ret_status is what the
 * client gets: 403 or 413.  VG_GONE: nobody is there.
 */
vg_rc apigateway_iam_admit(struct vg_req *rq, const struct apigateway_at *at,
                           struct apigateway_call *call, int *ret_status) VG_WAITS VG_MUST_USE;

/* The integration's answer, or the gateway's for one that failed. VG_GONE: nobody is there. */
vg_rc apigateway_invoke_lambda(struct vg_req *rq, const struct apigateway_at *at,
                               const struct apigateway_rec_integration *integration,
                               const struct apigateway_call *call, struct apigateway_reply *ret)
    VG_WAITS VG_MUST_USE;

/* The same for HTTP_PROXY. */
vg_rc apigateway_invoke_url(struct vg_req *rq, const struct apigateway_at *at,
                            const struct apigateway_rec_integration *integration,
                            const struct apigateway_call *call, struct apigateway_reply *ret)
    VG_WAITS VG_MUST_USE;
/* Puts stage variables in for ${stageVariables.name}; what is not set becomes nothing. */
struct vg_str apigateway_expand_uri(struct vg_arena *arena, struct vg_str uri,
                                    const struct apigateway_pairs *variables);
/* A line into the stage's access log, as the API's account; failures are logged and passed over. */
void apigateway_log_access(struct vg_req *rq, const struct apigateway_at *at,
                           const struct apigateway_rec_stage *stage, struct vg_str line) VG_WAITS;

/* --- apigateway.c: what is in memory ------------------------------------------------------------
 */

struct apigateway_svc;
struct vg_cache;
struct vg_cache *apigateway_svc_cache(struct apigateway_svc *svc); /* of apigateway_served */
/* False: too many requests. */
bool apigateway_throttle_take(struct apigateway_svc *svc, const struct apigateway_at *at,
                              const struct apigateway_rec_stage *stage, struct vg_str route_key);

#endif
