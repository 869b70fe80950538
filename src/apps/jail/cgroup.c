/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits by control group, in both of the kernel's forms.
 *
 * v1: four hierarchies, a folder of ours in each, below the one we run in where that is writable.
 * v2: one hierarchy; the controllers must be enabled on the way down, and a group with processes
 * can have no limited children, so in a delegated group everything there moves to a leaf first.
 */
#include "apps/jail/jail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SWEEP_ROUNDS 200
#define CLOSE_ROUNDS 200

/* What a function last read from the kernel; one at a time. */
static char text[64 << 10];

static const char *const v1_names[CG_N] = { "memory", "cpu", "pids", "freezer" };

static int
write_text(const char *dir, uint32_t id, const char *file, const char *what)
{
    char path[400];
    if (id)
        snprintf(path, sizeof(path), "%s/%u/%s", dir, id, file);
    else
        snprintf(path, sizeof(path), "%s/%s", dir, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = write(fd, what, strlen(what));
    int saved = errno;
    close(fd);
    errno = saved;
    return n < 0 ? -1 : 0;
}

static int
write_u64(const char *dir, uint32_t id, const char *file, uint64_t v)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%llu", (unsigned long long)v);
    return write_text(dir, id, file, digits);
}

static ssize_t
read_text(const char *path, char *to, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    size_t len = 0;
    ssize_t n;
    while (len + 1 < cap && (n = read(fd, to + len, cap - 1 - len)) > 0)
        len += (size_t)n;
    close(fd);
    to[len] = 0;
    return (ssize_t)len;
}

/* The number after `word` at a line's start in the group's file. */
static uint64_t
read_stat(const char *dir, uint32_t id, const char *file, const char *word)
{
    char path[400];
    snprintf(path, sizeof(path), "%s/%u/%s", dir, id, file);
    if (read_text(path, text, sizeof(text)) < 0)
        return 0;
    size_t n = strlen(word);
    for (char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, word, n) == 0 && (n == 0 || line[n] == ' '))
            return strtoull(line + n, NULL, 10);
        if (!*line)
            break;
    }
    return 0;
}

/* Where the hierarchy with `option` (v1) or the unified one (NULL) is mounted. */
static bool
find_mount(const char *option, char *to, size_t cap)
{
    if (read_text("/proc/self/mountinfo", text, sizeof(text)) < 0)
        return false;
    char *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *dash = strstr(line, " - ");
        char point[200], type[32], options[200];
        if (!dash || sscanf(line, "%*s %*s %*s %*s %199s", point) != 1
            || sscanf(dash + 3, "%31s %*s %199s", type, options) != 2)
            continue;
        if (strcmp(type, option ? "cgroup" : "cgroup2") != 0)
            continue;
        if (option) {
            char around[260], want[64];
            snprintf(around, sizeof(around), ",%s,", options);
            snprintf(want, sizeof(want), ",%s,", option);
            if (!strstr(around, want))
                continue;
        }
        snprintf(to, cap, "%s", point);
        return true;
    }
    return false;
}

/* Our own place in the hierarchy, from /proc/self/cgroup. */
static void
find_self(const char *option, char *to, size_t cap)
{
    snprintf(to, cap, "%s", "");
    if (read_text("/proc/self/cgroup", text, sizeof(text)) < 0)
        return;
    char *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *names = strchr(line, ':');
        char *path = names ? strchr(names + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = 0;
        char around[200], want[64];
        snprintf(around, sizeof(around), ",%s,", names + 1);
        snprintf(want, sizeof(want), ",%s,", option ? option : "");
        if (option ? strstr(around, want) != NULL : names[1] == 0) {
            snprintf(to, cap, "%s", strcmp(path, "/") == 0 ? "" : path);
            return;
        }
    }
}

/* Kills what is in the group and removes it; false: it is not empty yet. */
static bool
sweep_group(const char *dir)
{
    write_text(dir, 0, "freezer.state", "THAWED");
    write_text(dir, 0, "cgroup.freeze", "0");
    write_text(dir, 0, "cgroup.kill", "1");
    char path[600];
    snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
    if (read_text(path, text, sizeof(text)) > 0) {
        for (char *p = text; *p; p += strcspn(p, "\n") + 1) {
            pid_t pid = (pid_t)strtol(p, NULL, 10);
            if (pid > 1)
                kill(pid, SIGKILL);
            if (!strchr(p, '\n'))
                break;
        }
    }
    return rmdir(dir) == 0 || errno != EBUSY;
}

