/* SPDX-License-Identifier: Apache-2.0 */
#ifndef APIGATEWAY_EVENT_H
#define APIGATEWAY_EVENT_H

/*
 * The events that Lambda proxy integrations hand to functions, and what their answers mean.
 *
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 * Pure; everything returned lives in the arena or points into what was given.
 */

#include "services/apigateway/apigateway_route.h"

/* Who signed a request, on a route that asks for it. */
struct apigateway_caller {
    struct vg_str access_key, account, user_id, arn;
};

/* One request on its way through a stage. */
struct apigateway_call {
    struct vg_str method, protocol; /* "GET", "HTTP/1.1" */
    struct vg_str path;             /* as sent, percent-encoded, without the stage */
    struct vg_str query;            /* as sent, without the question mark; may be empty */
    struct vg_str source_ip, body;
    struct apigateway_pairs headers; /* as sent plus the gateway's own; repeated ones repeat */

    struct vg_str account, api_id, domain_name;
    struct vg_str stage;     /* "$default" or a name */
    struct vg_str route_key; /* of the route taken */
    struct vg_str request_id;
    int64_t time_ms;                        /* since 1970 */
    const struct apigateway_caller *caller; /* NULL: the route asks for no signature */
    struct apigateway_pairs sent_vars;      /* of the path, percent-encoded as they came */
    struct apigateway_pairs path_vars, stage_vars;
    bool is_path_mapped; /* overwrite:path set `path` */
};

/* The "input" of the function, as payload format 2.0 or 1.0. */
struct vg_str apigateway_event_v2(struct vg_arena *arena, const struct apigateway_call *call);
struct vg_str apigateway_event_v1(struct vg_arena *arena, const struct apigateway_call *call);

/*
 * Whether a body of this content type is handed over as text: text of any kind, application/json,
 * /xml and /javascript; everything else, and no content type, is base64 (measured on AWS:
 * ministackorg/ministack#766).
 */
bool apigateway_is_text(struct vg_str content_type);

/* Name and value pairs of a query string, decoded. */
void apigateway_query_split(struct vg_arena *arena, struct vg_str query,
                            struct apigateway_pairs *ret);
/* "12/Mar/2020:19:03:58 +0000" */
struct vg_str apigateway_request_time(struct vg_arena *arena, int64_t time_ms);
/* All values of a header, joined by commas; absent when there is none. */
struct vg_str apigateway_header_joined(struct vg_arena *arena,
                                       const struct apigateway_pairs *headers, struct vg_str name);

/* An answer on its way to the client. */
struct apigateway_reply {
    int status;
    struct apigateway_pairs headers; /* names in lower case; repeated ones repeat */
    struct vg_str body;
    struct vg_opt_i64
        length; /* of the body that an answer to HEAD leaves out; not set: of `body` */
};

/*
 * What the function's result says. False: not what the format asks for, the client gets 500.
 * In format 2.0 a result without statusCode is itself the body, as application/json.
 */
bool apigateway_reply_from_lambda(struct vg_arena *arena, struct vg_str payload, bool is_v2,
                                  struct apigateway_reply *ret);
/* {"message":"…"} with a content type. */
struct apigateway_reply apigateway_reply_message(struct vg_arena *arena, int status,
                                                 struct vg_str message);
/* Headers of one connection only, and those the gateway sets itself. */
bool apigateway_is_hop_header(struct vg_str name);

#endif
