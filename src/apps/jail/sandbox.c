/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The jail's side of sandboxes: prepare (clone, groups, ids), start (late binds, limits, boot
 * blob), end (kill, reap, account).
 *
 * A sandbox is PREPARING until its pid 1 has met us, then READY; STARTED once it belongs to a
 * function, after which the jail never enters its namespaces again.  It is ENDING from our SIGKILL,
 * or from the first sign that its pid 1 ends by itself, and GONE while only its control group is
 * left.
 *
 * With control groups v1 what is frozen does not die, and the daemon freezes by itself: it may just
 * have found a sandbox idle whose processes are dying, or be killed in the midst of it.  So
 * whatever is ENDING is killed and thawed again and again (`sandbox_tick`) until it is gone.
 */
#include "apps/jail/jail.h"
#include "sandbox/jail_proto.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 20
/* At the end, of sleeps: a daemon that stops waits for us, one that was killed does not. */
#define END_ALL_MS    1500u
#define END_ORPHAN_MS 60000u

enum state { FREE, PREPARING, READY, STARTED, ENDING, GONE };

struct sandbox {
    enum state state;
    uint32_t id;    /* the daemon's */
    uint32_t group; /* never used twice: who froze the one before cannot freeze this */
    pid_t pid;
    int pidfd, ctl, boot, log;
    int limit;  /* of its memory, until START: opening it costs 0.2 ms */
    int mnt;    /* its mount namespace, from before its pid 1 hides itself until START */
    int status; /* of the main process, -1: not reported */
    char error[256];
};

/* The jail is one thread and this program's own: its table is file-scope, as in every apps/. */
static struct sandbox table[JAIL_SANDBOX_MAX];
static size_t n_slots; /* of the table, that were ever in use */
static uint32_t last_group;
static int64_t next_tick_ms;
static unsigned n_ending; /* those that are ENDING or GONE */
static char packet[VG_JAIL_MSG_MAX];
static char blob[VG_JAIL_MSG_MAX];
static struct sock_fprog filter;

struct sock_fprog *
jail_filter(void)
{
    return &filter;
}

static struct sandbox *
find(uint32_t id)
{
    for (size_t i = 0; i < n_slots; i++) {
        if (table[i].state != FREE && table[i].state != GONE && table[i].id == id)
            return &table[i];
    }
    return NULL;
}

static uint32_t
slot_of(const struct sandbox *s)
{
    return (uint32_t)(s - table);
}

static void
reply(struct jail *j, struct vg_jail_msg *m)
{
    if (vg_jail_msg_send(j->sock, m) != 0 && errno != EPIPE)
        fprintf(stderr, "virga-jail: send: %s\n", strerror(errno));
}

static void
fail(struct jail *j, uint32_t id, const char *what, int errnum)
{
    char text[512];
    int n = snprintf(text, sizeof(text), "%s%s%s", what, errnum ? ": " : "",
                     errnum ? strerror(errnum) : "");
    struct vg_jail_msg m;
    vg_jail_msg_init(&m, packet, sizeof(packet), VG_JAIL_FAILED, id);
    vg_jail_msg_add(&m, "error", text, (size_t)n);
    reply(j, &m);
}

static void
close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int
watch(struct jail *j, int fd, uint32_t slot, bool is_pid)
{
    struct epoll_event e = { .events = EPOLLIN, .data.u64 = ((uint64_t)slot << 1) | is_pid };
    return epoll_ctl(j->epoll, EPOLL_CTL_ADD, fd, &e);
}

/*
 * Closing is not enough: a sandbox that was just cloned holds copies of all our descriptors until
 * it has closed them, and what it holds would still be reported, as of whoever has the slot by
 * then.
 */
static void
unwatch(struct jail *j, int *fd)
{
    if (*fd >= 0)
        epoll_ctl(j->epoll, EPOLL_CTL_DEL, *fd, NULL);
    close_fd(fd);
}

static void
kill_it(struct jail *j, struct sandbox *s)
{
    if (s->pid > 0)
        kill(s->pid, SIGKILL); /* not yet reaped, so the number is still its own */
    cg_kill(&j->cg, s->group);
    n_ending += s->state < ENDING;
    s->state = ENDING;
}

static void
fail_and_end(struct jail *j, struct sandbox *s, const char *what)
{
    snprintf(s->error, sizeof(s->error), "%s: %s", what, strerror(errno));
    kill_it(j, s);
}

/* --- prepare -----------------------------------------------------------------------------------
 */

struct order {
    struct inside in;
    char *argv[64], *envp[256];
    char dst[JAIL_BINDS_MAX][256];
};

