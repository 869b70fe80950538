/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs inside a sandbox before the function does.
 *
 * The child of the jail's clone mounts what is its own (/proc, /tmp), raises the loopback, opens
 * the Runtime API's listening socket, enters its user namespace, lets go of every right and becomes
 * a tiny pid 1 that reaps and ends with its control socket.  Its one child executes the
 * interpreter, or waits for the boot blob and executes what that says.
 */
#include "apps/jail/jail.h"
#include "sandbox/jail_proto.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <grp.h>

#define BOOT_FD  3
#define ARGS_MAX 512

static void
die(int ctl, const char *what)
{
    char text[200];
    int n = snprintf(text, sizeof(text), "E%s: %s", what, strerror(errno));
    if (send(ctl, text, (size_t)n, MSG_NOSIGNAL) < 0)
        _exit(71);
    _exit(70);
}

void
close_others(const int *keep, unsigned n)
{
    unsigned from = 3;
    for (unsigned i = 0; i < n; i++) {
        if (keep[i] < (int)from)
            continue;
        if ((unsigned)keep[i] > from)
            close_range(from, (unsigned)keep[i] - 1, 0);
        from = (unsigned)keep[i] + 1;
    }
    close_range(from, ~0u, 0);
}

static void
mask(const char *path, const char *with)
{
    mount(with, path, NULL, MS_BIND, NULL); /* absent ones need no mask */
}

static void
make_mounts(const struct inside *in)
{
    static const char *const masked[] = { "/proc/kcore",        "/proc/keys",
                                          "/proc/key-users",    "/proc/timer_list",
                                          "/proc/sched_debug",  "/proc/kallsyms",
                                          "/proc/sysrq-trigger" };
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=invisible") != 0)
        die(in->ctl, "mount /proc");
    for (size_t i = 0; i < sizeof(masked) / sizeof(masked[0]); i++)
        mask(masked[i], "/dev/null");
    char options[96];
    snprintf(options, sizeof(options), "mode=0700,size=%um,uid=%u,gid=%u", JAIL_TMP_MB,
             (unsigned)in->tmp_uid, (unsigned)in->tmp_uid);
    if (mount("tmp", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, options) != 0)
        die(in->ctl, "mount /tmp");
    for (unsigned i = 0; i < in->n_trees; i++) {
        if (root_attach(in->tree_fd[i], in->tree_dst[i]) != 0)
            die(in->ctl, in->tree_dst[i]);
    }
}

static int
make_network(const struct inside *in)
{
    int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
    if (s < 0 || ioctl(s, SIOCSIFFLAGS, &ifr) != 0)
        die(in->ctl, "loopback");
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons(JAIL_API_PORT),
                             .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int one = 1;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(s, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(s, 256) != 0)
        die(in->ctl, "listen");
    return s;
}

/* Hands the listening socket out and waits until the jail has mapped our ids. */
static void
meet_jail(const struct inside *in, int listener)
{
    char byte = 'U';
    struct iovec iov = { &byte, 1 };
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct msghdr h = { .msg_iov = &iov,
                        .msg_iovlen = 1,
                        .msg_control = control.bytes,
                        .msg_controllen = sizeof(control.bytes) };
    struct cmsghdr *c = CMSG_FIRSTHDR(&h);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &listener, sizeof(int));
    if (sendmsg(in->ctl, &h, MSG_NOSIGNAL) < 0 || recv(in->ctl, &byte, 1, 0) != 1 || byte != 'G')
        _exit(72);
    close(listener);
}

static void
drop_rights(const struct inside *in)
{
    if (in->with_user_ns) {
        if (setgroups(0, NULL) != 0 && errno != EPERM)
            die(in->ctl, "setgroups");
        if (setresgid(JAIL_GID, JAIL_GID, JAIL_GID) != 0
            || setresuid(JAIL_UID, JAIL_UID, JAIL_UID) != 0)
            die(in->ctl, "become the sandbox's user");
    } else if (setgroups(0, NULL) != 0 || setresgid(in->tmp_uid, in->tmp_uid, in->tmp_uid) != 0
               || setresuid(in->tmp_uid, in->tmp_uid, in->tmp_uid) != 0) {
        die(in->ctl, "become the sandbox's user");
    }
    if (unshare(CLONE_NEWCGROUP) != 0 && in->with_user_ns)
        die(in->ctl, "cgroup namespace");
    for (unsigned long cap = 0; cap <= CAP_LAST_CAP; cap++)
        prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct none[2] = { { 0 } };
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (syscall(SYS_capset, &head, none) != 0)
        die(in->ctl, "drop capabilities");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
        || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, in->filter) != 0)
        die(in->ctl, "system call filter");
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static void
limit(__rlimit_resource_t what, rlim_t value)
{
    struct rlimit r = { value, value };
    setrlimit(what, &r);
}

