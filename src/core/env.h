/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_CORE_ENV_H
#define VG_CORE_ENV_H

/*
 * The world a service runs in: everything that is not its own comes from here, so that tests can
 * give another one.  Built once by apps/virga, read-only while requests run; any thread.
 */

#include "base/str.h"

struct vg_auth;
struct vg_blobs;
struct vg_clock;
struct vg_events;
struct vg_http_client;
struct vg_http_server;
struct vg_kv;
struct vg_loop;
struct vg_meter;
struct vg_patterns;
struct vg_random;
struct vg_registry;
struct vg_sandboxes;

/* What was said on the command line. */
struct vg_config {
    struct vg_str region;    /* default of what names none                                     */
    struct vg_str account;   /* of the root key                                                */
    struct vg_str partition; /* "aws"                                                          */
    struct vg_str data_dir;  /* absolute; absent with --ephemeral until a temporary one exists */
    struct vg_str endpoint;  /* "http://127.0.0.1:4566": what answers that name a URL use      */
    uint16_t port;           /* of the main listener                                           */
    bool is_ephemeral;
    bool is_auth_strict; /* no well-known key, any address                                 */
    bool is_sandbox_weak;
    bool is_runtime_match_exact;
    const struct vg_str *runtimes; /* --runtime NAME=PATH, as given                            */
    size_t n_runtimes;
};

struct vg_env {
    const struct vg_config *config;
    const struct vg_registry *registry;
    struct vg_kv *kv;
    struct vg_blobs *blobs;
    struct vg_clock *clock;
    struct vg_patterns *patterns; /* compiled, of the models: wire/wire.h */
    struct vg_random *random;     /* crypto/random.h */
    struct vg_auth *auth;
    struct vg_events *events;
    struct vg_meter *meter;
    struct vg_sandboxes *sandboxes;
    struct vg_http_server *http;
    struct vg_http_client *http_client; /* calls to the outside: http/client.h */
    struct vg_loop *const *loops;
    size_t n_loops;
    int64_t started_ms; /* monotonic */
};

/* Virtual time: all service state, timestamps, expiry. Milliseconds since 1970. */
int64_t vg_now_ms(const struct vg_env *env);

#endif