/* All groups of one jail at once: their processes end side by side. */
static void
sweep_jail(const char *dir)
{
    write_text(dir, 0, "freezer.state", "THAWED");
    write_text(dir, 0, "cgroup.freeze", "0");
    for (int i = 0; i < SWEEP_ROUNDS; i++) {
        if (i > 0)
            usleep(2000);
        int left = 0;
        DIR *g = opendir(dir);
        for (struct dirent *s = g ? readdir(g) : NULL; s; s = readdir(g)) {
            char sub[512];
            snprintf(sub, sizeof(sub), "%.400s/%.100s", dir, s->d_name);
            if (s->d_name[0] >= '0' && s->d_name[0] <= '9')
                left += !sweep_group(sub);
        }
        if (g)
            closedir(g);
        if (left == 0 && (rmdir(dir) == 0 || errno != EBUSY))
            return;
    }
}

/* False for a zombie too: its parent may take long to notice. */
static bool
is_alive(int pid)
{
    char path[32], state = 'Z';
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    if (read_text(path, text, sizeof(text)) <= 0)
        return errno != ENOENT && errno != ESRCH;
    const char *end = strrchr(text, ')'); /* of the name, which may hold anything */
    return !end || sscanf(end + 1, " %c", &state) != 1 || (state != 'Z' && state != 'X');
}

/* Removes what jails that are no longer left behind; frozen processes are thawed and killed. */
static void
sweep(const char *parent)
{
    DIR *d = opendir(parent);
    for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
        int pid;
        if (sscanf(e->d_name, "virga-jail.%d", &pid) != 1 || pid == getpid() || is_alive(pid))
            continue;
        char dir[512];
        snprintf(dir, sizeof(dir), "%s/%.200s", parent, e->d_name);
        sweep_jail(dir);
    }
    if (d)
        closedir(d);
}

/*
 * All sandboxes together would weigh as much as one process of the machine, and starve beside a
 * few.  Two processes' weight for each core: the daemon, which they wait for, keeps a third of
 * each.
 */
static void
weigh(const char *dir, const char *file, uint64_t per_core, uint64_t max)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t weight = per_core * (uint64_t)(cores > 0 ? cores : 1);
    write_u64(dir, 0, file, weight < max ? weight : max);
}

static bool
open_v1(struct cg *cg, char *why, size_t n)
{
    /* The freezer, which is the last, first: what is frozen does not die, whoever kills it. */
    for (int i = CG_N - 1; i >= 0; i--) {
        char mount[200], self[200], parent[408];
        if (!find_mount(v1_names[i], mount, sizeof(mount))) {
            snprintf(why, n, "no %s control group hierarchy is mounted", v1_names[i]);
            return false;
        }
        find_self(v1_names[i], self, sizeof(self));
        snprintf(parent, sizeof(parent), "%s%s", mount, self);
        if (access(parent, W_OK) != 0)
            snprintf(parent, sizeof(parent), "%s", mount);
        sweep(parent);
        int len = snprintf(cg->dir[i], sizeof(cg->dir[i]), "%s/virga-jail.%d", parent, getpid());
        if (len < 0 || (size_t)len >= sizeof(cg->dir[i]) || mkdir(cg->dir[i], 0755) != 0) {
            snprintf(why, n, "cannot make the control group %s: %s", cg->dir[i], strerror(errno));
            return false;
        }
    }
    weigh(cg->dir[CG_CPU], "cpu.shares", 2048, 262144);
    cg->kind = CG_V1;
    return true;
}

/* Moves every process of the group `dir` into its child `leaf`, so that `dir` may have limits. */
static void
move_to_leaf(const char *dir)
{
    char path[300], pid[32];
    snprintf(path, sizeof(path), "%s/virga-leaf", dir);
    if (mkdir(path, 0755) != 0 && errno != EEXIST)
        return;
    snprintf(path, sizeof(path), "%s/cgroup.procs", dir);
    if (read_text(path, text, sizeof(text)) <= 0)
        return;
    char *save = NULL;
    for (char *p = strtok_r(text, "\n", &save); p; p = strtok_r(NULL, "\n", &save)) {
        snprintf(pid, sizeof(pid), "%.30s", p);
        snprintf(path, sizeof(path), "%s/virga-leaf", dir);
        write_text(path, 0, "cgroup.procs", pid);
    }
}

