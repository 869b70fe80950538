/* SPDX-License-Identifier: Apache-2.0 */
/*
 * virga-jail: makes, limits and ends sandboxes for the daemon.
 *
 *     virga-jail --run-dir DIR [--socket FD] [--sandbox strict|weak] [--uid-base N]
 *
 * Started by the daemon with its end of a SOCK_SEQPACKET pair (default: descriptor 3).  It ends
 * when that is closed, by SIGTERM, and when its parent dies; every sandbox ends with it.
 */
#include "apps/jail/jail.h"
#include "sandbox/jail_proto.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENT_SOCKET UINT64_MAX
#define EVENT_SIGNAL (UINT64_MAX - 1)
#define UID_BASE     700000u

static struct jail jail = { .sock = 3, .epoll = -1, .uid_base = UID_BASE };
static char incoming[VG_JAIL_MSG_MAX];

static int
put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = write(fd, text, strlen(text));
    close(fd);
    return n < 0 ? -1 : 0;
}

/* As an ordinary user: be root of a user namespace of our own in which only we exist. */
static int
become_root(char *why, size_t n)
{
    char text[64];
    uid_t uid = getuid();
    gid_t gid = getgid();
    if (unshare(CLONE_NEWUSER) != 0) {
        snprintf(why, n, "user namespaces are not allowed: %s", strerror(errno));
        return -1;
    }
    snprintf(text, sizeof(text), "0 %u 1\n", uid);
    if (put("/proc/self/setgroups", "deny") != 0 || put("/proc/self/uid_map", text) != 0) {
        snprintf(why, n, "cannot map our user in a user namespace: %s", strerror(errno));
        return -1;
    }
    snprintf(text, sizeof(text), "0 %u 1\n", gid);
    if (put("/proc/self/gid_map", text) != 0) {
        snprintf(why, n, "cannot map our group in a user namespace: %s", strerror(errno));
        return -1;
    }
    return 0;
}

/* The host ids that sandboxes may have: ours from --uid-base where they exist here, else the last.
 */
static void
choose_ids(void)
{
    FILE *f = fopen("/proc/self/uid_map", "re");
    unsigned inside, outside, count, best_from = 0, best_count = 0;
    while (f && fscanf(f, "%u %u %u", &inside, &outside, &count) == 3) {
        if (inside <= jail.uid_base && jail.uid_base - inside < count
            && count - (jail.uid_base - inside) >= JAIL_SANDBOX_MAX) {
            best_from = jail.uid_base;
            best_count = JAIL_SANDBOX_MAX;
            break;
        }
        unsigned usable = count < JAIL_SANDBOX_MAX ? count : JAIL_SANDBOX_MAX;
        if (usable > best_count) {
            best_count = usable;
            best_from = inside + count - usable;
        }
    }
    if (f)
        fclose(f);
    jail.uid_base = best_from;
    jail.uid_count = best_count;
}

static bool
user_ns_work(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(unshare(CLONE_NEWUSER) != 0);
    int status = 1;
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static int
set_up(bool strict, char *missing, size_t n)
{
    char why[JAIL_WHY_MAX] = "";
    jail.is_root = geteuid() == 0;
    if (jail.is_root) {
        choose_ids();
        jail.user_ns = user_ns_work();
        if (!jail.user_ns)
            snprintf(missing, n, "user namespaces are not allowed on this machine");
        if (!jail.user_ns && strict)
            return -1;
    }
    cg_open(&jail.cg, why, sizeof(why));
    if (jail.cg.kind == CG_NONE) {
        size_t len = strlen(missing);
        snprintf(missing + len, n - len, "%s%s", len ? "; " : "", why);
        if (strict)
            return -1;
    }
    if (!jail.is_root) {
        if (become_root(missing, n) != 0)
            return -1;
        jail.user_ns = true;
        jail.uid_count = JAIL_SANDBOX_MAX;
    }
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        snprintf(missing, n, "mount namespaces are not allowed: %s", strerror(errno));
        return -1;
    }
    if (filter_build(jail_filter(), missing, n) != 0)
        return -1;
    return root_build(&jail.root, jail.run_dir, !jail.is_root, missing, n);
}