static void
drop_order(struct order *o)
{
    for (unsigned i = 0; i < o->in.n_trees; i++)
        close_fd(&o->in.tree_fd[i]);
    close_fd(&o->in.ctl);
    close_fd(&o->in.boot);
    close_fd(&o->in.log[1]);
}

static bool
key_is(const char *key, size_t len, const char *want)
{
    return strlen(want) == len && memcmp(key, want, len) == 0;
}

/* "source\ntarget" */
static int
add_bind(struct jail *j, struct order *o, const char *spec, bool need_point)
{
    const char *nl = strchr(spec, '\n');
    char src[512];
    unsigned i = o->in.n_trees;
    if (!nl || (size_t)(nl - spec) >= sizeof(src) || strlen(nl + 1) >= sizeof(o->dst[0])
        || i == JAIL_BINDS_MAX) {
        errno = EINVAL;
        return -1;
    }
    memcpy(src, spec, (size_t)(nl - spec));
    src[nl - spec] = 0;
    snprintf(o->dst[i], sizeof(o->dst[i]), "%s", nl + 1);
    if (need_point && root_mkdir(&j->root, o->dst[i]) != 0)
        return -1;
    int fd = root_tree(src);
    if (fd < 0)
        return -1;
    o->in.tree_fd[i] = fd;
    o->in.tree_dst[i] = o->dst[i];
    o->in.n_trees++;
    return 0;
}

static int
read_order(struct jail *j, const struct vg_jail_msg *m, struct order *o)
{
    const char *key, *value;
    size_t len, pos = 0, argc = 0, envc = 0;
    while (vg_jail_msg_next(m, &pos, &key, &len, &value)) {
        union {
            const char *c;
            char *p;
        } v = { value };
        if (key_is(key, len, "argv") && argc < 63) {
            o->argv[argc++] = v.p;
        } else if (key_is(key, len, "env") && envc < 255) {
            o->envp[envc++] = v.p;
        } else if (key_is(key, len, "bind")) {
            if (add_bind(j, o, value, true) != 0)
                return -1;
        } else {
            errno = EINVAL;
            return -1;
        }
    }
    o->in.argv = argc ? o->argv : NULL;
    o->in.envp = o->envp;
    return 0;
}

static pid_t
clone_inside(struct jail *j, const struct order *o, int *ret_pidfd)
{
    struct clone_args args = { .flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC
                                        | CLONE_NEWUTS | CLONE_PIDFD,
                               .pidfd = (uint64_t)(uintptr_t)ret_pidfd,
                               .exit_signal = SIGCHLD };
    if (setns(j->root.tree_ns, CLONE_NEWNS) != 0)
        return -1;
    pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
    if (pid == 0)
        inside_main(&o->in);
    int saved = errno;
    if (setns(j->root.host_ns, CLONE_NEWNS) != 0) {
        perror("virga-jail: return to the host's mounts");
        exit(70);
    }
    errno = saved;
    return pid;
}

static int
open_channels(struct sandbox *s, struct order *o)
{
    int ctl[2], boot[2], big = (int)VG_JAIL_MSG_MAX + 4096;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ctl) != 0)
        return -1;
    s->ctl = ctl[0];
    o->in.ctl = ctl[1];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, boot) != 0)
        return -1;
    s->boot = boot[0];
    o->in.boot = boot[1];
    setsockopt(s->boot, SOL_SOCKET, SO_SNDBUF, &big, sizeof(big));
    int log[2];
    if (pipe2(log, O_CLOEXEC) != 0)
        return -1;
    s->log = log[0];
    o->in.log[1] = log[1];
    return 0;
}

/* Its processes are no more; the slot is free once the kernel lets its control group go, too. */
static void
free_slot(struct jail *j, struct sandbox *s)
{
    unwatch(j, &s->pidfd);
    unwatch(j, &s->ctl);
    close_fd(&s->boot);
    close_fd(&s->log);
    close_fd(&s->limit);
    close_fd(&s->mnt);
    bool was_counted = s->state >= ENDING;
    bool is_busy = cg_remove(&j->cg, s->group) != 0 && errno == EBUSY;
    s->state = is_busy ? GONE : FREE;
    n_ending += (unsigned)is_busy - (unsigned)was_counted;
}

static struct sandbox *
take_slot(uint32_t id)
{
    for (uint32_t i = 0; i < JAIL_SANDBOX_MAX; i++) {
        if (table[i].state == FREE) {
            table[i] = (struct sandbox) { .state = PREPARING,
                                          .id = id,
                                          .group = ++last_group,
                                          .pidfd = -1,
                                          .ctl = -1,
                                          .boot = -1,
                                          .log = -1,
                                          .limit = -1,
                                          .mnt = -1,
                                          .status = -1 };
            n_slots = i < n_slots ? n_slots : i + 1;
            return &table[i];
        }
    }
    return NULL;
}