static bool
open_v2_at(struct cg *cg, const char *parent, bool may_move)
{
    char path[300];
    snprintf(path, sizeof(path), "%s/cgroup.controllers", parent);
    if (read_text(path, text, sizeof(text)) < 0 || !strstr(text, "memory") || !strstr(text, "pids"))
        return false;
    if (access(parent, W_OK) != 0)
        return false;
    sweep(parent);
    if (write_text(parent, 0, "cgroup.subtree_control", "+memory +pids +cpu") != 0) {
        if (errno != EBUSY || !may_move)
            return false;
        move_to_leaf(parent);
        if (write_text(parent, 0, "cgroup.subtree_control", "+memory +pids +cpu") != 0)
            return false;
    }
    char dir[256];
    int len = snprintf(dir, sizeof(dir), "%s/virga-jail.%d", parent, getpid());
    if (len < 0 || (size_t)len >= sizeof(dir) || mkdir(dir, 0755) != 0)
        return false;
    if (write_text(dir, 0, "cgroup.subtree_control", "+memory +pids +cpu") != 0) {
        rmdir(dir);
        return false;
    }
    for (int i = 0; i < CG_N; i++)
        memcpy(cg->dir[i], dir, sizeof(dir));
    weigh(dir, "cpu.weight", 200, 10000);
    snprintf(path, sizeof(path), "%.200s/virga-leaf", parent); /* the daemon, if it was moved */
    weigh(path, "cpu.weight", 100, 5000);
    cg->kind = CG_V2;
    return true;
}

static bool
open_v2(struct cg *cg, char *why, size_t n)
{
    char mount[200], self[200], parent[256];
    if (!find_mount(NULL, mount, sizeof(mount))) {
        snprintf(why, n, "no control group hierarchy is mounted");
        return false;
    }
    find_self(NULL, self, sizeof(self));
    snprintf(parent, sizeof(parent), "%.120s%.120s", mount, self);
    /* The hierarchy's root may have processes and limited children; a delegated group may not. */
    if ((geteuid() == 0 && open_v2_at(cg, mount, self[0] == 0)) || open_v2_at(cg, parent, true))
        return true;
    snprintf(why, n,
             "control groups are not writable at %.256s (run as root, or under systemd with "
             "Delegate=yes)",
             parent);
    return false;
}

void
cg_open(struct cg *cg, char *why, size_t n)
{
    memset(cg, 0, sizeof(*cg));
    char mount[200];
    if (find_mount("memory", mount, sizeof(mount)) ? open_v1(cg, why, n) : open_v2(cg, why, n))
        return;
    for (int i = 0; i < CG_N; i++) {
        if (cg->dir[i][0])
            rmdir(cg->dir[i]);
    }
    cg->kind = CG_NONE;
}

void
cg_close(struct cg *cg)
{
    if (cg->kind == CG_NONE)
        return;
    /* The kernel takes a group's children off a little after they were removed. */
    for (int i = 0, tries = 0; i < (cg->kind == CG_V2 ? 1 : CG_N); i++) {
        while (rmdir(cg->dir[i]) != 0 && errno == EBUSY && tries++ < CLOSE_ROUNDS)
            usleep(1000);
    }
    cg->kind = CG_NONE;
}

int
cg_make(const struct cg *cg, uint32_t id)
{
    char path[300];
    for (int i = 0; cg->kind && i < (cg->kind == CG_V2 ? 1 : CG_N); i++) {
        snprintf(path, sizeof(path), "%s/%u", cg->dir[i], id);
        if (mkdir(path, 0755) != 0)
            return -1;
    }
    if (cg->kind == CG_V1)
        write_text(cg->dir[CG_MEMORY], id, "memory.swappiness", "0");
    if (cg->kind == CG_V2) {
        write_text(cg->dir[CG_MEMORY], id, "memory.swap.max", "0");
        write_text(cg->dir[CG_MEMORY], id, "memory.oom.group", "1");
    }
    return cg->kind ? write_u64(cg->dir[CG_PIDS], id, "pids.max", JAIL_PIDS_MAX) : 0;
}