/* Reads the boot blob: "VB1", argc, envc, then that many texts. */
static void
exec_blob(void)
{
    static char blob[VG_JAIL_MSG_MAX];
    static char *argv[ARGS_MAX], *envp[ARGS_MAX];
    ssize_t n = recv(BOOT_FD, blob, sizeof(blob) - 1, 0);
    if (n <= 0)
        _exit(0); /* the jail went, or the sandbox is not needed */
    blob[n] = 0;
    size_t argc = 0, envc = 0, args = 0;
    int at = 0;
    if (sscanf(blob, VG_JAIL_BLOB_HEAD " %zu %zu%n", &argc, &envc, &at) != 2 || argc == 0
        || argc >= ARGS_MAX || envc >= ARGS_MAX)
        _exit(71);
    char *p = blob + at + 1, *end = blob + n;
    for (; args < argc + envc && p < end; args++, p += strlen(p) + 1) {
        if (args < argc)
            argv[args] = p;
        else
            envp[args - argc] = p;
    }
    close(BOOT_FD);
    if (chdir("/var/task") != 0) /* bound only now */
        _exit(71);
    execve(argv[0], argv, envp);
    dprintf(2, "exec %s: %s\n", argv[0], strerror(errno));
    _exit(errno == EACCES ? 126 : 127);
}

static void
run_main(const struct inside *in)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
    int boot = fcntl(in->boot, F_DUPFD, 10), out = fcntl(in->log[1], F_DUPFD, 10);
    if (boot < 0 || out < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 || dup2(boot, BOOT_FD) < 0)
        _exit(71);
    close_range(BOOT_FD + 1, ~0u, 0);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NPROC, JAIL_PIDS_MAX);
    limit(RLIMIT_NOFILE, JAIL_NOFILE);
    if (!in->argv)
        exec_blob();
    execve(in->argv[0], in->argv, in->envp);
    dprintf(2, "exec %s: %s\n", in->argv[0], strerror(errno));
    _exit(127);
}

/* Reaps; ends when the one child ends (its status goes to the jail first) or the jail goes. */
static void __attribute__((noreturn)) be_init(const struct inside *in, pid_t child, int signals)
{
    struct pollfd p[2] = { { in->ctl, POLLIN, 0 }, { signals, POLLIN, 0 } };
    for (;;) {
        if (poll(p, 2, -1) < 0 && errno != EINTR)
            _exit(71);
        if (p[0].revents)
            _exit(0);
        struct signalfd_siginfo info;
        if (p[1].revents && read(signals, &info, sizeof(info)) < 0)
            continue;
        int status;
        for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
            if (pid != child)
                continue;
            char text[32];
            int n = snprintf(text, sizeof(text), "X%d", status);
            _exit(send(in->ctl, text, (size_t)n, MSG_NOSIGNAL) < 0);
        }
    }
}

static int
cmp_int(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

void
inside_main(const struct inside *in)
{
    int keep[4 + JAIL_BINDS_MAX] = { in->ctl, in->boot, in->log[1] };
    unsigned n = 3;
    for (unsigned i = 0; i < in->n_trees; i++)
        keep[n++] = in->tree_fd[i];
    qsort(keep, n, sizeof(keep[0]), cmp_int);
    close_others(keep, n);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    prctl(PR_SET_NAME, "virga-init", 0, 0, 0);
    umask(022);
    make_mounts(in);
    for (unsigned i = 0; i < in->n_trees; i++)
        close(in->tree_fd[i]);
    int null = open("/dev/null", O_RDWR);
    if (chdir("/") != 0 || null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
        die(in->ctl, "/dev/null");
    if (sethostname("localhost", 9) != 0)
        die(in->ctl, "hostname");
    close(null);
    int listener = make_network(in);
    if (in->with_user_ns && unshare(CLONE_NEWUSER) != 0)
        die(in->ctl, "user namespace");
    meet_jail(in, listener);
    drop_rights(in);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* a change of user clears it */

    sigset_t chld;
    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    sigprocmask(SIG_BLOCK, &chld, NULL);
    int signals = signalfd(-1, &chld, SFD_CLOEXEC);
    pid_t child = fork();
    if (child == 0)
        run_main(in);
    if (child < 0 || signals < 0)
        die(in->ctl, "fork");
    close(in->boot);
    close(in->log[1]);
    be_init(in, child, signals);
}
