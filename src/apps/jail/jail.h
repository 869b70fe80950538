/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_APPS_JAIL_JAIL_H
#define VG_APPS_JAIL_JAIL_H

/*
 * Private to virga-jail: a single-threaded program that makes, limits and ends sandboxes.
 *
 * It must never have a second thread: it clones namespaces and moves itself between mount
 * namespaces.  It therefore links neither the engine nor libuv.
 */

#ifdef _REENTRANT
#error "virga-jail is single-threaded: build it without -pthread"
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Who a function is inside its sandbox: AWS's names and ids. */
#define JAIL_UID      993
#define JAIL_GID      990
#define JAIL_API_PORT 9001

#define JAIL_BINDS_MAX   16
#define JAIL_WHY_MAX     512
#define JAIL_TMP_MB      512u
#define JAIL_PIDS_MAX    1024u
#define JAIL_NOFILE      1024u
#define JAIL_SANDBOX_MAX 4096u

/* --- cgroup.c ----------------------------------------------------------------------------------
 */

enum cg_kind { CG_NONE, CG_V1, CG_V2 };
enum cg_ctl { CG_MEMORY, CG_CPU, CG_PIDS, CG_FREEZER, CG_N };

struct cg {
    enum cg_kind kind;
    char dir[CG_N][256]; /* our folder in each hierarchy; with v2 all the same */
};

/* Finds a writable hierarchy and makes our folder in it; else kind is CG_NONE and `why` says so. */
void cg_open(struct cg *cg, char *why, size_t n);
void cg_close(struct cg *cg);
int cg_make(const struct cg *cg, uint32_t id); /* 0 or -1 and errno */
int cg_attach(const struct cg *cg, uint32_t id, pid_t pid);
/* Memory must be limited before a function runs, by a descriptor opened ahead; the rest may come
 * a moment after. */
int cg_limit_fd(const struct cg *cg, uint32_t id); /* -1: none */
int cg_limit_memory(int limit_fd, unsigned memory_mb);
int cg_limit_rest(const struct cg *cg, uint32_t id, unsigned memory_mb);
int cg_memory_fd(const struct cg *cg, uint32_t id); /* reads the peak in bytes; -1: none */
int cg_freeze_fd(const struct cg *cg, uint32_t id); /* FROZEN/THAWED (v1) or 1/0 (v2)    */
/* v2: kills all of it, frozen or not. v1: thaws it, for what is frozen does not die. */
void cg_kill(const struct cg *cg, uint32_t id);
bool cg_was_oom(const struct cg *cg, uint32_t id);
uint64_t cg_peak_bytes(const struct cg *cg, uint32_t id);
int cg_remove(const struct cg *cg, uint32_t id); /* -1, EBUSY: still a process in it  */

/* --- root.c ------------------------------------------------------------------------------------
 */

struct root {
    int host_ns; /* our private copy of the host's mounts    */
    int tree_ns; /* the read-only root that sandboxes copy   */
    int dir_fd;  /* the root's tmpfs, writable: mount points */
};

int root_build(struct root *r, const char *run_dir, bool need_proc, char *why, size_t n);
int root_mkdir(const struct root *r, const char *path); /* a mount point, with its parents */

/* A detached read-only copy of the tree or file at `path`, or -1 and errno. */
int root_tree(const char *path);
/* Puts a detached tree on `path` of the present mount namespace. */
int root_attach(int tree_fd, const char *path);

/* --- filter.c ----------------------------------------------------------------------------------
 */

struct sock_fprog;
/* Compiles the system call filter once; 0 or -1 and `why`. */
int filter_build(struct sock_fprog *ret, char *why, size_t n);

/* --- init.c: what runs inside ------------------------------------------------------------------
 */

struct inside {
    int ctl;    /* to the jail: our end                         */
    int boot;   /* the boot blob arrives here                   */
    int log[2]; /* the function's output                        */
    pid_t jail_pid;
    unsigned n_trees;
    int tree_fd[JAIL_BINDS_MAX];
    const char *tree_dst[JAIL_BINDS_MAX];
    char *const *argv; /* NULL: wait for the blob's */
    char *const *envp;
    uid_t tmp_uid; /* of /tmp's owner, as this side of the namespace sees it */
    bool with_user_ns;
    const struct sock_fprog *filter;
};

/* The child of clone: becomes pid 1 of the sandbox. Never returns. */
void inside_main(const struct inside *in) __attribute__((noreturn));

/* Keeps `keep` (sorted, n) and 0..2 open, closes every other descriptor. */
void close_others(const int *keep, unsigned n);

/* --- sandbox.c ---------------------------------------------------------------------------------
 */

struct vg_jail_msg;

struct jail {
    int sock, epoll;
    pid_t parent; /* the daemon */
    struct cg cg;
    struct root root;
    bool is_root; /* of the host: a host uid for each sandbox */
    bool user_ns; /* user namespaces work                     */
    uid_t uid_base;
    uint32_t uid_count;
    char run_dir[256];
};

struct sock_fprog *jail_filter(void);
void sandbox_prepare(struct jail *j, const struct vg_jail_msg *m);
void sandbox_start(struct jail *j, const struct vg_jail_msg *m);
void sandbox_kill(struct jail *j, uint32_t id);
/* An event of epoll: `data` as it was registered. */
void sandbox_event(struct jail *j, uint64_t data);
/* Looks after those that end; in how many ms it wants to be called again at the latest, -1: never.
 */
int sandbox_tick(struct jail *j);
void sandbox_end_all(struct jail *j);

#endif
