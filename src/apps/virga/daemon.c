/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/virga/daemon.h"

#include "apps/virga/root_key.h"
#include "apps/virga/services.h"
#include "auth/auth.h"
#include "base/arena.h"
#include "base/fault.h"
#include "clock/clock.h"
#include "core/meter.h"
#include "core/registry.h"
#include "core/timer.h"
#include "crypto/random.h"
#include "events/events.h"
#include "front/front.h"
#include "http/client.h"
#include "http/server.h"
#include "http/tls.h"
#include "os/clock.h"
#include "os/fiber.h"
#include "os/file.h"
#include "sandbox/sandbox.h"
#include "store/blob.h"
#include "store/kv.h"
#include "wire/wire.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

#define STOP_FINISH_MS 10000 /* what in-flight requests get after SIGTERM */

struct signals {
    struct daemon *d;
    uv_signal_t term, intr;
};

/* --- the folder
 * ----------------------------------------------------------------------------------- */

static vg_rc
choose_data_dir(struct daemon *d)
{
    char path[] = "/tmp/virga-ephemeral-XXXXXX";
    if (!d->opt->is_ephemeral)
        return data_dir_choose(d->arena, d->opt->data_dir, &d->config.data_dir, &d->err);
    if (mkdtemp(path) == NULL)
        return vg_err_errno(&d->err, errno, "making a temporary folder");
    d->temp_dir = vg_str_dup(d->arena, vg_str_of(path));
    d->config.data_dir = d->temp_dir;
    return VG_OK;
}

/* --- loops
 * ----------------------------------------------------------------------------------------- */

static void *
loop_thread(void *arg)
{
    vg_loop_run(arg);
    return NULL;
}

static size_t
count_cores(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : (size_t)VG_MIN(n, LOOPS_MAX);
}

static void
make_loops(struct daemon *d)
{
    d->n_loops = d->opt->n_loops ? (size_t)d->opt->n_loops : count_cores();
    for (size_t i = 0; i < d->n_loops; i++)
        d->loops[i] = vg_loop_new((int)i);
    d->env.loops = d->loops;
    d->env.n_loops = d->n_loops;
}

static vg_rc
start_threads(struct daemon *d)
{
    for (size_t i = 1; i < d->n_loops; i++) {
        int rc = pthread_create(&d->threads[d->n_threads], NULL, loop_thread, d->loops[i]);
        if (rc != 0)
            return vg_err_errno(&d->err, rc, "starting a thread");
        d->n_threads++;
    }
    return VG_OK;
}

static void
stop_loops(struct daemon *d)
{
    for (size_t i = d->n_loops; i-- > 0;)
        vg_loop_stop(d->loops[i]);
}

/* --- up
 * --------------------------------------------------------------------------------------------- */

static int64_t
clock_now(const void *clock)
{
    return vg_clock_now_ms(clock);
}

static vg_rc
open_auth(struct daemon *d, struct vg_sess *s)
{
    struct root_key key = { VG_STR("test"), VG_STR("test") };
    struct vg_str path;
    if (d->opt->is_auth_strict) {
        vg_rc rc = root_key_open(d->arena, d->env.random, d->config.data_dir, &key, &path, &d->err);
        if (rc != VG_OK)
            return rc;
        vg_log(VG_LOG_INFO, "root_key", { "file", path });
    }
    const struct vg_auth_options opt = {
        .account = d->config.account,
        .partition = d->config.partition,
        .root_key_id = key.id,
        .root_secret = key.secret,
        .random = d->env.random,
        .now_ms = clock_now,
        .clock = d->env.clock,
    };
    return vg_auth_open(&opt, s, &d->env.auth, &d->err);
}

/* Calls to the outside trust our own authority too: an integration may lead back here. */
static vg_rc
open_tls_and_client(struct daemon *d)
{
    struct vg_http_client_config client = { .ca_file = VG_STR_NONE };
    if (d->opt->tls_listen_host.ptr) {
        const struct vg_tls_config tls = {
            .dir = vg_str_cat(d->arena, d->config.data_dir, VG_STR("/tls")),
            .cert_file = d->opt->tls_cert,
            .key_file = d->opt->tls_key,
        };
        vg_rc rc = vg_tls_new(&tls, &d->tls, &d->err);
        if (rc != VG_OK)
            return rc;
        client.ca_file = vg_tls_ca_file(d->tls);
    }
    return vg_http_client_new(&client, &d->env.http_client, &d->err);
}

