/* SPDX-License-Identifier: Apache-2.0 */
#ifndef APIGATEWAY_MAPPING_H
#define APIGATEWAY_MAPPING_H

/*
 * Parameter mapping of HTTP APIs, and the $context variables it shares with access logs.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
 *
 * Keys are append|overwrite|remove:header.NAME, append|overwrite|remove:querystring.NAME,
 * overwrite:path, and for answers overwrite:statuscode.  A value is a variable ($request.header.X,
 * $context.X …), a constant, or a constant with ${variables} in it.  Pure; any thread.
 */

#include "services/apigateway/apigateway_event.h"

/* NULL when AWS takes this mapping, else what is wrong with it. */
const char *apigateway_mapping_check(struct vg_str key, struct vg_str value, bool is_answer);

/* Changes headers, query and path of the call, in the order of the mappings. */
void apigateway_map_request(struct vg_arena *arena, const struct apigateway_pairs *mappings,
                            struct apigateway_call *call);
/* Changes headers and status of the reply. */
void apigateway_map_answer(struct vg_arena *arena, const struct apigateway_pairs *mappings,
                           const struct apigateway_call *call, struct apigateway_reply *reply);

/* What is known when the answer is made, for access logs. */
struct apigateway_outcome {
    const struct apigateway_reply *reply;
    int64_t latency_ms, integration_ms;
    struct vg_str error; /* of the gateway or the integration; absent: none */
};

/* A line of the access log: $context.NAME replaced, "-" for what has no value. */
struct vg_str apigateway_log_line(struct vg_arena *arena, struct vg_str format,
                                  const struct apigateway_call *call,
                                  const struct apigateway_outcome *outcome);

#endif
