/* SPDX-License-Identifier: Apache-2.0 */
#ifndef APIGATEWAY_CORS_H
#define APIGATEWAY_CORS_H

/*
 * CORS of HTTP APIs.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
 * "API Gateway automatically sends a response to preflight OPTIONS requests, even if there isn't an
 * OPTIONS route" and "ignores CORS headers returned from your backend integration".  Pure.
 */

#include "services/apigateway/apigateway_event.h"

struct apigateway_strs {
    const struct vg_str *items;
    size_t len;
};

struct apigateway_cors {
    struct apigateway_strs origins, methods, headers, expose;
    struct vg_opt_i64 max_age_s;
    bool allows_credentials;
};

/* NULL when the configuration is one AWS takes, else what is wrong with it. */
const char *apigateway_cors_check(const struct apigateway_cors *cors);

bool apigateway_cors_is_preflight(const struct apigateway_call *call);
/* 204 with what is allowed; without any of it for an origin that is not. */
struct apigateway_reply apigateway_cors_preflight(struct vg_arena *arena,
                                                  const struct apigateway_cors *cors,
                                                  const struct apigateway_call *call);
/* Takes the integration's CORS headers out and puts the configured ones in. */
void apigateway_cors_decorate(struct vg_arena *arena, const struct apigateway_cors *cors,
                              const struct apigateway_call *call, struct apigateway_reply *reply);

#endif