void
sandbox_prepare(struct jail *j, const struct vg_jail_msg *m)
{
    static struct order o;
    memset(&o, 0, sizeof(o));
    o.in.ctl = o.in.boot = o.in.log[0] = o.in.log[1] = -1;
    struct sandbox *s = find(m->head.id) ? NULL : take_slot(m->head.id);
    if (!s || slot_of(s) >= j->uid_count) {
        if (s)
            s->state = FREE;
        fail(j, m->head.id, "no room for another sandbox", 0);
        return;
    }
    o.in.jail_pid = getpid();
    o.in.filter = &filter;
    o.in.with_user_ns = j->user_ns;
    o.in.tmp_uid = j->is_root ? j->uid_base + slot_of(s) : 0;
    const char *step = "options";
    bool ok = read_order(j, m, &o) == 0;
    if (ok) {
        step = "channels";
        ok = open_channels(s, &o) == 0;
    }
    if (ok) {
        step = "control group";
        ok = cg_make(&j->cg, s->group) == 0;
    }
    if (ok) {
        step = "clone";
        s->pid = clone_inside(j, &o, &s->pidfd);
        ok = s->pid > 0;
    }
    if (ok) {
        step = "attach to the control group";
        ok = cg_attach(&j->cg, s->group, s->pid) == 0 && watch(j, s->pidfd, slot_of(s), true) == 0
             && watch(j, s->ctl, slot_of(s), false) == 0;
        if (!ok)
            kill(s->pid, SIGKILL);
    }
    int saved = errno;
    drop_order(&o);
    if (ok)
        return;
    if (s->pid > 0)
        waitpid(s->pid, NULL, 0);
    free_slot(j, s);
    fail(j, m->head.id, step, saved);
}

static int
write_proc(pid_t pid, const char *file, const char *text)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = write(fd, text, strlen(text));
    int saved = errno;
    close(fd);
    errno = saved;
    return n < 0 ? -1 : 0;
}

static int
map_ids(const struct jail *j, const struct sandbox *s)
{
    if (!j->user_ns)
        return 0;
    char text[64];
    unsigned outside = j->is_root ? j->uid_base + slot_of(s) : 0;
    if (!j->is_root && write_proc(s->pid, "setgroups", "deny") != 0)
        return -1;
    snprintf(text, sizeof(text), "%d %u 1\n", JAIL_UID, outside);
    if (write_proc(s->pid, "uid_map", text) != 0)
        return -1;
    snprintf(text, sizeof(text), "%d %u 1\n", JAIL_GID, outside);
    return write_proc(s->pid, "gid_map", text);
}

static void
give(struct vg_jail_msg *m, char *names, size_t cap, const char *name, int fd)
{
    if (fd < 0)
        return;
    m->fds[m->n_fds++] = fd;
    size_t len = strlen(names);
    snprintf(names + len, cap - len, "%s%s", len ? "," : "", name);
}

/*
 * Once pid 1 is not dumpable, only a jail with rights over the whole machine may open this: as an
 * ordinary user's it must have it before "G".
 */
static int
keep_mount_ns(struct sandbox *s)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/ns/mnt", s->pid);
    s->mnt = open(path, O_RDONLY | O_CLOEXEC);
    return s->mnt < 0 ? -1 : 0;
}

static void
prepared(struct jail *j, struct sandbox *s, int listener)
{
    if (keep_mount_ns(s) != 0) {
        fail_and_end(j, s, "open the mount namespace");
        return;
    }
    if (map_ids(j, s) != 0 || send(s->ctl, "G", 1, MSG_NOSIGNAL) != 1) {
        fail_and_end(j, s, "map the sandbox's user");
        return;
    }
    s->limit = cg_limit_fd(&j->cg, s->group);
    if (s->limit < 0 && j->cg.kind != CG_NONE) {
        fail_and_end(j, s, "open the limit of memory");
        return;
    }
    s->state = READY;
    struct vg_jail_msg m;
    vg_jail_msg_init(&m, packet, sizeof(packet), VG_JAIL_PREPARED, s->id);
    char names[64] = "";
    int memory = cg_memory_fd(&j->cg, s->group), freeze = cg_freeze_fd(&j->cg, s->group);
    give(&m, names, sizeof(names), "listen", listener);
    give(&m, names, sizeof(names), "log", s->log);
    give(&m, names, sizeof(names), "memory", memory);
    give(&m, names, sizeof(names), "freeze", freeze);
    vg_jail_msg_add(&m, "fds", names, strlen(names));
    reply(j, &m);
    close_fd(&memory);
    close_fd(&freeze);
    close_fd(&s->log);
}

