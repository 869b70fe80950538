/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP layer alone: a handler that answers at once, or waits for /wait, until it is killed.
 * bench/b_http.py weighs the waiting ones. Usage: bench_http PORT LOOPS
 */
#include "http/server.h"
#include "os/clock.h"
#include "os/fiber.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define LOOPS_MAX 64

static void
handle(struct vg_http_req *req)
{
    struct vg_str body;
    struct vg_err err;
    if (vg_str_eq(req->path, VG_STR("/wait")))
        vg_fiber_sleep(3600 * 1000);
    if (vg_http_body_read_all(req, 1 << 20, &body, &err) != VG_OK)
        return;
    const struct vg_http_header headers[] = {
        { VG_STR("Content-Type"), VG_STR("application/x-amz-json-1.0") },
    };
    (void)vg_http_reply(req, 200, headers, 1, VG_STR("{\"ok\":true}"));
}

static void *
run(void *loop)
{
    vg_loop_run(loop);
    return NULL;
}

int
main(int argc, char **argv)
{
    uint64_t port = 0, n_loops = 0;
    if (argc != 3 || !vg_str_to_u64(vg_str_of(argv[1]), &port) || port > UINT16_MAX
        || !vg_str_to_u64(vg_str_of(argv[2]), &n_loops) || n_loops == 0 || n_loops > LOOPS_MAX) {
        fprintf(stderr, "usage: bench_http PORT LOOPS\n");
        return 2;
    }
    struct vg_loop *loops[LOOPS_MAX];
    for (size_t i = 0; i < n_loops; i++)
        loops[i] = vg_loop_new((int)i);
    struct vg_http_config config = { .loops = loops, .n_loops = n_loops, .handler = handle };
    struct vg_http_server *server = vg_http_server_new(&config);
    const struct vg_listener *listener;
    struct vg_err err;
    if (vg_http_listen(server, VG_STR("127.0.0.1"), (uint16_t)port, NULL, VG_TRUST_LOOPBACK, NULL,
                       &listener, &err)
        != VG_OK) {
        fprintf(stderr, "bench_http: %s\n", err.msg);
        return 1;
    }
    for (size_t i = 1; i < n_loops; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, run, loops[i]) != 0)
            return 1;
    }
    printf("listening on %u\n", listener->port);
    fflush(stdout);
    vg_loop_run(loops[0]);
    return 0;
}