static void
greet(const char *missing, bool usable)
{
    static const char *const kinds[] = { "none", "v1", "v2" };
    static char text[1024];
    struct vg_jail_msg m;
    vg_jail_msg_init(&m, text, sizeof(text), VG_JAIL_HELLO, 0);
    vg_jail_msg_add_u64(&m, "usable", usable);
    vg_jail_msg_add_u64(&m, "pid", (uint64_t)getpid());
    vg_jail_msg_add(&m, "cgroup", kinds[jail.cg.kind], strlen(kinds[jail.cg.kind]));
    vg_jail_msg_add(&m, "users", jail.is_root ? "many" : "one", jail.is_root ? 4 : 3);
    vg_jail_msg_add(&m, "missing", missing, strlen(missing));
    if (vg_jail_msg_send(jail.sock, &m) != 0)
        exit(71);
}

/* One packet of the daemon's; false when there will be no more. */
static bool
serve(void)
{
    struct vg_jail_msg m;
    int rc = vg_jail_msg_recv(jail.sock, &m, incoming, sizeof(incoming));
    if (rc <= 0) {
        if (rc < 0)
            fprintf(stderr, "virga-jail: receive: %s\n", strerror(errno));
        return false;
    }
    for (unsigned i = 0; i < m.n_fds; i++)
        close(m.fds[i]);
    switch (m.head.type) {
    case VG_JAIL_PREPARE:
        sandbox_prepare(&jail, &m);
        break;
    case VG_JAIL_START:
        sandbox_start(&jail, &m);
        break;
    case VG_JAIL_KILL:
        sandbox_kill(&jail, m.head.id);
        break;
    default:
        fprintf(stderr, "virga-jail: unknown packet %u\n", m.head.type);
        return false;
    }
    explicit_bzero(incoming, m.head.len); /* it may have held a function's credentials */
    return true;
}

static void
loop(int signals)
{
    struct epoll_event on_socket = { .events = EPOLLIN | EPOLLRDHUP, .data.u64 = EVENT_SOCKET };
    struct epoll_event on_signal = { .events = EPOLLIN, .data.u64 = EVENT_SIGNAL };
    if (epoll_ctl(jail.epoll, EPOLL_CTL_ADD, jail.sock, &on_socket) != 0
        || epoll_ctl(jail.epoll, EPOLL_CTL_ADD, signals, &on_signal) != 0)
        return;
    for (;;) {
        struct epoll_event e[32];
        int n = epoll_wait(jail.epoll, e, 32, sandbox_tick(&jail));
        for (int i = 0; i < n; i++) {
            if (e[i].data.u64 == EVENT_SIGNAL)
                return;
            if (e[i].data.u64 != EVENT_SOCKET)
                sandbox_event(&jail, e[i].data.u64);
            else if (e[i].events & (EPOLLRDHUP | EPOLLHUP) || !serve())
                return; /* orders still queued are nobody's by now */
        }
        if (n < 0 && errno != EINTR)
            return;
    }
}

static bool
parse_args(int argc, char **argv, bool *ret_strict)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *value = argv[i + 1];
        if (strcmp(argv[i], "--run-dir") == 0)
            snprintf(jail.run_dir, sizeof(jail.run_dir), "%s", value);
        else if (strcmp(argv[i], "--socket") == 0)
            jail.sock = (int)strtol(value, NULL, 10);
        else if (strcmp(argv[i], "--uid-base") == 0)
            jail.uid_base = (unsigned)strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "--sandbox") == 0)
            *ret_strict = strcmp(value, "weak") != 0;
        else
            return false;
    }
    return jail.run_dir[0] != 0 && argc % 2 == 1;
}

int
main(int argc, char **argv)
{
    bool strict = true;
    if (!parse_args(argc, argv, &strict)) {
        fprintf(stderr, "usage: virga-jail --run-dir DIR [--socket FD] [--sandbox strict|weak] "
                        "[--uid-base N]\n");
        return 64;
    }
    /* SIGTERM, not SIGKILL, when the daemon dies: frozen sandboxes must be thawed to end. */
    jail.parent = getppid();
    prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    close_others(&jail.sock, 1); /* whatever the parent forgot to mark */
    int signals = signalfd(-1, &set, SFD_CLOEXEC);
    jail.epoll = epoll_create1(EPOLL_CLOEXEC);
    fcntl(jail.sock, F_SETFD, FD_CLOEXEC);
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    mkdir(jail.run_dir, 0711);
    char missing[JAIL_WHY_MAX] = "";
    bool usable = set_up(strict, missing, sizeof(missing)) == 0;
    greet(missing, usable);
    if (usable)
        loop(signals);
    sandbox_end_all(&jail);
    cg_close(&jail.cg);
    return 0;
}