/* --- start -------------------------------------------------------------------------------------
 */

/* The late binds, made from within the sandbox's mount namespace while no user code runs there. */
static int
bind_late(struct jail *j, struct sandbox *s, const struct order *o, unsigned tmp_mb)
{
    char options[32];
    if (setns(s->mnt, CLONE_NEWNS) != 0)
        return -1;
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < o->in.n_trees; i++)
        rc = root_attach(o->in.tree_fd[i], o->in.tree_dst[i]);
    if (rc == 0 && tmp_mb != JAIL_TMP_MB) {
        snprintf(options, sizeof(options), "size=%um", tmp_mb);
        rc = mount(NULL, "/tmp", NULL, MS_REMOUNT | MS_NOSUID | MS_NODEV, options);
    }
    int saved = errno;
    close_fd(&s->mnt); /* never again */
    if (setns(j->root.host_ns, CLONE_NEWNS) != 0) {
        perror("virga-jail: return to the host's mounts");
        exit(70);
    }
    errno = saved;
    return rc;
}

/* "VB1 argc envc\0" and the texts; the size, or 0 when it does not fit. */
static size_t
make_blob(const struct vg_jail_msg *m)
{
    const char *key, *value;
    size_t len, argc = 0, envc = 0, pos = 0;
    while (vg_jail_msg_next(m, &pos, &key, &len, &value)) {
        argc += key_is(key, len, "argv");
        envc += key_is(key, len, "env");
    }
    size_t n = (size_t)snprintf(blob, sizeof(blob), VG_JAIL_BLOB_HEAD " %zu %zu", argc, envc) + 1;
    for (int round = 0; round < 2; round++) {
        pos = 0;
        while (vg_jail_msg_next(m, &pos, &key, &len, &value)) {
            if (!key_is(key, len, round == 0 ? "argv" : "env"))
                continue;
            size_t size = strlen(value) + 1;
            if (size > sizeof(blob) - n)
                return 0;
            memcpy(blob + n, value, size);
            n += size;
        }
    }
    return n;
}

static unsigned
number(const struct vg_jail_msg *m, const char *key, unsigned otherwise)
{
    const char *v = vg_jail_msg_get(m, key);
    return v ? (unsigned)strtoul(v, NULL, 10) : otherwise;
}

void
sandbox_start(struct jail *j, const struct vg_jail_msg *m)
{
    static struct order o;
    memset(&o, 0, sizeof(o));
    o.in.ctl = o.in.boot = o.in.log[1] = -1;
    struct sandbox *s = find(m->head.id);
    if (!s || s->state != READY)
        return; /* it ended meanwhile: EXITED is on its way or was sent */
    const char *key, *value, *step = NULL;
    unsigned memory_mb = number(m, "memory_mb", 128);
    size_t len, pos = 0;
    while (!step && vg_jail_msg_next(m, &pos, &key, &len, &value)) {
        if (key_is(key, len, "bind") && add_bind(j, &o, value, false) != 0)
            step = "bind";
    }
    if (!step && bind_late(j, s, &o, number(m, "tmp_mb", JAIL_TMP_MB)) != 0)
        step = "bind";
    if (!step && cg_limit_memory(s->limit, memory_mb) != 0)
        step = "limit memory";
    if (!step) {
        size_t n = make_blob(m);
        errno = EMSGSIZE;
        if (n == 0 || send(s->boot, blob, n, MSG_NOSIGNAL) != (ssize_t)n)
            step = "boot";
        explicit_bzero(blob, n);
    }
    if (!step && cg_limit_rest(&j->cg, s->group, memory_mb) != 0)
        step = "limit the CPU";
    s->state = STARTED;
    if (step)
        fail_and_end(j, s, step);
    close_fd(&s->boot);
    close_fd(&s->limit);
    drop_order(&o);
}

/* --- end ---------------------------------------------------------------------------------------
 */

void
sandbox_kill(struct jail *j, uint32_t id)
{
    struct sandbox *s = find(id);
    if (s)
        kill_it(j, s);
}

/*
 * A packet from a sandbox's pid 1: 'U' with the listening socket, 'X' status, 'E' error. False:
 * there is none, and no more will come when *ret_over.
 */
