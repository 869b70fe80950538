/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's end of the jail's socket: starts it, sends orders, takes its reports. */
#include "base/log.h"
#include "http/server.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/poll.h"
#include "os/process.h"
#include "sandbox/sandbox_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

char *
sb_dup(struct vg_str s)
{
    if (!s.ptr)
        return NULL;
    char *p = vg_xalloc(s.len + 1);
    memcpy(p, s.ptr, s.len);
    return p;
}

static void
add_str(struct vg_jail_msg *m, const char *key, struct vg_str s)
{
    vg_jail_msg_add(m, key, s.ptr ? s.ptr : "", s.len);
}

static void
add_bind(struct vg_jail_msg *m, const char *src, const char *dst)
{
    char text[1024];
    int n = snprintf(text, sizeof(text), "%s\n%s", src, dst);
    if (n > 0 && (size_t)n < sizeof(text))
        vg_jail_msg_add(m, "bind", text, (size_t)n);
    else
        m->over = true;
}

/* The interpreter's own tree, when it is not among what every sandbox sees. */
static void
add_prefix(struct vg_jail_msg *m, const char *path)
{
    char prefix[512];
    snprintf(prefix, sizeof(prefix), "%s", path);
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(prefix, '/');
        if (slash)
            *slash = 0;
    }
    if (strncmp(path, "/usr/", 5) != 0 && prefix[0])
        add_bind(m, prefix, prefix);
}

static void
add_runtime(struct vg_sandboxes *sb, struct vg_jail_msg *m, const struct sb_pool *pool)
{
    char src[512], dst[512];
    if (pool->kind == VG_RUNTIME_PROVIDED)
        return;
    bool is_python = pool->kind == VG_RUNTIME_PYTHON;
    snprintf(src, sizeof(src), "%.*s/%s", VG_ARG(sb->opt.client_dir),
             is_python ? "python" : "nodejs");
    add_bind(m, src, "/var/runtime");
    snprintf(src, sizeof(src), "%.*s/%s", VG_ARG(sb->opt.library_dir),
             is_python ? "python" : "nodejs/node_modules");
    /* Found from /var/task by import and by require alike, after the function's own. */
    snprintf(dst, sizeof(dst), "%s",
             is_python ? "/var/lang/lib/site-packages" : "/var/node_modules");
    if (vg_file_exists(vg_str_of(src)))
        add_bind(m, src, dst);
    add_prefix(m, pool->path);
}

size_t
sb_runtime_argv(const struct sb_pool *pool, const char *ret_argv[8])
{
    size_t n = 0;
    ret_argv[n++] = pool->path;
    if (pool->kind == VG_RUNTIME_PYTHON) {
        ret_argv[n++] = "-S"; /* the system's own packages are not the function's */
        ret_argv[n++] = "-B";
        ret_argv[n++] = "/var/runtime/bootstrap.py";
    } else if (pool->kind == VG_RUNTIME_NODE) {
        ret_argv[n++] = "/var/runtime/index.mjs";
    }
    return n;
}

struct sb_box *
sb_box_prepare(struct vg_sandboxes *sb, struct sb_pool *pool, bool is_plain)
{
    struct sb_box *box = vg_xalloc(sizeof(*box));
    box->sb = sb;
    box->refs = 2; /* the list's and the jail's */
    box->state = SB_PREPARING;
    box->id = ++sb->next_id;
    box->pool = pool;
    box->is_plain = is_plain || pool->kind == VG_RUNTIME_PROVIDED;
    box->log_fd = box->memory_fd = box->freeze_fd = -1;
    box->born_ms = vg_mono_ms();
    sb_logs_init(&box->logs);
    struct sb_box **last = &sb->boxes; /* oldest first */
    while (*last)
        last = &(*last)->next;
    *last = box;

    struct vg_jail_msg m;
    vg_jail_msg_init(&m, sb->out, sizeof(sb->out), VG_JAIL_PREPARE, box->id);
    add_runtime(sb, &m, pool);
    if (!box->is_plain) {
        const char *argv[8];
        size_t n = sb_runtime_argv(pool, argv);
        for (size_t i = 0; i < n; i++)
            vg_jail_msg_add(&m, "argv", argv[i], strlen(argv[i]));
        add_str(&m, "env", VG_STR("PATH=/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin"));
        add_str(&m, "env", VG_STR("LANG=en_US.UTF-8"));
    }
    sb_order_send(sb, &m);
    return box;
}