static vg_rc
listen_main(struct daemon *d)
{
    const struct vg_http_config config = {
        .loops = d->loops, .n_loops = d->n_loops, .handler = vg_front_handle, .ctx = d->front
    };
    d->env.http = vg_http_server_new(&config);
    enum vg_trust trust = d->opt->is_auth_strict ? VG_TRUST_NETWORK : VG_TRUST_LOOPBACK;
    vg_rc rc = vg_http_listen(d->env.http, d->opt->listen_host, d->opt->listen_port, NULL, trust,
                              NULL, &d->listener, &d->err);
    if (rc != VG_OK)
        return rc;
    d->config.port = d->listener->port;
    d->config.endpoint =
        vg_str_fmt(d->arena, "http://%s:%u", d->listener->addr, (unsigned)d->listener->port);
    if (d->tls == NULL)
        return VG_OK;
    return vg_http_listen(d->env.http, d->opt->tls_listen_host, d->opt->tls_listen_port, d->tls,
                          trust, NULL, &d->tls_listener, &d->err);
}

static vg_rc
bring_up(struct daemon *d)
{
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    struct vg_sess sess;
    vg_sess_init(&sess, d->env.kv, arena);
    vg_rc rc = vg_clock_open(&sess, vg_wall_ms, &d->env.clock, &d->err);
    if (rc == VG_OK)
        rc = vg_blobs_open(d->config.data_dir, d->env.kv, d->env.random, &d->env.blobs, &d->err);
    if (rc == VG_OK)
        rc = open_auth(d, &sess);
    if (rc == VG_OK)
        rc = open_tls_and_client(d);
    if (rc == VG_OK) {
        const struct vg_events_setup setup = {
            .kv = d->env.kv, .clock = d->env.clock, .run = vg_timer_run, .arg = &d->env
        };
        d->env.events = vg_events_new(&setup);
        rc = vg_registry_init(d->registry, &d->env, &d->err);
    }
    if (rc != VG_OK)
        return rc;
    vg_meter_start(d->env.meter);
    vg_blobs_start(d->env.blobs, d->loops[0]);
    rc = listen_main(d);
    if (rc == VG_OK) /* last: what falls due may need everything */
        vg_events_start(d->env.events, d->loops, d->n_loops);
    return rc;
}

static void
boot_fiber(void *arg)
{
    struct daemon *d = arg;
    if (bring_up(d) != VG_OK) {
        vg_log(VG_LOG_ERROR, "start_failed", { "error", vg_err_text(&d->err) });
        d->exit_status = 1;
        stop_loops(d);
        return;
    }
    struct vg_str listen =
        vg_str_fmt(d->arena, "%s:%u", d->listener->addr, (unsigned)d->listener->port);
    struct vg_str tls = VG_STR_NONE;
    if (d->tls_listener)
        tls = vg_str_fmt(d->arena, "%s:%u", d->tls_listener->addr, (unsigned)d->tls_listener->port);
    vg_log(VG_LOG_INFO, "ready", { "listen", listen }, { "tls", tls },
           { "endpoint", d->config.endpoint },
           { "data", d->config.is_ephemeral ? VG_STR("(memory)") : d->config.data_dir },
           { "region", d->config.region },
           { "ms", vg_str_fmt(d->arena, "%d", (int)(vg_mono_ms() - d->env.started_ms)) });
    vg_loop_release_memory(); /* what only the start has needed */
}

/* --- down
 * ------------------------------------------------------------------------------------------- */

static void
stop_fiber(void *arg)
{
    struct daemon *d = arg;
    if (d->env.http)
        vg_http_server_stop(d->env.http, STOP_FINISH_MS);
    vg_sandboxes_stop(d->env.sandboxes);
    if (d->env.http_client)
        vg_http_client_stop(d->env.http_client);
    stop_loops(d);
}

static void
on_signal(uv_signal_t *handle, int signum)
{
    struct signals *s = handle->data;
    if (s->d->is_stopping)
        return;
    s->d->is_stopping = true;
    vg_log(VG_LOG_INFO, "stopping", { "signal", vg_str_of(signum == SIGINT ? "INT" : "TERM") });
    uv_close((uv_handle_t *)&s->term, NULL);
    uv_close((uv_handle_t *)&s->intr, NULL);
    vg_fiber_start(s->d->loops[0], stop_fiber, s->d);
}

static void
catch_signals(struct daemon *d, struct signals *s)
{
    struct uv_loop_s *uv = vg_loop_uv(d->loops[0]);
    s->d = d;
    uv_signal_init(uv, &s->term);
    uv_signal_init(uv, &s->intr);
    s->term.data = s->intr.data = s;
    uv_unref((uv_handle_t *)&s->term);
    uv_unref((uv_handle_t *)&s->intr);
    uv_signal_start(&s->term, on_signal, SIGTERM);
    uv_signal_start(&s->intr, on_signal, SIGINT);
}