int
cg_attach(const struct cg *cg, uint32_t id, pid_t pid)
{
    for (int i = 0; cg->kind && i < (cg->kind == CG_V2 ? 1 : CG_N); i++) {
        if (write_u64(cg->dir[i], id, "cgroup.procs", (uint64_t)pid) != 0)
            return -1;
    }
    return 0;
}

static int
open_in(const char *dir, uint32_t id, const char *file, int flags)
{
    char path[400];
    snprintf(path, sizeof(path), "%s/%u/%s", dir, id, file);
    return open(path, flags | O_CLOEXEC);
}

int
cg_limit_fd(const struct cg *cg, uint32_t id)
{
    if (cg->kind == CG_NONE)
        return -1;
    return open_in(cg->dir[CG_MEMORY], id,
                   cg->kind == CG_V1 ? "memory.limit_in_bytes" : "memory.max", O_WRONLY);
}

int
cg_limit_memory(int limit_fd, unsigned memory_mb)
{
    char digits[24];
    int n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)memory_mb << 20);
    return limit_fd >= 0 && write(limit_fd, digits, (size_t)n) != n ? -1 : 0;
}

/*
 * CPU follows memory as on AWS: one vCPU at 1,769 MB.  Smaller functions keep the right to one
 * whole core while it is free and weigh less when it is not.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
 */
int
cg_limit_rest(const struct cg *cg, uint32_t id, unsigned memory_mb)
{
    uint64_t quota = 100000ull * memory_mb / 1769;
    quota = quota < 100000 ? 100000 : quota;
    char max[64];
    snprintf(max, sizeof(max), "%llu 100000", (unsigned long long)quota);
    if (cg->kind == CG_V1) {
        /* Absent where the kernel does not count swap. */
        write_u64(cg->dir[CG_MEMORY], id, "memory.memsw.limit_in_bytes", (uint64_t)memory_mb << 20);
        write_u64(cg->dir[CG_CPU], id, "cpu.shares", 2 + 1024ull * memory_mb / 1769);
        return write_u64(cg->dir[CG_CPU], id, "cpu.cfs_quota_us", quota);
    }
    if (cg->kind == CG_V2) {
        write_u64(cg->dir[CG_CPU], id, "cpu.weight", 1 + 100ull * memory_mb / 1769);
        write_text(cg->dir[CG_CPU], id, "cpu.max", max);
    }
    return 0;
}

int
cg_memory_fd(const struct cg *cg, uint32_t id)
{
    if (cg->kind == CG_NONE)
        return -1;
    return open_in(cg->dir[CG_MEMORY], id,
                   cg->kind == CG_V1 ? "memory.max_usage_in_bytes" : "memory.peak", O_RDONLY);
}

int
cg_freeze_fd(const struct cg *cg, uint32_t id)
{
    if (cg->kind == CG_NONE)
        return -1;
    return open_in(cg->dir[CG_FREEZER], id, cg->kind == CG_V1 ? "freezer.state" : "cgroup.freeze",
                   O_WRONLY);
}

void
cg_kill(const struct cg *cg, uint32_t id)
{
    if (cg->kind == CG_V1)
        write_text(cg->dir[CG_FREEZER], id, "freezer.state", "THAWED");
    if (cg->kind == CG_V2)
        write_text(cg->dir[CG_FREEZER], id, "cgroup.kill", "1");
}

bool
cg_was_oom(const struct cg *cg, uint32_t id)
{
    if (cg->kind == CG_NONE)
        return false;
    return read_stat(cg->dir[CG_MEMORY], id,
                     cg->kind == CG_V1 ? "memory.oom_control" : "memory.events", "oom_kill")
           > 0;
}

uint64_t
cg_peak_bytes(const struct cg *cg, uint32_t id)
{
    if (cg->kind == CG_NONE)
        return 0;
    return read_stat(cg->dir[CG_MEMORY], id,
                     cg->kind == CG_V1 ? "memory.max_usage_in_bytes" : "memory.peak", "");
}

int
cg_remove(const struct cg *cg, uint32_t id)
{
    int rc = 0;
    char path[300];
    for (int i = 0; cg->kind && i < (cg->kind == CG_V2 ? 1 : CG_N); i++) {
        snprintf(path, sizeof(path), "%s/%u", cg->dir[i], id);
        if (rmdir(path) != 0 && errno != ENOENT)
            rc = -1;
    }
    return rc;
}