vg_rc
sb_box_start(struct sb_box *box, const struct vg_function *fn, const char *const *argv, size_t argc,
             const struct vg_str *env, size_t n_env, struct vg_err *err)
{
    struct vg_sandboxes *sb = box->sb;
    struct vg_jail_msg m;
    vg_jail_msg_init(&m, sb->out, sizeof(sb->out), VG_JAIL_START, box->id);
    vg_jail_msg_add_u64(&m, "memory_mb", fn->memory_mb);
    vg_jail_msg_add_u64(&m, "tmp_mb", fn->tmp_mb);
    char code[512];
    snprintf(code, sizeof(code), "%.*s", VG_ARG(fn->code_dir));
    add_bind(&m, code, "/var/task");
    for (size_t i = 0; i < argc; i++)
        vg_jail_msg_add(&m, "argv", argv[i], strlen(argv[i]));
    for (size_t i = 0; i < n_env; i++)
        add_str(&m, "env", env[i]);
    if (m.over)
        return vg_err_set(err, "the environment of the function is too large");
    sb_order_send(sb, &m);
    explicit_bzero(sb->out, m.head.len); /* it held credentials */
    return VG_OK;
}

void
sb_box_freeze(struct sb_box *box, bool is_frozen)
{
    if (box->is_frozen == is_frozen || box->freeze_fd < 0)
        return;
    /* With v1 what is frozen neither goes on nor dies, so only what waits for us ever is. */
    VG_ASSERT(!is_frozen || (box->state == SB_IDLE && box->in_next));
    bool v1 = strcmp(box->sb->cgroup, "v1") == 0;
    const char *text = v1 ? (is_frozen ? "FROZEN" : "THAWED") : (is_frozen ? "1" : "0");
    if (pwrite(box->freeze_fd, text, strlen(text), 0) > 0)
        box->is_frozen = is_frozen;
}

uint64_t
sb_box_peak(const struct sb_box *box)
{
    char text[32];
    ssize_t n = box->memory_fd >= 0 ? pread(box->memory_fd, text, sizeof(text) - 1, 0) : -1;
    if (n <= 0)
        return box->peak_bytes;
    text[n] = 0;
    return strtoull(text, NULL, 10);
}

void
sb_box_kill(struct sb_box *box)
{
    if (box->state == SB_DYING)
        return;
    sb_box_freeze(box, false);
    box->state = SB_DYING;
    struct vg_jail_msg m;
    vg_jail_msg_init(&m, box->sb->out, sizeof(box->sb->out), VG_JAIL_KILL, box->id);
    sb_order_send(box->sb, &m);
}

void
sb_box_unref(struct sb_box *box)
{
    if (--box->refs > 0)
        return;
    char *const texts[] = { box->key,    box->account, box->region, box->group,
                            box->stream, box->role,    box->version };
    for (size_t i = 0; i < VG_COUNT(texts); i++)
        free(texts[i]);
    int *const fds[] = { &box->log_fd, &box->memory_fd, &box->freeze_fd };
    for (size_t i = 0; i < VG_COUNT(fds); i++) {
        if (*fds[i] >= 0)
            close(*fds[i]);
    }
    sb_logs_fini(&box->logs);
    free(box);
}

/* --- reports ------------------------------------------------------------------------------------
 */

static struct sb_box *
find_box(struct vg_sandboxes *sb, uint32_t id)
{
    struct sb_box *box = sb->boxes;
    while (box && box->id != id)
        box = box->next;
    return box;
}

static void
listener_gone(void *arg)
{
    struct sb_box *box = arg;
    struct vg_sandboxes *sb = box->sb;
    pthread_mutex_lock(&sb->lock);
    sb_box_unref(box);
    pthread_mutex_unlock(&sb->lock);
}

/* Its process is gone: out of the list, its listener closed, whoever waits told. */
static void
drop_box(struct sb_box *box)
{
    struct vg_sandboxes *sb = box->sb;
    struct sb_box **at = &sb->boxes;
    while (*at && *at != box)
        at = &(*at)->next;
    if (!*at)
        return;
    *at = box->next;
    box->is_gone = true;
    sb_box_gone(box);
    box->state = SB_DYING;
    if (box->listener)
        vg_http_listener_close(sb->http, box->listener, listener_gone, box);
    sb_box_unref(box); /* the list's */
    sb_box_unref(box); /* the jail's */
}