static void
take_down(struct daemon *d)
{
    for (size_t i = 0; i < d->n_threads; i++)
        pthread_join(d->threads[i], NULL);
    vg_http_server_free(d->env.http);
    vg_http_client_free(d->env.http_client);
    vg_tls_free(d->tls);
    vg_sandboxes_free(d->env.sandboxes);
    vg_front_free(d->front);
    vg_registry_fini(d->registry);
    vg_meter_free(d->env.meter);
    vg_events_free(d->env.events);
    vg_blobs_close(d->env.blobs);
    vg_auth_close(d->env.auth);
    vg_clock_close(d->env.clock);
    vg_kv_close(d->env.kv);
    for (size_t i = 0; i < d->n_loops; i++)
        vg_loop_free(d->loops[i]);
    vg_registry_free(d->registry);
    vg_patterns_free(d->env.patterns);
    vg_random_free(d->env.random);
    struct vg_err err = { 0 };
    if (d->temp_dir.ptr && vg_dir_remove(d->temp_dir, &err) != VG_OK)
        vg_log(VG_LOG_WARN, "temporary_folder", { "error", vg_err_text(&err) });
}

static vg_rc
open_store(struct daemon *d)
{
    if (d->opt->is_ephemeral)
        return vg_kv_open_mem(&d->env.kv, &d->err);
    const struct vg_kv_options opt = {
        .path = d->config.data_dir,
        .durability = d->opt->is_durability_os ? VG_DURABLE_OS : VG_DURABLE_DISK,
    };
    return vg_kv_open_rocks(&opt, &d->env.kv, &d->err);
}

/* Starts no process: the jail comes with the first function. */
static void
make_sandboxes(struct daemon *d)
{
    struct vg_sandboxes_options opt = {
        .run_dir = vg_str_cat(d->arena, d->config.data_dir, VG_STR("/run")),
        .is_weak = d->config.is_sandbox_weak,
        .is_match_exact = d->config.is_runtime_match_exact,
        .runtimes = d->config.runtimes,
        .n_runtimes = d->config.n_runtimes,
        .loops = d->loops,
        .n_loops = d->n_loops,
    };
    vg_sandboxes_find_paths(d->arena, &opt);
    d->env.sandboxes = vg_sandboxes_new(&opt);
    vg_sandboxes_on_aws(d->env.sandboxes, vg_front_handle, d->front);
}

/* VIRGA_FAULTS arms fault points, for crash tests (base/fault.h). */
static vg_rc
arm_faults(struct daemon *d)
{
    const char *spec = getenv("VIRGA_FAULTS");
    if (spec == NULL || *spec == '\0')
        return VG_OK;
    vg_log(VG_LOG_WARN, "faults_armed", { "spec", vg_str_of(spec) });
    return vg_fault_setup(vg_str_of(spec), &d->err);
}

static vg_rc
prepare(struct daemon *d)
{
    vg_rc rc = arm_faults(d);
    if (rc == VG_OK)
        rc = choose_data_dir(d);
    if (rc == VG_OK)
        rc = open_store(d);
    if (rc != VG_OK)
        return rc;
    make_loops(d);
    d->env.random = vg_random_new(d->n_loops, NULL);
    d->env.patterns = vg_patterns_new();
    d->registry = vg_registry_new(virga_services, n_virga_services);
    d->env.registry = d->registry;
    d->env.meter = vg_meter_new(&d->env);
    d->front = vg_front_new(&d->env);
    make_sandboxes(d);
    return VG_OK;
}

int
daemon_run(const struct serve_options *opt)
{
    vg_memory_setup();
    struct daemon *d = vg_xalloc(sizeof(*d));
    d->opt = opt;
    d->arena = vg_arena_new(0);
    d->config = (struct vg_config) {
        .region = opt->region,
        .account = opt->account,
        .partition = VG_STR("aws"),
        .is_ephemeral = opt->is_ephemeral,
        .is_auth_strict = opt->is_auth_strict,
        .is_sandbox_weak = opt->is_sandbox_weak,
        .is_runtime_match_exact = opt->is_runtime_match_exact,
        .runtimes = opt->runtimes,
        .n_runtimes = opt->n_runtimes,
    };
    d->env.config = &d->config;
    d->env.started_ms = vg_mono_ms();

    struct signals signals;
    vg_rc rc = prepare(d);
    if (rc == VG_OK)
        rc = start_threads(d);
    if (rc == VG_OK) {
        catch_signals(d, &signals);
        vg_fiber_start(d->loops[0], boot_fiber, d);
        vg_loop_run(d->loops[0]);
    } else {
        vg_log(VG_LOG_ERROR, "start_failed", { "error", vg_err_text(&d->err) });
        d->exit_status = 1;
        stop_loops(d);
    }
    take_down(d);
    int status = d->exit_status;
    vg_arena_free(d->arena);
    free(d);
    return status;
}