static bool
take_packet(struct jail *j, struct sandbox *s, bool *ret_over)
{
    char text[256];
    struct iovec iov = { text, sizeof(text) - 1 };
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct msghdr h = { .msg_iov = &iov,
                        .msg_iovlen = 1,
                        .msg_control = control.bytes,
                        .msg_controllen = sizeof(control.bytes) };
    ssize_t n = recvmsg(s->ctl, &h, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    *ret_over = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
    if (n <= 0)
        return false;
    text[n] = 0;
    int fd = -1;
    struct cmsghdr *c = CMSG_FIRSTHDR(&h);
    if (c && c->cmsg_type == SCM_RIGHTS)
        memcpy(&fd, CMSG_DATA(c), sizeof(fd));
    if (text[0] == 'U' && fd >= 0 && s->state == PREPARING)
        prepared(j, s, fd);
    if (text[0] == 'X')
        s->status = (int)strtol(text + 1, NULL, 10);
    if (text[0] == 'E')
        snprintf(s->error, sizeof(s->error), "%s", text + 1);
    *ret_over = text[0] == 'X' || text[0] == 'E';
    close_fd(&fd);
    return true;
}

/* Its pid 1 ends, or is about to. */
static void
end_by_itself(struct jail *j, struct sandbox *s)
{
    if (s->state == PREPARING && !s->error[0])
        snprintf(s->error, sizeof(s->error), "ended while it was prepared");
    kill_it(j, s);
}

static void
reap(struct jail *j, struct sandbox *s)
{
    bool is_over;
    while (take_packet(j, s, &is_over))
        ;
    if (s->state < ENDING)
        end_by_itself(j, s);
    int status = 0;
    waitpid(s->pid, &status, 0);
    s->pid = 0;
    if (s->status < 0)
        s->status = status;
    bool oom = cg_was_oom(&j->cg, s->group);
    uint64_t peak = cg_peak_bytes(&j->cg, s->group);
    free_slot(j, s);
    if (s->error[0]) {
        fail(j, s->id, s->error, 0);
        return;
    }
    struct vg_jail_msg m;
    vg_jail_msg_init(&m, packet, sizeof(packet), VG_JAIL_EXITED, s->id);
    vg_jail_msg_add_u64(&m, "status", (uint64_t)s->status);
    vg_jail_msg_add_u64(&m, "oom", oom);
    vg_jail_msg_add_u64(&m, "max_memory", peak);
    reply(j, &m);
}

void
sandbox_event(struct jail *j, uint64_t data)
{
    struct sandbox *s = &table[data >> 1];
    bool is_over = false;
    if (s->state == FREE || s->state == GONE)
        return;
    if (data & 1) {
        reap(j, s);
        return;
    }
    bool is_packet = take_packet(j, s, &is_over);
    if (is_over && s->state < ENDING)
        end_by_itself(j, s);
    if (is_over && !is_packet)
        epoll_ctl(j->epoll, EPOLL_CTL_DEL, s->ctl, NULL);
}

int
sandbox_tick(struct jail *j)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (n_ending > 0 && now_ms < next_tick_ms)
        return (int)(next_tick_ms - now_ms);
    next_tick_ms = now_ms + TICK_MS;
    for (size_t i = 0; n_ending > 0 && i < n_slots; i++) {
        if (table[i].state == ENDING)
            kill_it(j, &table[i]);
        else if (table[i].state == GONE)
            free_slot(j, &table[i]);
    }
    return n_ending > 0 ? TICK_MS : -1;
}

/* One look at an ending sandbox: true once its processes and its control group are gone. */
static bool
is_ended(struct jail *j, struct sandbox *s)
{
    if (s->pid > 0 && waitpid(s->pid, NULL, WNOHANG) == 0)
        return false;
    s->pid = 0;
    free_slot(j, s);
    return s->state == FREE;
}

/*
 * Whoever freezes may do so once more after we thawed: a thread of a daemon that is being killed
 * may yet finish the write it had begun.  So those that are left are thawed again and again.  What
 * does not end in time is left to the next jail's sweep, with its SIGKILL pending.
 */
void
sandbox_end_all(struct jail *j)
{
    for (size_t i = 0; i < n_slots; i++) {
        if (table[i].state != FREE)
            kill_it(j, &table[i]);
    }
    for (unsigned ms = 0, left = 1; left > 0; ms++) {
        left = 0;
        for (size_t i = 0; i < n_slots; i++) {
            if (table[i].state == FREE || is_ended(j, &table[i]))
                continue;
            left++;
            if (ms % TICK_MS == TICK_MS - 1)
                kill_it(j, &table[i]);
        }
        if (ms >= (getppid() == j->parent ? END_ALL_MS : END_ORPHAN_MS))
            return;
        if (left > 0)
            usleep(1000);
    }
}