/* Gives the descriptors of PREPARED to the box; the listening socket is returned. */
static int
take_fds(struct sb_box *box, const struct vg_jail_msg *m)
{
    int listener = -1;
    const char *names = vg_jail_msg_get(m, "fds");
    struct vg_str rest = vg_str_of(names ? names : "");
    for (unsigned i = 0; i < m->n_fds; i++) {
        struct vg_str name = vg_str_cut(&rest, ',');
        if (box && vg_str_eq(name, VG_STR("listen")))
            listener = m->fds[i];
        else if (box && vg_str_eq(name, VG_STR("log")))
            box->log_fd = m->fds[i];
        else if (box && vg_str_eq(name, VG_STR("memory")))
            box->memory_fd = m->fds[i];
        else if (box && vg_str_eq(name, VG_STR("freeze")))
            box->freeze_fd = m->fds[i];
        else
            close(m->fds[i]);
    }
    return listener;
}

static void
on_prepared(struct vg_sandboxes *sb, struct sb_box *box, const struct vg_jail_msg *m)
{
    int fd = take_fds(box, m);
    if (!box || fd < 0)
        return;
    struct vg_err err = { 0 };
    if (vg_http_listen_fd(sb->http, fd, NULL, VG_TRUST_SANDBOX, box, &box->listener, &err)
        != VG_OK) {
        snprintf(box->why, sizeof(box->why), "%s", err.msg);
        sb_box_kill(box);
        return;
    }
    box->refs++; /* the listener's */
    if (box->state == SB_PREPARING)
        box->state = SB_POOLED;
    sb_logs_watch(box);
    if (box->claimant)
        vg_waiter_wake(box->claimant, VG_OK);
}

static uint64_t
number(const struct vg_jail_msg *m, const char *key)
{
    const char *v = vg_jail_msg_get(m, key);
    return v ? strtoull(v, NULL, 10) : 0;
}

static void
on_report(struct vg_sandboxes *sb, const struct vg_jail_msg *m)
{
    struct sb_box *box = find_box(sb, m->head.id);
    sb->report_ms = vg_mono_ms();
    if (m->head.type == VG_JAIL_PREPARED) {
        on_prepared(sb, box, m);
        return;
    }
    if (!box)
        return;
    if (m->head.type == VG_JAIL_EXITED) {
        box->exit_status = (int)number(m, "status");
        box->was_oom = number(m, "oom") != 0;
        box->peak_bytes = number(m, "max_memory");
    } else if (m->head.type == VG_JAIL_FAILED) {
        const char *why = vg_jail_msg_get(m, "error");
        snprintf(box->why, sizeof(box->why), "%s", why ? why : "unknown");
        box->exit_status = 9;
    }
    drop_box(box);
}

/* The jail ended: so did all its sandboxes, but for frozen ones, which must be let go to die. */
static void
on_jail_gone(struct vg_sandboxes *sb)
{
    while (sb->boxes) {
        struct sb_box *box = sb->boxes;
        box->is_frozen = true;
        sb_box_freeze(box, false);
        snprintf(box->why, sizeof(box->why), "the sandbox supervisor ended");
        box->exit_status = 9;
        drop_box(box);
    }
    sb_orders_drop(sb);
    close(sb->sock);
    sb->sock = -1;
    sb->is_usable = false;
}

static void VG_WAITS
reader(void *arg)
{
    struct vg_sandboxes *sb = arg;
    int sock = sb->sock;
    pid_t pid = sb->jail_pid;
    for (;;) {
        vg_fd_wait(sock, VG_FD_READ, VG_NEVER_MS, false);
        struct vg_jail_msg m;
        int rc = vg_jail_msg_recv(sock, &m, sb->in, VG_JAIL_MSG_MAX);
        if (rc < 0 && errno == EAGAIN)
            continue;
        if (rc <= 0)
            break;
        pthread_mutex_lock(&sb->lock);
        on_report(sb, &m);
        pthread_mutex_unlock(&sb->lock);
    }
    struct vg_exit how;
    struct vg_err err = { 0 };
    while (vg_process_wait(pid, VG_NEVER_MS, &how, &err) == VG_GONE)
        vg_fiber_sleep(5);
    pthread_mutex_lock(&sb->lock);
    on_jail_gone(sb);
    sb->n_fibers--;
    pthread_mutex_unlock(&sb->lock);
}

/* --- start --------------------------------------------------------------------------------------
 */

