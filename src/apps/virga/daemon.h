/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VIRGA_DAEMON_H
#define VIRGA_DAEMON_H

/*
 * The running cloud: opens what the layers need in order, runs the loops, and takes it all down in
 * reverse.  Everything here happens on the main thread or on a fiber of the first loop.
 */

#include "apps/virga/options.h"
#include "core/env.h"

#include <pthread.h>

struct vg_front;
struct vg_listener;
struct vg_tls;

#define LOOPS_MAX 256

struct daemon {
    const struct serve_options *opt;
    struct vg_config config;
    struct vg_env env;
    struct vg_arena *arena; /* what lives as long as the daemon */
    struct vg_loop *loops[LOOPS_MAX];
    pthread_t threads[LOOPS_MAX];
    size_t n_loops, n_threads;
    struct vg_registry *registry;
    struct vg_front *front;
    const struct vg_listener *listener, *tls_listener; /* the second: NULL without TLS */
    struct vg_tls *tls;
    struct vg_str temp_dir; /* of --ephemeral; removed at the end */
    struct vg_err err;
    int exit_status;
    bool is_stopping;
};

/* Runs until SIGTERM or SIGINT; the exit status of the program. */
int daemon_run(const struct serve_options *opt);

#endif
