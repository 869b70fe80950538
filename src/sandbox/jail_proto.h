/* SPDX-License-Identifier: Apache-2.0 */
#ifndef VG_SANDBOX_JAIL_PROTO_H
#define VG_SANDBOX_JAIL_PROTO_H

/*
 * The protocol between the daemon and virga-jail (docs/internals/sandbox.md).
 *
 * One SOCK_SEQPACKET socketpair; a packet is a head, then NUL-terminated "key=value" texts in
 * order, some of which repeat, and up to VG_JAIL_FDS_MAX descriptors.  Both ends are built from
 * the same tree, so a version that differs ends the jail.  C strings: this is the system-call edge,
 * and the jail links nothing of the engine.  No function here allocates or is thread-safe.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VG_JAIL_VERSION   1u
#define VG_JAIL_MAGIC     0x4a474756u /* "VGGJ", little-endian hosts only */
#define VG_JAIL_MSG_MAX   (160u << 10)
#define VG_JAIL_FDS_MAX   6u
#define VG_JAIL_BLOB_HEAD "VB1"

enum vg_jail_type {
    VG_JAIL_HELLO =
        1,           /* jail: version, pid, cgroup=v1|v2|none, missing= (why it cannot be strict) */
    VG_JAIL_PREPARE, /* daemon: argv* (none: waits for START's), env*, bind* ("src\ndst")        */
    VG_JAIL_PREPARED, /* jail: fds= names of the descriptors that come along, in order            */
    VG_JAIL_START,    /* daemon: memory_mb, tmp_mb, bind*, argv*, env*                            */
    VG_JAIL_KILL,     /* daemon */
    VG_JAIL_EXITED,   /* jail: status= (of wait), oom=0|1, max_memory= (bytes); the id is free    */
    VG_JAIL_FAILED,   /* jail: error=; the sandbox is gone                                        */
};

struct vg_jail_head {
    uint32_t magic;
    uint16_t version;
    uint16_t type;
    uint32_t id;  /* of the sandbox; chosen by the daemon */
    uint32_t len; /* of the texts */
};

struct vg_jail_msg {
    struct vg_jail_head head;
    char *text; /* head.len bytes */
    size_t cap;
    bool over; /* a text did not fit */
    unsigned n_fds;
    int fds[VG_JAIL_FDS_MAX];
};

/* `buf` is the caller's and holds the texts. */
void vg_jail_msg_init(struct vg_jail_msg *m, char *buf, size_t cap, enum vg_jail_type type,
                      uint32_t id);
void vg_jail_msg_add(struct vg_jail_msg *m, const char *key, const char *value, size_t len);
void vg_jail_msg_add_u64(struct vg_jail_msg *m, const char *key, uint64_t value);

/* Sends with the descriptors of m->fds, which stay open here. 0, or -1 and errno. */
int vg_jail_msg_send(int sock, const struct vg_jail_msg *m);
/*
 * Receives into `buf`; the descriptors become the caller's (close-on-exec).  1: a message, 0: the
 * other end is gone, -1: errno (EPROTO: not a message of this version; its descriptors are closed).
 */
int vg_jail_msg_recv(int sock, struct vg_jail_msg *m, char *buf, size_t cap);

/* Walks the texts: *pos begins at 0; false at the end. The value is NUL-terminated. */
bool vg_jail_msg_next(const struct vg_jail_msg *m, size_t *pos, const char **ret_key,
                      size_t *ret_key_len, const char **ret_value);
/* The first value of `key`, or NULL. */
const char *vg_jail_msg_get(const struct vg_jail_msg *m, const char *key);

#endif