static vg_rc
spawn_jail(struct vg_sandboxes *sb, int fd, struct vg_err *err)
{
    vg_auto_arena struct vg_arena *arena = vg_arena_new(0);
    const char *path = vg_str_cstr(arena, sb->opt.jail_path);
    const char *argv[] = { path, "--run-dir", vg_str_cstr(arena, sb->opt.run_dir), "--socket",
                           "3",  "--sandbox", sb->opt.is_weak ? "weak" : "strict", NULL };
    const char *const envp[] = { "PATH=/usr/bin:/bin", NULL };
    struct vg_fd_map fds[] = { { 2, 2 }, { fd, 3 } };
    struct vg_spawn spawn = {
        .path = path, .argv = argv, .envp = envp, .fds = fds, .n_fds = 2, .is_own_group = true
    };
    return vg_process_spawn(&spawn, &sb->jail_pid, err);
}

static void
keep_text(char *to, size_t cap, const char *text)
{
    snprintf(to, cap, "%s", text ? text : "");
}

/* Its control groups bear its number. */
static void
log_start(const struct vg_sandboxes *sb)
{
    char pid[16];
    snprintf(pid, sizeof(pid), "%d", (int)sb->jail_pid);
    vg_log(VG_LOG_INFO, "sandboxes", { "pid", vg_str_of(pid) }, { "cgroup", vg_str_of(sb->cgroup) },
           { "users", vg_str_of(sb->users) }, { "missing", vg_str_of(sb->missing) });
}

static vg_rc VG_WAITS
start_jail(struct vg_sandboxes *sb, struct vg_err *err)
{
    int pair[2], big = (int)VG_JAIL_MSG_MAX + 8192;
    vg_rc rc = vg_dir_make(sb->opt.run_dir, 0755, err);
    if (rc != VG_OK)
        return rc;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return vg_err_errno(err, errno, "socketpair");
    setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &big, sizeof(big));
    rc = spawn_jail(sb, pair[1], err);
    close(pair[1]);
    struct vg_jail_msg m;
    int got = -1;
    if (rc == VG_OK && vg_fd_wait(pair[0], VG_FD_READ, vg_mono_ms() + 10000, false) == VG_OK)
        got = vg_jail_msg_recv(pair[0], &m, sb->in, VG_JAIL_MSG_MAX);
    if (rc == VG_OK && (got != 1 || m.head.type != VG_JAIL_HELLO))
        rc = vg_err_set(err, "virga-jail did not start");
    if (rc != VG_OK) {
        close(pair[0]);
        return rc;
    }
    pthread_mutex_lock(&sb->lock);
    keep_text(sb->cgroup, sizeof(sb->cgroup), vg_jail_msg_get(&m, "cgroup"));
    keep_text(sb->users, sizeof(sb->users), vg_jail_msg_get(&m, "users"));
    keep_text(sb->missing, sizeof(sb->missing), vg_jail_msg_get(&m, "missing"));
    log_start(sb);
    sb->is_usable = number(&m, "usable") != 0;
    sb->sock = pair[0];
    sb->n_fibers++;
    vg_fiber_start(sb->opt.loops[0], reader, sb);
    sb_janitor_start(sb);
    if (!sb->is_usable)
        rc = vg_err_set(err,
                        "Functions cannot be isolated on this machine: %s. \"--sandbox weak\" "
                        "accepts less.",
                        sb->missing);
    pthread_mutex_unlock(&sb->lock);
    return rc;
}

vg_rc
sb_jail_ensure(struct vg_sandboxes *sb, struct vg_err *err)
{
    for (;;) {
        pthread_mutex_lock(&sb->lock);
        bool is_up = sb->sock >= 0 && sb->is_usable, is_starting = sb->is_starting;
        bool is_stopping = sb->is_stopping, was_up = sb->sock >= 0;
        if (!is_up && !is_starting && !is_stopping && !was_up)
            sb->is_starting = true;
        pthread_mutex_unlock(&sb->lock);
        if (is_up)
            return VG_OK;
        if (is_stopping)
            return vg_err_set(err, "the daemon stops");
        if (!is_starting && !was_up)
            break;
        vg_fiber_sleep(2);
    }
    vg_rc rc = start_jail(sb, err);
    pthread_mutex_lock(&sb->lock);
    sb->is_starting = false;
    pthread_mutex_unlock(&sb->lock);
    return rc;
}
